//! How likely a challenge is to find a bad segment.
//!
//! Of n′ segments, *m* are bad and *q* are picked. Every set of *q* segments is equally
//! likely. The probability that no bad one is picked is C(n′ − m, q) / C(n′, q): the
//! hypergeometric distribution at 0.

use crate::report::hash_rate::{HashRate, RATES, duration};
use pow_core::challenge::SegmentCount;
use pow_core::target::Work;
use std::fmt;
use std::str::FromStr;

/// A share of segments, above 0 and at most 1. In a file it is the shortest text that
/// gives the same number again.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Fraction(f64);

/// A number or text that is not a share.
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
    /// [`FractionError`] for any other number.
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

    /// This share of a number of segments, rounded up. It is at least 1 if there are
    /// any segments.
    pub fn of(self, segments: SegmentCount) -> SegmentCount {
        // 0.07 · 100 must give 7, although the product of the nearest doubles is larger.
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

/// λ, for a probability of 2^−λ. If the challenge comes from the head alone, a forger
/// has to mine 2^λ heads on average.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecurityBits(pub u32);

/// The goal of a challenge: if this share of the segments that it may pick is bad, it
/// misses all bad ones with a probability of at most 2^−λ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Goal {
    /// The share of bad segments.
    pub fraction: Fraction,
    /// λ.
    pub security: SecurityBits,
}

/// The smallest number of picks from `remaining` segments that reaches the goal.
pub(super) fn picks_for(goal: Goal, remaining: SegmentCount) -> SegmentCount {
    let bad = goal.fraction.of(remaining);
    // A miss of exactly 2^-λ must reach the goal, although its logarithm is rounded.
    let limit = -f64::from(goal.security.0) * std::f64::consts::LN_2 * (1.0 - 1e-12);
    let mut ln_miss = 0.0;
    for picks in 0..remaining.0 {
        if ln_miss <= limit {
            return SegmentCount(picks);
        }
        // Minus infinity, if this pick must hit.
        let left = remaining.0 - picks;
        ln_miss += (-(bad.0 as f64) / left as f64).ln_1p();
    }
    remaining
}

/// How likely a challenge is to find bad segments among those that it may pick.
/// Segments that are always checked do not count here.
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
    /// `picks` of `remaining` segments are picked, or all if there are fewer.
    pub fn new(remaining: SegmentCount, picks: SegmentCount) -> Self {
        Detection {
            remaining,
            picks: picks.min(remaining),
        }
    }

    /// The smallest number of picks that reaches a goal.
    pub fn for_goal(remaining: SegmentCount, goal: Goal) -> Self {
        Detection {
            remaining,
            picks: picks_for(goal, remaining),
        }
    }

    /// The number of segments that may be picked: n′.
    pub fn remaining(self) -> SegmentCount {
        self.remaining
    }

    /// The number of segments that are picked: q.
    pub fn picks(self) -> SegmentCount {
        self.picks
    }

    /// Natural logarithm of the probability that none of `bad` segments is picked:
    /// C(n′ − m, q) / C(n′, q). Minus infinity if one must be picked. If `bad` is larger
    /// than n′, all segments are bad.
    pub fn ln_miss(self, bad: SegmentCount) -> f64 {
        let bad = bad.min(self.remaining).0;
        // The formula is symmetric in bad and picked. The smaller number is the number of
        // factors.
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
        // Never above zero, and `abs` leaves no minus zero.
        self.ln_miss(bad).exp_m1().abs()
    }

    /// Probability that a single bad segment is picked: q / n′, or 0 if n′ is 0.
    pub fn caught_single(self) -> f64 {
        match self.remaining.0 {
            0 => 0.0,
            remaining => self.picks.0 as f64 / remaining as f64,
        }
    }

    /// The average cost to forge: to mine heads until a challenge from the head alone
    /// misses all of `bad` segments. One head takes `head` expected hashes. `None` if
    /// no challenge with this number of picks misses them.
    pub fn forging_cost(self, bad: SegmentCount, head: Work) -> Option<ForgingCost> {
        let log2_heads = self.ln_miss(bad).abs() / std::f64::consts::LN_2;
        log2_heads.is_finite().then(|| ForgingCost {
            log2_heads,
            log2_hashes: log2_heads + (head.saturating_u128() as f64).log2(),
        })
    }
}

/// The cost of mining heads until the challenge from one suits the forger: (1 /
/// probability of a miss) × the work of the last block. No earlier block has to be mined
/// again, so their work does not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ForgingCost {
    /// Logarithm to base 2 of the expected number of heads mined.
    pub log2_heads: f64,
    /// Logarithm to base 2 of the expected number of hashes.
    pub log2_hashes: f64,
}

impl ForgingCost {
    /// Expected seconds at a hash rate.
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
