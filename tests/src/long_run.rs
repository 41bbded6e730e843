//! A run of many segments, and reports on replays that never took place.

use crate::fixture::{Plan, Recorder};
use crate::model::SMALL;
use pow_audit::replay::{
    Amount, Challenge, Machine, ReplayReport, ReportError, Segment, SegmentOutcome, SegmentResult,
    Segments, Shard,
};
use pow_core::body::Genesis;
use pow_core::challenge::ChallengeSource;
use pow_ledger::RunDir;
use std::time::Duration;
use tempfile::TempDir;

/// A run with a checkpoint at each step; removed when this is dropped.
#[derive(Debug)]
pub struct LongRun {
    /// The run.
    pub run: RunDir,
    /// Its segments: one for each step.
    pub segments: Segments,
    _dir: TempDir,
}

impl LongRun {
    /// A finished run of so many segments.
    pub fn record(steps: u64) -> Self {
        Self::record_with(steps, |_| {})
    }

    /// As [`record`](Self::record), with genesis changed by `edit`.
    pub fn record_with(steps: u64, edit: impl FnOnce(&mut Genesis)) -> Self {
        let plan = Plan {
            planned: Some(steps),
            checkpoint_every: 1,
            ..Plan::default()
        };
        Self::record_plan(plan, steps, edit)
    }

    /// A finished run of so many steps, by a plan that says where checkpoints
    /// are. The model is the smallest.
    pub fn record_plan(plan: Plan, steps: u64, edit: impl FnOnce(&mut Genesis)) -> Self {
        let dir = TempDir::new().unwrap();
        let plan = Plan {
            shapes: SMALL,
            ..plan
        };
        let mut recorder = Recorder::begin_with(&dir.path().join("run"), &plan, edit);
        let all: Vec<u64> = (0..=steps).collect();
        for block in all.chunks(3) {
            recorder.steps(block);
        }
        recorder.finish();
        let run = recorder.run().clone();
        let segments = Segments::of(&run.chain(), None, &mut |_| {}).unwrap();
        LongRun {
            run,
            segments,
            _dir: dir,
        }
    }

    /// A challenge that picks so many segments.
    pub fn challenge(&self, source: ChallengeSource, amount: Amount) -> Challenge {
        Challenge::draw(&self.segments, source, amount, []).unwrap()
    }

    /// A report on a part of a challenge.
    ///
    /// # Errors
    ///
    /// What [`ReplayReport::new`] answers.
    pub fn report(
        &self,
        challenge: &Challenge,
        shard: Shard,
        mut result: impl FnMut(Segment) -> SegmentResult,
    ) -> Result<ReplayReport, ReportError> {
        let part = challenge.part(shard).into_iter();
        let results = part.map(|index| result(self.segments.get(index).unwrap()));
        ReplayReport::new(&self.segments, challenge.clone(), shard, results.collect())
    }

    /// A report that says that all is well.
    pub fn exact(&self, challenge: &Challenge, shard: Shard) -> ReplayReport {
        self.report(challenge, shard, |segment| self.bit_exact(segment))
            .unwrap()
    }

    /// The result that a segment was reproduced, by the machine that genesis
    /// names.
    pub fn bit_exact(&self, segment: Segment) -> SegmentResult {
        SegmentResult {
            segment,
            machine: Machine::of_genesis(self.segments.chain().genesis()),
            outcome: SegmentOutcome::BitExact {
                entries: segment.entries,
            },
            spent: Duration::from_millis(100 + segment.index.0),
        }
    }
}
