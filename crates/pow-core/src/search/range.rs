//! Ranges of nonces.

use crate::header::Nonce;

/// Consecutive nonces in search order: 1 to 2^32 of them, both inclusive. The
/// range may wrap from `u32::MAX` to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceRange {
    start: Nonce,
    len: u64,
}

/// A range length outside 1 to 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a nonce range has 1 to 4294967296 nonces, found {0}")]
pub struct NonceRangeError(pub u64);

impl NonceRange {
    /// All 2^32 nonces, from zero.
    pub const FULL: NonceRange = NonceRange {
        start: Nonce(0),
        len: 1 << 32,
    };

    /// `len` nonces, the first of which is `start`.
    ///
    /// # Errors
    ///
    /// [`NonceRangeError`] if `len` is zero or above 2^32.
    ///
    /// ```
    /// use pow_core::{header::Nonce, search::NonceRange};
    /// let wrapping = NonceRange::new(Nonce(u32::MAX), 3)?;
    /// assert_eq!(wrapping.nonce(2), Nonce(1));
    /// # Ok::<(), pow_core::search::NonceRangeError>(())
    /// ```
    pub fn new(start: Nonce, len: u64) -> Result<Self, NonceRangeError> {
        if (1..=1 << 32).contains(&len) {
            Ok(NonceRange { start, len })
        } else {
            Err(NonceRangeError(len))
        }
    }

    /// The first nonce.
    pub fn start(self) -> Nonce {
        self.start
    }

    /// The number of nonces, 1 to 2^32.
    #[allow(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub fn len(self) -> u64 {
        self.len
    }

    /// The nonce at `position` in search order, counted from 0. It wraps past
    /// `u32::MAX`.
    pub fn nonce(self, position: u64) -> Nonce {
        Nonce(self.start.0.wrapping_add(position as u32))
    }

    /// The position of `nonce` in search order, counted from 0; `None` if it is
    /// outside the range.
    pub fn position(self, nonce: Nonce) -> Option<u64> {
        let position = u64::from(nonce.0.wrapping_sub(self.start.0));
        (position < self.len).then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_first_nonces_and_no_others() {
        // It wraps.
        let range = NonceRange::new(Nonce(u32::MAX - 1), 4).unwrap();
        for (position, nonce) in [(0, u32::MAX - 1), (1, u32::MAX), (2, 0), (3, 1)] {
            assert_eq!(range.nonce(position), Nonce(nonce));
            assert_eq!(range.position(Nonce(nonce)), Some(position));
        }
        for outside in [2, 3, u32::MAX - 2] {
            assert_eq!(range.position(Nonce(outside)), None, "{outside}");
        }
    }

    #[test]
    fn a_range_has_1_to_2_to_the_32_nonces() {
        for len in [0, (1 << 32) + 1, u64::MAX] {
            assert_eq!(NonceRange::new(Nonce(7), len), Err(NonceRangeError(len)));
        }
        for len in [1, 1 << 32] {
            let range = NonceRange::new(Nonce(7), len).unwrap();
            assert_eq!((range.start(), range.len()), (Nonce(7), len));
        }
    }
}
