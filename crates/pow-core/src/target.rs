//! Targets, their compact encoding, and work.

use crate::hash::BlockHash;
use core::fmt;
use ruint::aliases::U256;

/// The easiest target that a block may have: Bitcoin regtest's limit,
/// `0x207fffff`. Other Bitcoin software accepts no easier compact target.
pub const MAX_TARGET: CompactTarget = CompactTarget(0x207f_ffff);

/// A target in Bitcoin's compact form (`nBits`): one exponent byte and three
/// mantissa bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CompactTarget(pub u32);

/// Why a compact target is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// The mantissa's sign bit is set.
    #[error("compact target {0:#010x} is negative")]
    Negative(u32),
    /// The value is zero; no hash could meet it.
    #[error("compact target {0:#010x} is zero")]
    Zero(u32),
    /// The value needs more than 256 bits.
    #[error("compact target {0:#010x} overflows 256 bits")]
    Overflow(u32),
    /// The encoding is not the canonical one of its value.
    #[error("compact target {found:#010x} is not canonical, expected {expected:#010x}")]
    NotCanonical {
        /// Encoding found.
        found: u32,
        /// The canonical encoding of the same value.
        expected: u32,
    },
    /// The value is easier than [`MAX_TARGET`].
    #[error("compact target {0:#010x} is easier than the limit 0x207fffff")]
    TooEasy(u32),
}

impl CompactTarget {
    /// Decodes strictly. The value must be positive, at most [`MAX_TARGET`],
    /// and in its canonical encoding.
    ///
    /// # Errors
    ///
    /// [`CompactError`] for a negative, zero, overflowing, non-canonical or too
    /// easy target. (Bitcoin Core's `SetCompact` reports the first three, but
    /// accepts non-canonical encodings.)
    ///
    /// ```
    /// use pow_core::target::CompactTarget;
    /// assert!(CompactTarget(0x1d00ffff).decode().is_ok());
    /// assert!(CompactTarget(0x01800000).decode().is_err());
    /// ```
    pub fn decode(self) -> Result<Target, CompactError> {
        let bits = self.0;
        let exponent = (bits >> 24) as usize;
        let mantissa = bits & 0x007f_ffff;
        let value = if exponent <= 3 {
            U256::from(mantissa >> (8 * (3 - exponent)))
        } else {
            let shift = 8 * (exponent - 3);
            let mantissa = U256::from(mantissa);
            if mantissa.bit_len() + shift > 256 && !mantissa.is_zero() {
                return Err(CompactError::Overflow(bits));
            }
            // Zero stays zero, however far it is shifted.
            mantissa << shift
        };
        if bits & 0x0080_0000 != 0 && mantissa != 0 {
            return Err(CompactError::Negative(bits));
        }
        if value.is_zero() {
            return Err(CompactError::Zero(bits));
        }
        let target = Target(value);
        let expected = target.to_compact();
        if expected != self {
            return Err(CompactError::NotCanonical {
                found: bits,
                expected: expected.0,
            });
        }
        // Only now is the limit checked: a malformed encoding is the more
        // precise error.
        if target > Target::LIMIT {
            return Err(CompactError::TooEasy(bits));
        }
        Ok(target)
    }
}

impl fmt::Display for CompactTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// A 256-bit target. A block hash meets the target if the hash, read as a
/// little-endian number, is not above it. [`CompactTarget::decode`] never
/// returns zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(U256);

impl Target {
    /// The value of [`MAX_TARGET`]: `0x7fffff` shifted left by 232 bits.
    pub const LIMIT: Target = Target(U256::from_limbs([0, 0, 0, 0x7fff_ff00_0000_0000]));

    /// The target from its 32 little-endian bytes.
    pub fn from_le_bytes(bytes: [u8; 32]) -> Self {
        Target(U256::from_le_bytes(bytes))
    }

    /// The target's 32 little-endian bytes.
    pub fn to_le_bytes(self) -> [u8; 32] {
        self.0.to_le_bytes()
    }

    /// Whether `hash` meets the target.
    pub fn is_met_by(self, hash: BlockHash) -> bool {
        U256::from_le_bytes(hash.0) <= self.0
    }

    /// The most significant 32 bits. Engines compare them first, to reject most
    /// nonces early.
    pub fn top_u32(self) -> u32 {
        (self.0.as_limbs()[3] >> 32) as u32
    }

    /// The canonical compact encoding. It is rounded to the harder side, as in
    /// Bitcoin Core's `GetCompact`.
    pub fn to_compact(self) -> CompactTarget {
        let mut size = self.0.bit_len().div_ceil(8);
        let mut mantissa = if size <= 3 {
            (self.0.as_limbs()[0] as u32) << (8 * (3 - size))
        } else {
            (self.0 >> (8 * (size - 3))).as_limbs()[0] as u32
        };
        if mantissa & 0x0080_0000 != 0 {
            mantissa >>= 8;
            size += 1;
        }
        CompactTarget(mantissa | (size as u32) << 24)
    }

