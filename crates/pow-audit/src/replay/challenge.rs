//! A challenge to a chain: which segments, and why each.

use super::detection::{self, Fraction, Goal, SecurityBits};
use super::error::ReportError;
use super::segments::Segments;
use super::shard::Shard;
use pow_core::challenge::{ChallengeError, ChallengeSource, Domain, SegmentCount, SegmentIndex};
use serde::{Deserialize, Serialize};

/// How many segments to pick of those that are not always checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// All of them.
    All,
    /// So many.
    Count(SegmentCount),
    /// The fewest that reach a goal.
    Goal(Goal),
}

impl Default for Amount {
    /// A tenth of the segments being bad, 10 bits.
    fn default() -> Self {
        Amount::Goal(Goal {
            fraction: Fraction::TENTH,
            security: SecurityBits(10),
        })
    }
}

/// Why a segment is always checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Reason {
    /// It is the first.
    First,
    /// It is the last.
    Last,
    /// The verifier named it.
    Named,
}

/// The segments of a chain that are to be executed again.
#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    pub(super) source: ChallengeSource,
    pub(super) goal: Option<Goal>,
    pub(super) segments: SegmentCount,
    /// In ascending order.
    pub(super) always: Vec<(SegmentIndex, Reason)>,
    /// In ascending order, none of them in `always`.
    pub(super) picked: Vec<SegmentIndex>,
}

impl Challenge {
    /// The challenge that `source` gives to the chain as it is now. The first
    /// and the last segment are always checked, and so are those named.
    ///
    /// # Errors
    ///
    /// [`ChallengeError`] if a named segment does not exist, or a count is
    /// larger than the number of segments to pick from.
    pub fn draw(
        segments: &Segments,
        source: ChallengeSource,
        amount: Amount,
        named: impl IntoIterator<Item = SegmentIndex>,
    ) -> Result<Challenge, ChallengeError> {
        let domain = Domain::new(segments.count(), named)?;
        let count = match amount {
            Amount::All => domain.remaining(),
            Amount::Count(count) => count,
            Amount::Goal(goal) => detection::picks_for(goal, domain.remaining()),
        };
        let seed = source.seed(segments.chain().head_hash());
        let mut challenge = Challenge {
            goal: match amount {
                Amount::Goal(goal) => Some(goal),
                _ => None,
            },
            segments: domain.segments(),
            always: Vec::new(),
            picked: domain.pick(seed, count)?,
            source,
        };
        challenge.always = domain
            .always()
            .iter()
            .map(|segment| (*segment, challenge.reason(*segment)))
            .collect();
        Ok(challenge)
    }

    /// Where its unpredictability comes from.
    pub fn source(&self) -> &ChallengeSource {
        &self.source
    }

    /// What the number of picked segments was to reach; absent if it was given.
    pub fn goal(&self) -> Option<Goal> {
        self.goal
    }

    /// Segments of the chain.
    pub fn segments(&self) -> SegmentCount {
        self.segments
    }

    /// The segments that are always checked, in ascending order, and why.
    pub fn always(&self) -> &[(SegmentIndex, Reason)] {
        &self.always
    }

    /// The segments that were picked by chance, in ascending order.
    pub fn picked(&self) -> &[SegmentIndex] {
        &self.picked
    }

    /// How many segments could have been picked: n′.
    pub fn remaining(&self) -> SegmentCount {
        SegmentCount(self.segments.0.saturating_sub(self.always.len() as u64))
    }

    /// How many segments were picked: q.
    pub fn picks(&self) -> SegmentCount {
        SegmentCount(self.picked.len() as u64)
    }

    /// All segments to be executed, in ascending order.
    pub fn challenged(&self) -> Vec<SegmentIndex> {
        let always = self.always.iter().map(|(segment, _)| *segment);
        let mut all: Vec<SegmentIndex> = always.chain(self.picked.iter().copied()).collect();
        all.sort_unstable();
        all
    }

    /// Those that belong to a part of the challenge.
    pub fn part(&self, shard: Shard) -> Vec<SegmentIndex> {
        shard.part_of(&self.challenged())
    }
}

impl Challenge {
    /// Whether a challenge that was read is one that could have been drawn, but
    /// for the picks themselves: those follow from the chain.
    pub(super) fn check(&self) -> Result<(), ReportError> {
        let error = |place: &str, reason: String| {
            let place = format!("challenge.{place}");
            Err(ReportError::content(place, reason))
        };
        let always: Vec<SegmentIndex> = self.always.iter().map(|(segment, _)| *segment).collect();
        for (place, list) in [("always", &always), ("picked", &self.picked)] {
            if !list.is_sorted_by(|a, b| a < b) {
                return error(place, "not in ascending order".into());
            }
            if let Some(last) = list.last().filter(|last| last.0 >= self.segments.0) {
                return error(place, format!("there is no segment {last}"));
            }
        }
        if let Some(twice) = self.picked.iter().find(|s| always.binary_search(s).is_ok()) {
            return error("picked", format!("segment {twice} is always checked"));
        }
        for (segment, why) in &self.always {
            let expected = self.reason(*segment);
            if *why != expected {
                let reason = format!("segment {segment} is {why:?}, expected {expected:?}");
                return error("always", reason);
            }
        }
        let ends = self.segments.0.checked_sub(1).map(|last| [0, last]);
        for end in ends.into_iter().flatten().map(SegmentIndex) {
            if always.binary_search(&end).is_err() {
                return error("always", format!("segment {end} is missing"));
            }
        }
        Ok(())
    }

    fn reason(&self, segment: SegmentIndex) -> Reason {
        match segment.0 {
            0 => Reason::First,
            index if index + 1 == self.segments.0 => Reason::Last,
            _ => Reason::Named,
        }
    }
}
