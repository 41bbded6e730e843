//! A run of many segments, and reports on replays that never took place.

use crate::fixture::{Plan, Recorder};
use crate::model::SMALL;
use pow_audit::replay::{
    Again, Amount, Challenge, Decimal, EntryField, Fraction, Goal, Machine, ReplayReport,
    ReportError, SecurityBits, Segment, SegmentEnd, SegmentOutcome, SegmentResult, Segments, Shard,
};
use pow_core::body::Genesis;
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentIndex};
use pow_core::extension::{Known, Operation, Probe};
use pow_core::hash::{FileDigest, ParameterRoot};
use pow_ledger::RunDir;
use std::sync::Arc;
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
    /// A finished run of exactly this many segments.
    pub fn record(steps: u64) -> Self {
        Self::record_with(steps, |_| {})
    }

    /// The same, with a numerics probe in genesis.
    pub fn record_probed(steps: u64) -> Self {
        Self::record_with(steps, |genesis| {
            genesis.extensions = vec![Known::Probe(probe(1)).to_extension()];
        })
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

    /// A finished run of exactly this many steps. The plan says where checkpoints
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
        let segments = Segments::of(&run, None, &mut |_| {}).unwrap();
        LongRun {
            run,
            segments,
            _dir: dir,
        }
    }

    /// A challenge that picks this many segments.
    pub fn challenge(&self, source: ChallengeSource, amount: Amount) -> Challenge {
        Challenge::draw(&self.segments, source, amount, []).unwrap()
    }

    /// A report on a part of a challenge: each segment was reproduced, but for
    /// what `change` makes of it.
    ///
    /// # Errors
    ///
    /// What [`ReplayReport::new`] answers.
    pub fn report(
        &self,
        challenge: &Challenge,
        shard: Shard,
        mut change: impl FnMut(&mut SegmentResult),
    ) -> Result<ReplayReport, ReportError> {
        let results = challenge.part(shard).into_iter().map(|index| {
            let mut result = self.bit_exact(self.segments.get(index).unwrap());
            change(&mut result);
            result
        });
        ReplayReport::new(&self.segments, challenge.clone(), shard, results.collect())
    }

    /// A report that says that all is well.
    pub fn exact(&self, challenge: &Challenge, shard: Shard) -> ReplayReport {
        self.report(challenge, shard, |_| {}).unwrap()
    }

    /// A report with every outcome, on two machines.
    pub fn varied(&self, shard: Shard) -> ReplayReport {
        let challenge = self.challenge(source(), Amount::All);
        let vary = |result: &mut SegmentResult| {
            result.outcome = any_outcome(result.segment);
            if result.segment.index.0 >= 5 {
                result.machine = other_machine(&result.machine);
            }
            if result.segment.index.0 == 7 {
                result.control = Some(SegmentIndex(0));
            }
        };
        self.report(&challenge, shard, vary).unwrap()
    }

    /// The result that a segment was reproduced, by the machine that genesis
    /// names.
    pub fn bit_exact(&self, segment: Segment) -> SegmentResult {
        SegmentResult {
            segment,
            machine: Machine::of_genesis(self.segments.chain().genesis()).into(),
            outcome: SegmentOutcome::BitExact {
                entries: segment.entries,
            },
            control: None,
            spent: Duration::from_millis(100 + segment.index.0),
        }
    }
}

/// A source and a goal other than the usual.
pub fn source() -> ChallengeSource {
    ChallengeSource::Verifier(ChallengeValue::new(vec![0xab, 0]).unwrap())
}

/// Two bits of security where three tenths are bad.
pub fn goal() -> Amount {
    Amount::Goal(Goal {
        fraction: Fraction::new(0.3).unwrap(),
        security: SecurityBits(2),
    })
}

/// A machine with another CPU, and another executable.
pub fn other_machine(of: &Machine) -> Arc<Machine> {
    let mut machine = of.clone();
    machine.executable = Some(FileDigest([9; 32]));
    machine.environment.cpu = "other".into();
    machine.probe = machine.probe.map(|_| probe(2));
    machine.into()
}

/// A probe of two operations. The digest of one follows from `byte`, the other one
/// contradicts itself.
pub fn probe(byte: u8) -> Probe {
    let operation = |name: &str, digest| Operation {
        name: name.into(),
        digest,
    };
    let steady = operation("exp", Some(ParameterRoot([byte; 32])));
    Probe::new(vec![steady, operation("sum", None)]).unwrap()
}

/// Every kind of outcome, one after the other.
fn any_outcome(segment: Segment) -> SegmentOutcome {
    let why = "because \"of\" this\n".to_owned();
    match segment.index.0 % 8 {
        0 => SegmentOutcome::BitExact {
            entries: segment.entries,
        },
        1 => SegmentOutcome::Differs {
            step: segment.to_step.0,
            field: EntryField::LearningRate,
            found: "00".into(),
            expected: "absent".into(),
            again: Some(Again::Same),
        },
        2 => SegmentOutcome::CheckpointAbsent {
            which: SegmentEnd::Start,
        },
        3 => SegmentOutcome::CheckpointDamaged {
            which: SegmentEnd::End,
            why,
        },
        4 => SegmentOutcome::Unfit { why },
        5 => SegmentOutcome::Tolerance {
            metric: "largest difference".into(),
            threshold: Decimal::new(1e-3).unwrap(),
            distance: Decimal::new(0.1 + 0.2).unwrap(),
            loss: Decimal::new(1e-9),
        },
        6 => SegmentOutcome::Refused { why },
        _ => SegmentOutcome::BitExact { entries: 1 },
    }
}