    /// The expected number of hashes until one meets the target: `2^256 /
    /// (target + 1)`, rounded down, at least 1. For target zero this is 2^256,
    /// which does not fit; the result is then 2^256 - 1.
    pub fn work(self) -> Work {
        // 2^256 does not fit into a U256. (!t / (t + 1)) + 1 is the same
        // number.
        match self.0.checked_add(U256::from(1)) {
            Some(next) => Work((!self.0 / next).saturating_add(U256::from(1))),
            None => Work(U256::from(1)),
        }
    }
}

/// A number *n* of leading zero bits, 1 to 255, both inclusive. A hash has them
/// with probability 2^-n. Work is exponential in *n* and linear in difficulty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ZeroBits(u8);

/// A number of zero bits outside 1 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("zero bits must be 1 to 255, found {0}")]
pub struct ZeroBitsError(pub u32);

impl ZeroBits {
    /// A number of bits from 1 to 255, both inclusive.
    ///
    /// # Errors
    ///
    /// [`ZeroBitsError`] outside that range.
    ///
    /// ```
    /// use pow_core::target::{MAX_TARGET, ZeroBits};
    /// assert_eq!(ZeroBits::new(1).unwrap().compact(), MAX_TARGET);
    /// assert!(ZeroBits::new(0).is_err());
    /// ```
    pub fn new(bits: u32) -> Result<Self, ZeroBitsError> {
        match u8::try_from(bits) {
            Ok(bits) if bits >= 1 => Ok(ZeroBits(bits)),
            _ => Err(ZeroBitsError(bits)),
        }
    }

    /// The number of bits.
    pub fn get(self) -> u8 {
        self.0
    }

    /// The largest compact target that is not above `2^(256 - n) - 1`.
    pub fn compact(self) -> CompactTarget {
        Target(U256::MAX >> usize::from(self.0)).to_compact()
    }
}

/// The expected number of hashes, summed over blocks. The sum saturates at
/// 2^256 - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Work(U256);

impl Work {
    /// No work.
    pub const ZERO: Work = Work(U256::ZERO);

    /// The sum. It saturates at 2^256 - 1.
    #[must_use]
    pub fn plus(self, other: Work) -> Work {
        Work(self.0.saturating_add(other.0))
    }

    /// The number as `u128`, or `u128::MAX` if it is larger.
    pub fn saturating_u128(self) -> u128 {
        u128::try_from(self.0).unwrap_or(u128::MAX)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_the_value_of_max_target() {
        assert_eq!(MAX_TARGET.decode(), Ok(Target::LIMIT));
    }

    #[test]
    fn strict_decoding_names_the_defect() {
        use CompactError::*;
        let cases = [
            (0x0000_0000, Zero(0)),
            (0x0100_0000, Zero(0x0100_0000)),
            (0x0180_0000, Zero(0x0180_0000)),
            (0x0492_3456, Negative(0x0492_3456)),
            (0x01fe_dcba, Negative(0x01fe_dcba)),
            (0x2300_0001, Overflow(0x2300_0001)),
            (0xff12_3456, Overflow(0xff12_3456)),
            (0x2300_0000, Zero(0x2300_0000)),
            (0xff00_0000, Zero(0xff00_0000)),
            (0x2100_ffff, TooEasy(0x2100_ffff)),
            (0x0200_0056, Zero(0x0200_0056)),
            (
                0x0400_0012,
                NotCanonical {
                    found: 0x0400_0012,
                    expected: 0x0212_0000,
                },
            ),
        ];
        for (bits, error) in cases {
            assert_eq!(CompactTarget(bits).decode(), Err(error), "{bits:#010x}");
        }
    }

    #[test]
    fn work_of_known_targets() {
        let work = |bits| CompactTarget(bits).decode().map(Target::work);
        assert_eq!(work(0x207f_ffff), Ok(Work(U256::from(2))));
        assert_eq!(work(0x1d00_ffff), Ok(Work(U256::from(0x1_0001_0001u64))));
    }
    #[test]
    fn zero_bits_are_1_to_255() {
        for bits in [0, 256, 257, u32::MAX] {
            assert_eq!(ZeroBits::new(bits), Err(ZeroBitsError(bits)));
        }
        for bits in [1, 255] {
            assert_eq!(
                ZeroBits::new(bits).map(|bits| u32::from(bits.get())),
                Ok(bits)
            );
        }
    }
}
