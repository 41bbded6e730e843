//! How likely a challenge finds a bad segment.
//!
//! Of n′ segments *m* are bad and *q* are picked, every set of *q* being
//! equally likely. None of the bad ones is picked with probability
//! C(n′ − m, q) / C(n′, q), the hypergeometric distribution's value at 0.

use pow_core::challenge::SegmentCount;
use std::fmt;
use std::str::FromStr;

/// A share of segments, above 0 and at most 1. In a file it is a text, the
/// shortest that gives the number again.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Fraction(f64);

/// A number or text that is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a number above 0 and at most 1, found {0:?}")]
pub struct FractionError(pub String);

impl Fraction {
    /// One in ten.
    pub const TENTH: Fraction = Fraction(0.1);

    /// Takes a number above 0 and at most 1.
    ///
    /// # Errors
    ///
    /// [`FractionError`] for any other.
    pub fn new(share: f64) -> Result<Self, FractionError> {
        if share > 0.0 && share <= 1.0 {
            Ok(Fraction(share))
        } else {
            Err(FractionError(share.to_string()))
        }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// The share of so many segments, rounded up; at least 1 if there are any.
    pub fn of(self, segments: SegmentCount) -> SegmentCount {
        // 0.07 · 100 is 7, whatever the product of the nearest doubles is.
        let share = (self.0 * segments.0 as f64 - 1e-9).ceil() as u64;
        SegmentCount(share.clamp(segments.0.min(1), segments.0))
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl FromStr for Fraction {
    type Err = FractionError;

    fn from_str(text: &str) -> Result<Self, FractionError> {
        let error = || FractionError(text.into());
        let share = text.parse().map_err(|_| error())?;
        Fraction::new(share).map_err(|_| error())
    }
}

/// λ: a probability of 2^−λ. Of a challenge from the head alone, 2^λ is how
/// many heads a forger has to mine on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecurityBits(pub u32);

/// What a challenge is to reach: if so large a share of the segments it may
/// pick is bad, it misses all of them with a probability of at most 2^−λ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The share of bad segments.
    pub fraction: Fraction,
    /// λ.
    pub security: SecurityBits,
}

/// The fewest picks of `remaining` segments that reach the goal; all of them if
/// no fewer do.
pub(super) fn picks_for(goal: Goal, remaining: SegmentCount) -> SegmentCount {
    let bad = goal.fraction.of(remaining);
    // A miss of exactly 2^-λ reaches it, however its logarithm is rounded.
    let limit = -f64::from(goal.security.0) * std::f64::consts::LN_2 * (1.0 - 1e-12);
    let mut ln_miss = 0.0;
    for picks in 0..remaining.0 {
        if ln_miss <= limit {
            return SegmentCount(picks);
        }
        let left = remaining.0 - picks;
        if bad.0 >= left {
            // The next pick must hit.
            return SegmentCount(picks + 1);
        }
        ln_miss += (-(bad.0 as f64) / left as f64).ln_1p();
    }
    remaining
}
