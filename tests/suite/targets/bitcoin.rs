//! A million compact targets and a million numbers, beside the `bitcoin`
//! crate where it is right.
//!
//! It is not right everywhere. `Target::from_compact` has no errors: it reads
//! non-canonical encodings, lets a shift of 256 bits or more wrap, and answers
//! zero for a set sign bit, but not where the sign bit is shifted away first.
//! `Target::to_work` calls the work of target 1 2^256 - 1 and not 2^255. There
//! the expected verdict is stated here.

use super::shapes::Shapes;
use pow_core::hash::BlockHash;
use pow_core::target::{CompactError, CompactTarget, Target, Work};

const CASES: usize = 1_000_000;

/// 2^255, big-endian.
const HALF: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 0x80;
    bytes
};

tests! {
    compact_targets, numbers, comparisons, where_the_other_crate_is_lax
}

fn compact_targets() {
    let mut shapes = Shapes::new(0x7a26);
    let mut seen = [0; 6];
    for _ in 0..CASES {
        let bits = shapes.bits();
        let expected = expected(bits);
        let found = CompactTarget(bits).decode();
        assert_eq!(found, expected, "{bits:#010x}");
        if let Ok(target) = found {
            assert_eq!(work(target), expected_work(theirs(bits)), "{bits:#010x}");
        }
        seen[class(found)] += 1;
    }
    // No verdict was tested by accident alone.
    assert!(seen.iter().all(|count| *count > 1000), "{seen:?}");
}

/// Our verdict, from the `bitcoin` crate's reading and Bitcoin Core's
/// definitions of negative and overflow (`arith_uint256::SetCompact`).
fn expected(bits: u32) -> Result<Target, CompactError> {
    let (size, word) = (bits >> 24, bits & 0x007f_ffff);
    // Of several defects the first in this order is named.
    if word != 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)) {
        return Err(CompactError::Overflow(bits));
    }
    if word != 0 && bits & 0x0080_0000 != 0 {
        return Err(CompactError::Negative(bits));
    }
    if word == 0 {
        return Err(CompactError::Zero(bits));
    }
    let value = theirs(bits);
    if value == bitcoin::Target::ZERO {
        return Err(CompactError::Zero(bits));
    }
    let canonical = value.to_compact_lossy().to_consensus();
    if canonical != bits {
        return Err(CompactError::NotCanonical {
            found: bits,
            expected: canonical,
        });
    }
    if value > bitcoin::Target::MAX_ATTAINABLE_REGTEST {
        return Err(CompactError::TooEasy(bits));
    }
    Ok(Target::from_le_bytes(value.to_le_bytes()))
}

fn numbers() {
    let mut shapes = Shapes::new(0xc0de);
    for _ in 0..CASES {
        let bytes = shapes.number();
        let (ours, theirs) = both(bytes);
        let lossy = theirs.to_compact_lossy().to_consensus();
        assert_eq!(ours.to_compact(), CompactTarget(lossy), "{ours:?}");
        assert_eq!(work(ours), expected_work(theirs), "{ours:?}");
    }
}

fn comparisons() {
    let mut shapes = Shapes::new(0xcafe);
    for _ in 0..CASES {
        let hash = shapes.number();
        // Equal, different in one bit, or of another shape.
        let mut target = if hash[3] & 1 == 0 {
            hash
        } else {
            shapes.number()
        };
        target[usize::from(hash[1] % 32)] ^= hash[2] & 0x10;
        let (ours, theirs) = both(target);
        let their_hash = bitcoin::hashes::Hash::from_byte_array(hash);
        assert_eq!(
            ours.is_met_by(BlockHash(hash)),
            theirs.is_met_by(their_hash),
            "{ours:?} {hash:?}"
        );
    }
}

/// Were the crate to become strict, the comment above would be wrong.
fn where_the_other_crate_is_lax() {
    let cases = [
        (0x0180_0000, CompactError::Zero(0x0180_0000)),
        (0x01fe_dcba, CompactError::Negative(0x01fe_dcba)),
        (0x2300_0001, CompactError::Overflow(0x2300_0001)),
        (0xff12_3456, CompactError::Overflow(0xff12_3456)),
    ];
    for (bits, error) in cases {
        assert_ne!(theirs(bits), bitcoin::Target::ZERO, "{bits:#010x}");
        assert_eq!(CompactTarget(bits).decode(), Err(error));
    }
    assert_ne!(one().to_work().to_be_bytes(), HALF);
}

fn both(le_bytes: [u8; 32]) -> (Target, bitcoin::Target) {
    (
        Target::from_le_bytes(le_bytes),
        bitcoin::Target::from_le_bytes(le_bytes),
    )
}

fn theirs(bits: u32) -> bitcoin::Target {
    bitcoin::Target::from_compact(bitcoin::CompactTarget::from_consensus(bits))
}

/// Big-endian bytes, which two different crates agree on.
fn work(target: Target) -> [u8; 32] {
    let work: Work = target.work();
    let number: ruint::aliases::U256 = work.to_string().parse().unwrap();
    number.to_be_bytes()
}

fn expected_work(target: bitcoin::Target) -> [u8; 32] {
    if target == one() {
        // 2^256 / 2; their answer is 2^256 - 1.
        return HALF;
    }
    target.to_work().to_be_bytes()
}

fn one() -> bitcoin::Target {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bitcoin::Target::from_le_bytes(bytes)
}

fn class(found: Result<Target, CompactError>) -> usize {
    match found {
        Ok(_) => 0,
        Err(CompactError::Negative(_)) => 1,
        Err(CompactError::Zero(_)) => 2,
        Err(CompactError::Overflow(_)) => 3,
        Err(CompactError::NotCanonical { .. }) => 4,
        Err(CompactError::TooEasy(_)) => 5,
        Err(other) => panic!("{other}"),
    }
}
