//! ASERT: a target that adapts exponentially, in integer arithmetic.
//!
//! This is `aserti3-2d` as Bitcoin Cash has used it since 2020
//! ([specification](https://github.com/bitcoincashorg/bitcoincash.org/blob/master/spec/2020-11-15-asert.md)),
//! Here spacing, half-life and limit are parameters, and times and heights have
//! no bounds.

use crate::target::Target;
use ruint::Uint;

/// Wide enough for the product of any target and a factor below 2^17.
type U320 = Uint<320, 5>;

/// One, in the fixed-point numbers of the exponent.
const RADIX: i128 = 65_536;

/// How far a chain is. Any unit of time will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsertProgress {
    /// Time from the parent of the reference block to the last block.
    pub time: i128,
    /// The number of blocks from the reference block to the last block.
    pub blocks: u64,
}

/// The parameters of the rule, in the same unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsertParameters {
    /// The time that a block should take. At least 1.
    pub spacing: u64,
    /// The time behind schedule that doubles the target, and ahead of schedule
    /// that halves it. At least 1.
    pub half_life: u64,
    /// The easiest target.
    pub limit: Target,
}

/// The target of the block after `progress`. `reference` is the target of the
/// reference block: `reference · 2^((time - spacing · (blocks + 1)) /
/// half_life)`, computed with a cubic polynomial that is at most 0.013 % off,
/// and kept between 1 and the limit, both inclusive.
///
/// ```
/// use pow_core::difficulty::{AsertParameters, AsertProgress, asert};
/// use pow_core::target::{CompactTarget, Target};
/// let reference = CompactTarget(0x1b00ffff).decode()?;
/// let parameters = AsertParameters { spacing: 600, half_life: 3600, limit: Target::LIMIT };
/// let on_schedule = AsertProgress { time: 1200, blocks: 1 };
/// assert_eq!(asert(reference, on_schedule, &parameters), reference);
/// # Ok::<(), pow_core::target::CompactError>(())
/// ```
pub fn asert(reference: Target, progress: AsertProgress, parameters: &AsertParameters) -> Target {
    let exponent = exponent(progress, parameters);
    // An arithmetic shift rounds towards minus infinity, so the remainder is
    // not negative.
    let doublings = exponent >> 16;
    let factor = two_to_the(exponent.rem_euclid(RADIX) as u128);
    let product = U320::from_le_slice(&reference.to_le_bytes()) * U320::from(factor);
    let limit = U320::from_le_slice(&parameters.limit.to_le_bytes());
    // The factor has 16 fractional bits.
    let next = shift(product, doublings - 16).map_or(limit, |next| next.min(limit));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&next.max(U320::from(1)).to_le_bytes::<40>()[..32]);
    Target::from_le_bytes(bytes)
}

/// How many half-lives the chain is behind schedule, with 16 fractional bits.
/// The division truncates towards zero, as in C++.
fn exponent(progress: AsertProgress, parameters: &AsertParameters) -> i128 {
    let blocks = i128::from(progress.blocks) + 1;
    // If these saturate, the target is at one of its limits anyway.
    let due = i128::from(parameters.spacing).saturating_mul(blocks);
    let late = progress.time.saturating_sub(due);
    late.saturating_mul(RADIX) / i128::from(parameters.half_life.max(1))
}

/// `2^(fraction / 2^16)` with 16 fractional bits: 65,536 to 131,071.
fn two_to_the(fraction: u128) -> u64 {
    let cubic = 195_766_423_245_049 * fraction
        + 971_821_376 * fraction.pow(2)
        + 5_127 * fraction.pow(3)
        + (1 << 47);
    65_536 + (cubic >> 48) as u64
}

/// `value` shifted to the left by `bits`, or to the right if that is negative.
/// `None` if it overflows.
fn shift(value: U320, bits: i128) -> Option<U320> {
    let distance = usize::try_from(bits.unsigned_abs()).unwrap_or(usize::MAX);
    if bits <= 0 {
        return Some(value.wrapping_shr(distance.min(U320::BITS)));
    }
    let room = U320::BITS - value.bit_len();
    (distance <= room).then(|| value << distance)
}
