//! Training a segment of a recorded run again, and comparing every step.

use crate::config::PowConfig;
use crate::error::PowError;
use crate::genesis::environment::{environment, executable};
use crate::resume::point::{Difference, ResumeError, Start};
use pow_audit::replay::Machine;
use pow_core::body::{CodeDigests, Entry, Environment, Genesis, StepNumber};
use pow_core::hash::BlockHash;
use pow_ledger::RunDir;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One segment of a recorded run, from a checkpoint to the next or to the last
/// entry: handed to the program in [`Action::Replay`](crate::Action::Replay), it keeps
/// what came out. Clones are one.
#[derive(Clone, Debug)]
pub struct SegmentReplay(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) dir: RunDir,
    genesis: Genesis,
    /// The entry that it starts from; it has a checkpoint.
    pub(super) from: Entry,
    /// The entries after `from`, to the one that ends the segment.
    pub(super) expected: Vec<Entry>,
    /// Hashes of the blocks that seal checkpoints, by step; where the order is
    /// bound to them.
    keys: Arc<Vec<(StepNumber, BlockHash)>>,
    pub(super) tolerance: Option<Tolerance>,
    pub(super) compared: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    outcome: Option<Replayed>,
    machine: Option<Machine>,
}

/// How far a segment's last model may lie from the committed one where steps
/// come out otherwise, as a share of how far the segment moved it: the
/// Euclidean distance between the two, divided by that between the committed
/// model and the one the segment started from. Only the tensors count that the
/// optimizer has state for, if it has any: running statistics are many times as
/// long, and would hide a model that was trained otherwise. Where no checkpoint
/// ends the segment, there is no committed model, and bits alone are compared.
///
/// The published forgeries of replay use such room, so what holds only with a
/// tolerance is weaker than what holds bit for bit.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Tolerance(pub f64);

/// What came out when a segment was trained again.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Replayed {
    /// Every entry, and the state at the end if that is a checkpoint, bit for bit.
    Exact {
        /// Entries compared.
        steps: u64,
    },
    /// A step came out otherwise.
    Differs(Difference),
    /// A step came out otherwise, and the segment's end lies so far from the
    /// committed one, in the measure of [`Tolerance`].
    Apart {
        /// The first difference.
        first: Difference,
        /// The distance; infinite where there is none.
        distance: f64,
        /// The largest that is accepted.
        threshold: Tolerance,
    },
    /// The checkpoint to start from is not there.
    Absent(StepNumber),
    /// A checkpoint's files are not what the chain commits to.
    Damaged {
        /// The checkpoint's step.
        step: StepNumber,
        /// Why.
        reason: String,
    },
}

/// This machine, as far as it is known without a model.
pub(crate) fn this_machine() -> Machine {
    Machine {
        environment: environment(None, None),
        executable: executable(),
    }
}

impl SegmentReplay {
    pub(crate) fn new(
        dir: RunDir,
        genesis: Genesis,
        from: Entry,
        expected: Vec<Entry>,
        keys: Arc<Vec<(StepNumber, BlockHash)>>,
        tolerance: Option<Tolerance>,
    ) -> Self {
        SegmentReplay(Arc::new(Inner {
            dir,
            genesis,
            from,
            expected,
            keys,
            tolerance,
            compared: AtomicU64::new(0),
            state: Mutex::default(),
        }))
    }

    /// What came out; `None` until the segment was trained to its end.
    pub fn outcome(&self) -> Option<Replayed> {
        self.state().outcome.clone()
    }

    /// Where it was replayed; `None` until the program's model is known.
    pub fn machine(&self) -> Option<Machine> {
        self.state().machine.clone()
    }

    /// Entries compared so far.
    pub fn compared(&self) -> u64 {
        self.0.compared.load(Ordering::Relaxed)
    }

    /// Entries to compare.
    pub fn entries(&self) -> u64 {
        self.0.expected.len() as u64
    }

    /// Where the run lies.
    pub fn dir(&self) -> &RunDir {
        &self.0.dir
    }

    pub(crate) fn genesis(&self) -> &Genesis {
        &self.0.genesis
    }

    pub(crate) fn keys(&self) -> Vec<(StepNumber, BlockHash)> {
        self.0.keys.to_vec()
    }

    /// The entry that it ends with.
    pub(crate) fn end(&self) -> &Entry {
        self.0.expected.last().unwrap_or(&self.0.from)
    }

    /// Loads the state that it starts from.
    pub(crate) fn start(&self) -> Result<Start, PowError> {
        let from = self.0.from;
        let root = from.state_root().ok_or(PowError::NotBegun)?;
        let files = self.0.dir.checkpoint(root);
        if !files.dir().exists() {
            self.set(Replayed::Absent(from.step));
            return Err(ResumeError::NoCheckpoint.into());
        }
        let mut start = Start::load(&files, root, Some(from)).inspect_err(|error| {
            self.set(Replayed::Damaged {
                step: from.step,
                reason: error.to_string(),
            });
        })?;
        start.regenerate = from.step.0 == 0 && self.0.genesis.initial.regenerable;
        Ok(start)
    }

    /// Keeps the first outcome.
    pub(crate) fn set(&self, outcome: Replayed) {
        self.state().outcome.get_or_insert(outcome);
    }

    /// Keeps what an error says of the outcome.
    pub(crate) fn note(&self, error: &ResumeError) {
        if let ResumeError::Diverged(difference) = error {
            self.set(Replayed::Differs(difference.clone()));
        }
    }

    pub(crate) fn runs_on(&self, environment: Environment, code: &CodeDigests) {
        self.state().machine = Some(Machine {
            environment,
            executable: code.executable,
        });
    }

    /// Gives the program's settings what they must have to be those of the run,
    /// wherever that lies by now.
    pub(crate) fn settle(&self, config: &mut PowConfig) -> Result<(), PowError> {
        config.dir = self.0.dir.path().to_owned();
        config
            .name
            .get_or_insert_with(|| self.0.genesis.name.clone());
        crate::resume::point::check_config(&self.0.dir, config, self.0.genesis.config)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Two plain values, each set in one go.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
