//! The results of a replay, and the rules that every report holds.

use super::challenge::Challenge;
use super::comparability::Comparability;
use super::error::ReportError;
use super::machine::Machine;
use super::outcome::{SegmentEnd, SegmentOutcome};
use super::segments::{Segment, Segments};
use super::shard::Shard;
use pow_core::challenge::SegmentIndex;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use std::sync::Arc;
use std::time::Duration;

/// The chain that was replayed, up to its last block at that time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayedChain {
    /// Hash of its genesis block.
    pub genesis: BlockHash,
    /// Hash of its last block.
    pub head: BlockHash,
    /// Height of its last block.
    pub height: Height,
    /// Whether its last block is a final block.
    pub finished: bool,
}

impl ReplayedChain {
    /// The chain that these segments belong to.
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

/// The outcome of one segment, where it was executed, and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentResult {
    /// The segment, with the chain's values.
    pub segment: Segment,
    /// The machine that executed it. Results share one, because a report can have many
    /// results and a machine's texts can be long.
    pub machine: Arc<Machine>,
    /// The outcome.
    pub outcome: SegmentOutcome,
    /// Another segment that the same machine executed besides the challenge, because
    /// this one differed, and reproduced bit for bit. Absent if there was none.
    pub control: Option<SegmentIndex>,
    /// How long it took, in whole milliseconds.
    pub spent: Duration,
}

/// What came out when a segment was executed once.
#[derive(Clone, Debug, PartialEq)]
pub struct Executed {
    /// The outcome.
    pub outcome: SegmentOutcome,
    /// The machine that executed it.
    pub machine: Machine,
}

/// The version of a report's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReportVersion {
    /// It says itself which differences count, and infers this from the names of the
    /// environments.
    V1,
    /// It has probes, second executions and controls.
    V2,
}

/// The results of a challenge, or of one part of it: one for each challenged segment of
/// the part, in ascending order.
///
/// ```no_run
/// use pow_audit::replay::Amount;
/// use pow_audit::replay::{Challenge, Machine, SegmentOutcome, ReplayReport, SegmentResult, Segments, Shard};
/// use pow_core::challenge::ChallengeSource;
/// use pow_ledger::RunDir;
/// use std::{path::Path, time::Duration};
///
/// # fn replay(
/// #     execute: impl Fn(pow_audit::replay::Segment) -> SegmentOutcome,
/// #     here: impl Fn() -> Machine,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let segments = Segments::of(&RunDir::new("runs/digits"), None, &mut |_| {})?;
/// let challenge = Challenge::draw(&segments, ChallengeSource::Head, Amount::default(), [])?;
/// let part = challenge.part(Shard::WHOLE).into_iter();
/// let results = part.filter_map(|index| segments.get(index)).map(|segment| SegmentResult {
///     segment,
///     machine: here().into(),
///     outcome: execute(segment),
///     control: None,
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
    pub(super) version: ReportVersion,
    pub(super) chain: ReplayedChain,
    pub(super) challenge: Challenge,
    pub(super) shard: Shard,
    pub(super) recorded: Machine,
    pub(super) results: Vec<SegmentResult>,
}

impl ReplayReport {
    /// Makes the report on part `shard` of a challenge to this chain. The results may be
    /// in any order.
    ///
    /// # Errors
    ///
    /// [`ReportError::Content`] unless there is exactly one result for each segment of
    /// the part, and each is possible. The segment has the chain's values. In a
    /// bit-exact segment, all entries were compared. A tolerance was used only where
    /// equal bits cannot be expected ([`Comparability`]).
    pub fn new(
        segments: &Segments,
        challenge: Challenge,
        shard: Shard,
        mut results: Vec<SegmentResult>,
    ) -> Result<ReplayReport, ReportError> {
        results.sort_by_key(|result| result.segment.index);
        for result in &mut results {
            // Files have milliseconds.
            result.spent = Duration::from_millis(millis(result.spent));
        }
        let report = ReplayReport {
            version: ReportVersion::V2,
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

    /// The version of its form.
    pub fn version(&self) -> ReportVersion {
        self.version
    }

    /// The chain that was replayed.
    pub fn chain(&self) -> &ReplayedChain {
        &self.chain
    }

    /// The challenge.
    pub fn challenge(&self) -> &Challenge {
        &self.challenge
    }

    /// The part of the challenge that this report covers.
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

    /// The same report without the times. Equal replays then give equal reports.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        for result in &mut self.results {
            result.spent = Duration::ZERO;
        }
        self
    }

    /// Checks that the report does not contradict itself.
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
            let segment_in = |list: &[SegmentIndex]| {
                list.get(at)
                    .map_or("no more".into(), |segment| format!("segment {segment}"))
            };
            return Err(ReportError::content(
                "results",
                format!(
                    "{} where part {} of the challenge has {}",
                    segment_in(&found),
                    self.shard,
                    segment_in(&expected)
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

    /// Why this result is impossible in a report of this version, if it is.
    fn impossible(&self, result: &SegmentResult) -> Option<String> {
        let segment = &result.segment;
        if segment.from_step >= segment.to_step {
            return Some("it does not end after its start".into());
        }
        let is_last = segment.index.0 + 1 == self.challenge.segments().0;
        if segment.to_state.is_none() && !is_last {
            return Some("it ends without a checkpoint, and is not the last segment".into());
        }
        let contradiction = match self.version {
            ReportVersion::V1 => self.impossible_in_v1(result),
            ReportVersion::V2 => self.impossible_in_v2(result),
        };
        if contradiction.is_some() {
            return contradiction;
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
            _ => None,
        }
    }

    /// Version 1 judges differences itself.
    fn impossible_in_v1(&self, result: &SegmentResult) -> Option<String> {
        match &result.outcome {
            SegmentOutcome::Differs { field, .. }
                if !field.is_exact_anywhere() && !result.machine.has_names_of(&self.recorded) =>
            {
                Some(format!(
                    "{} cannot be said to differ on a machine that is not comparable",
                    field.name()
                ))
            }
            SegmentOutcome::Differs { again: Some(_), .. }
            | SegmentOutcome::Tolerance { loss: Some(_), .. }
            | SegmentOutcome::Malformed { .. }
            | SegmentOutcome::Unfit { .. }
            | SegmentOutcome::NotChecked { .. } => {
                Some("its outcome is not one of version 1 of the report".into())
            }
            _ if result.control.is_some() || result.machine.probe.is_some() => {
                Some("version 1 of the report has no controls and no probes".into())
            }
            _ => None,
        }
    }

    fn impossible_in_v2(&self, result: &SegmentResult) -> Option<String> {
        if result.control == Some(result.segment.index) {
            return Some("it is its own control".into());
        }
        match &result.outcome {
            SegmentOutcome::NotComparable { .. } => {
                Some("only version 1 of the report has this outcome".into())
            }
            SegmentOutcome::Tolerance { .. }
                if Comparability::of(&result.machine, &self.recorded).expects_equal_bits() =>
            {
                Some("a tolerance, although equal bits can be expected on this machine".into())
            }
            _ => None,
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
