//! A challenge to a chain: which segments to execute again, and why each.

use super::detection::{self, Fraction, Goal, SecurityBits};
use super::error::ReportError;
use super::segments::Segments;
use super::shard::Shard;
use pow_core::challenge::{
    ChallengeError, ChallengeSource, SegmentCount, SegmentIndex, SegmentPool,
};
use pow_core::hash::BlockHash;
use serde::{Deserialize, Serialize};

/// How many segments to pick at random, besides those that are always checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// All of them.
    All,
    /// Exactly this many.
    Count(SegmentCount),
    /// The smallest number that reaches a goal.
    Goal(Goal),
}

impl Default for Amount {
    /// The goal for a tenth of the segments being bad, with 10 bits.
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
    /// It is the first segment.
    First,
    /// It is the last segment.
    Last,
    /// The verifier named it.
    Named,
}

/// The segments of a chain to execute again.
#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    pub(super) source: ChallengeSource,
    pub(super) goal: Option<Goal>,
    pub(super) segments: SegmentCount,
    /// In ascending order.
    pub(super) always: Vec<(SegmentIndex, Reason)>,
    /// In ascending order. None of them is in `always`.
    pub(super) picked: Vec<SegmentIndex>,
}

impl Challenge {
    /// Draws the challenge from `source` and the chain as it is now. The first and the
    /// last segment are always checked, and so are the named ones.
    ///
    /// # Errors
    ///
    /// [`ChallengeError`] if a named segment does not exist, or if a count is larger
    /// than the number of segments to pick from.
    pub fn draw(
        segments: &Segments,
        source: ChallengeSource,
        amount: Amount,
        named: impl IntoIterator<Item = SegmentIndex>,
    ) -> Result<Challenge, ChallengeError> {
        let head = segments.chain().head_hash();
        Self::draw_from(segments.count(), head, source, amount, named)
    }

    /// Draws the challenge to a chain of so many segments. It hashes once for each of them.
    pub(crate) fn draw_from(
        segments: SegmentCount,
        head: BlockHash,
        source: ChallengeSource,
        amount: Amount,
        named: impl IntoIterator<Item = SegmentIndex>,
    ) -> Result<Challenge, ChallengeError> {
        let domain = SegmentPool::new(segments, named)?;
        let count = match amount {
            Amount::All => domain.remaining(),
            Amount::Count(count) => count,
            Amount::Goal(goal) => detection::picks_for(goal, domain.remaining()),
        };
        let seed = source.seed(head);
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

    /// What makes the challenge unpredictable.
    pub fn source(&self) -> &ChallengeSource {
        &self.source
    }

    /// The goal that decided the number of picked segments. Absent if that number was
    /// given.
    pub fn goal(&self) -> Option<Goal> {
        self.goal
    }

    /// The number of segments of the chain.
    pub fn segments(&self) -> SegmentCount {
        self.segments
    }

    /// The segments that are always checked, in ascending order, and why.
    pub fn always(&self) -> &[(SegmentIndex, Reason)] {
        &self.always
    }

    /// The segments that were picked at random, in ascending order.
    pub fn picked(&self) -> &[SegmentIndex] {
        &self.picked
    }

    /// The number of segments that could have been picked: n′.
    pub fn remaining(&self) -> SegmentCount {
        SegmentCount(self.segments.0.saturating_sub(self.always.len() as u64))
    }

    /// The number of segments that were picked: q.
    pub fn picks(&self) -> SegmentCount {
        SegmentCount(self.picked.len() as u64)
    }

    /// All segments to execute, in ascending order.
    pub fn challenged(&self) -> Vec<SegmentIndex> {
        let always = self.always.iter().map(|(segment, _)| *segment);
        let mut all: Vec<SegmentIndex> = always.chain(self.picked.iter().copied()).collect();
        all.sort_unstable();
        all
    }

    /// The segments that belong to one part of the challenge.
    pub fn part(&self, shard: Shard) -> Vec<SegmentIndex> {
        shard.part_of(&self.challenged())
    }
}

impl Challenge {
    /// Checks that a challenge that was read could have been drawn. It does not check
    /// the picks themselves, which follow from the chain.
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
