//! How likely a challenge finds a bad segment.
//!
//! Of n′ segments *m* are bad and *q* are picked, every set of *q* being
//! equally likely. None of the bad ones is picked with probability
//! C(n′ − m, q) / C(n′, q), the hypergeometric distribution's value at 0.

use crate::hash_rate::{HashRate, RATES, duration};
use pow_core::challenge::SegmentCount;
use pow_core::target::Work;
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

/// How likely a challenge finds bad segments among those that it may pick.
/// Segments that are always checked are no part of it.
///
/// ```
/// use pow_audit::replay::Detection;
/// use pow_core::challenge::SegmentCount;
/// // 10 of 100 picked, 20 bad: 1 - C(80, 10) / C(100, 10).
/// let detection = Detection::new(SegmentCount(100), SegmentCount(10));
/// assert_eq!(format!("{:.3}", detection.caught(SegmentCount(20))), "0.905");
/// assert_eq!(detection.caught_single(), 0.1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detection {
    remaining: SegmentCount,
    picks: SegmentCount,
}

impl Detection {
    /// `picks` of `remaining` segments are picked; more than all is all.
    pub fn new(remaining: SegmentCount, picks: SegmentCount) -> Self {
        Detection {
            remaining,
            picks: picks.min(remaining),
        }
    }

    /// The fewest picks that reach a goal; all segments if no fewer do.
    pub fn for_goal(remaining: SegmentCount, goal: Goal) -> Self {
        Detection {
            remaining,
            picks: picks_for(goal, remaining),
        }
    }

    /// Segments that may be picked: n′.
    pub fn remaining(self) -> SegmentCount {
        self.remaining
    }

    /// Segments that are picked: q.
    pub fn picks(self) -> SegmentCount {
        self.picks
    }

    /// Natural logarithm of the probability that none of `bad` segments is
    /// picked, C(n′ − m, q) / C(n′, q); minus infinity if one must be. More bad
    /// segments than there are is all of them.
    pub fn ln_miss(self, bad: SegmentCount) -> f64 {
        let bad = bad.min(self.remaining).0;
        // The formula is symmetric in bad and picked: the smaller number is the
        // number of factors.
        let (factors, other) = (bad.min(self.picks.0), bad.max(self.picks.0));
        if factors > self.remaining.0 - other {
            return f64::NEG_INFINITY;
        }
        (0..factors)
            .map(|i| (-(other as f64) / (self.remaining.0 - i) as f64).ln_1p())
            .sum()
    }

    /// Probability that at least one of `bad` segments is picked.
    pub fn caught(self, bad: SegmentCount) -> f64 {
        // No minus zero.
        -self.ln_miss(bad).exp_m1() + 0.0
    }

    /// Probability that a single bad segment is picked: q / n′, 0 of none.
    pub fn caught_single(self) -> f64 {
        match self.remaining.0 {
            0 => 0.0,
            remaining => self.picks.0 as f64 / remaining as f64,
        }
    }

    /// What a forger pays on average until a challenge from the head alone
    /// misses all of `bad` segments, if a head takes `head` expected hashes.
    /// `None` if no challenge of so many picks misses them.
    pub fn forging_cost(self, bad: SegmentCount, head: Work) -> Option<ForgingCost> {
        let log2_heads = -self.ln_miss(bad) / std::f64::consts::LN_2;
        log2_heads.is_finite().then(|| ForgingCost {
            // No minus zero.
            log2_heads: log2_heads + 0.0,
            log2_hashes: log2_heads + (head.saturating_u128() as f64).log2(),
        })
    }
}

/// What it costs to mine heads until the challenge from one suits the forger:
/// (1 / probability of a miss) × the work of the last block. Nothing else has
/// to be done again, whatever the work of the blocks before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForgingCost {
    /// Logarithm to base 2 of the expected number of heads mined.
    pub log2_heads: f64,
    /// Logarithm to base 2 of the expected number of hashes.
    pub log2_hashes: f64,
}

impl ForgingCost {
    /// Expected seconds at so many hashes per second.
    pub fn seconds(self, rate: HashRate) -> f64 {
        (self.log2_hashes - (rate.0 as f64).log2()).exp2()
    }
}

impl fmt::Display for ForgingCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let costs = RATES.map(|(name, rate)| {
            let millis = self.seconds(rate) * 1000.0;
            format!("{} on {name}", duration(millis as u128))
        });
        write!(
            f,
            "2^{:.1} expected heads, 2^{:.1} expected hashes: {}",
            self.log2_heads,
            self.log2_hashes,
            costs.join(", ")
        )
    }
}
