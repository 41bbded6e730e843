//! What a replay found, and the rules that every such report holds.

use super::challenge::Challenge;
use super::error::ReportError;
use super::machine::Machine;
use super::outcome::{SegmentEnd, SegmentOutcome};
use super::segments::{Segment, Segments};
use super::shard::Shard;
use pow_core::challenge::SegmentIndex;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use std::time::Duration;

/// Which chain was replayed, as far as it went then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayedChain {
    /// Hash of its genesis block.
    pub genesis: BlockHash,
    /// Hash of its last block.
    pub head: BlockHash,
    /// Height of its last block.
    pub height: Height,
    /// Whether that is a final block.
    pub finished: bool,
}

impl ReplayedChain {
    /// The chain that these segments are of.
    pub fn of(segments: &Segments) -> Self {
        let chain = segments.chain();
        ReplayedChain {
            genesis: chain.genesis_hash(),
            head: chain.head_hash(),
            height: chain.height(),
            finished: chain.end().is_some(),
        }
    }
}

/// What came of one segment, where, and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentResult {
    /// The segment, as the chain has it.
    pub segment: Segment,
    /// Who executed it.
    pub machine: Machine,
    /// What came of it.
    pub outcome: SegmentOutcome,
    /// How long that took; kept in whole milliseconds.
    pub spent: Duration,
}

/// The outcome of a challenge, or of a part of it: one result for each challenged
/// segment of the part, in ascending order.
///
/// ```no_run
/// use pow_audit::replay::Amount;
/// use pow_audit::replay::{Challenge, Machine, SegmentOutcome, ReplayReport, SegmentResult, Segments, Shard};
/// use pow_core::challenge::ChallengeSource;
/// use std::{path::Path, time::Duration};
///
/// # fn replay(
/// #     execute: impl Fn(pow_audit::replay::Segment) -> SegmentOutcome,
/// #     here: impl Fn() -> Machine,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let segments = Segments::of(Path::new("runs/digits/chain.pow"), None, &mut |_| {})?;
/// let challenge = Challenge::draw(&segments, ChallengeSource::Head, Amount::default(), [])?;
/// let part = challenge.part(Shard::WHOLE).into_iter();
/// let results = part.filter_map(|index| segments.get(index)).map(|segment| SegmentResult {
///     segment,
///     machine: here(),
///     outcome: execute(segment),
///     spent: Duration::ZERO,
/// });
/// let results = results.collect();
/// ReplayReport::new(&segments, challenge, Shard::WHOLE, results)?
///     .write(Path::new("replay.json"))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayReport {
    pub(super) chain: ReplayedChain,
    pub(super) challenge: Challenge,
    pub(super) shard: Shard,
    pub(super) recorded: Machine,
    pub(super) results: Vec<SegmentResult>,
}

impl ReplayReport {
    /// The report on part `shard` of a challenge to this chain. The results may
    /// come in any order.
    ///
    /// # Errors
    ///
    /// [`ReportError::Content`] unless there is exactly one result for each
    /// segment of the part, and each is possible: a segment is as the chain has
    /// it, all entries of a bit-exact one were compared, and a difference that
    /// rounding explains was found on a machine [comparable] with genesis's.
    ///
    /// [comparable]: Machine::is_comparable_with
    pub fn new(
        segments: &Segments,
        challenge: Challenge,
        shard: Shard,
        mut results: Vec<SegmentResult>,
    ) -> Result<ReplayReport, ReportError> {
        results.sort_by_key(|result| result.segment.index);
        for result in &mut results {
            // Files hold milliseconds.
            result.spent = Duration::from_millis(millis(result.spent));
        }
        let report = ReplayReport {
            chain: ReplayedChain::of(segments),
            challenge,
            shard,
            recorded: Machine::of_genesis(segments.chain().genesis()),
            results,
        };
        report.check()?;
        for result in &report.results {
            let segment = result.segment;
            if segments.get(segment.index) != Some(segment) {
                let place = format!("segment {}", segment.index);
                return Err(ReportError::content(place, "the chain has another one"));
            }
        }
        Ok(report)
    }

    /// Which chain was replayed.
    pub fn chain(&self) -> &ReplayedChain {
        &self.chain
    }

    /// What it was challenged to.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// Which part of the challenge this is.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// The machine that recorded the run, as genesis describes it.
    pub fn recorded(&self) -> &Machine {
        &self.recorded
    }

    /// The results, in ascending order of segments.
    pub fn results(&self) -> &[SegmentResult] {
        &self.results
    }

    /// The same report without the times: equal replays give equal findings.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        for result in &mut self.results {
            result.spent = Duration::ZERO;
        }
        self
    }

    /// Whether the report is consistent in itself.
    pub(super) fn check(&self) -> Result<(), ReportError> {
        self.challenge.check()?;
        let expected = self.challenge.part(self.shard);
        let found: Vec<SegmentIndex> = self.results.iter().map(|r| r.segment.index).collect();
        if found != expected {
            let at = found
                .iter()
                .zip(&expected)
                .take_while(|(a, b)| a == b)
                .count();
            let word = |list: &[SegmentIndex]| {
                list.get(at)
                    .map_or("no more".into(), |segment| format!("segment {segment}"))
            };
            return Err(ReportError::content(
                "results",
                format!(
                    "{} where part {} of the challenge has {}",
                    word(&found),
                    self.shard,
                    word(&expected)
                ),
            ));
        }
        self.results.iter().try_for_each(|result| {
            result.machine.check()?;
            self.impossible(result).map_or(Ok(()), |reason| {
                let place = format!("segment {}", result.segment.index);
                Err(ReportError::content(place, reason))
            })
        })
    }

    /// Why a result cannot be, if it cannot.
    fn impossible(&self, result: &SegmentResult) -> Option<String> {
        let segment = &result.segment;
        if segment.from_step >= segment.to_step {
            return Some("it ends where it begins, or before".into());
        }
        let is_last = segment.index.0 + 1 == self.challenge.segments().0;
        if segment.to_state.is_none() && !is_last {
            return Some("it ends without a checkpoint, and is not the last".into());
        }
        match &result.outcome {
            SegmentOutcome::CheckpointAbsent {
                which: SegmentEnd::End,
            }
            | SegmentOutcome::CheckpointDamaged {
                which: SegmentEnd::End,
                ..
            } if segment.to_state.is_none() => {
                Some("it has no checkpoint at its end that could be missing".into())
            }
            SegmentOutcome::BitExact { entries } if *entries != segment.entries => Some(format!(
                "bit-exact in {entries} entries, but it has {}",
                segment.entries
            )),
            SegmentOutcome::Differs { field, .. }
                if !field.is_exact_anywhere()
                    && !result.machine.is_comparable_with(&self.recorded) =>
            {
                Some(format!(
                    "{} cannot be said to differ on a machine that is not comparable",
                    field.name()
                ))
            }
            _ => None,
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
