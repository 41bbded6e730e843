//! A segment that is replayed, and the result.

use crate::config::PowConfig;
use crate::error::{PowError, ResumeError, StepDifference};
use crate::genesis::environment::{environment, executable};
use crate::resume::point::ResumePoint;
use crate::resume::saved_state::SavedState;
use crate::resume::settings::check_settings;
use pow_audit::replay::Machine;
use pow_core::body::{Entry, Genesis, StepNumber};
use pow_core::chain::ChainVerifier;
use pow_core::hash::BlockHash;
use pow_ledger::RunDir;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One segment of a recorded run: from a checkpoint to the next checkpoint or to the
/// last entry. The program gets it in
/// [`Action::Replay`](crate::Action::Replay), and it keeps the result. Clones share
/// the result.
#[derive(Clone, Debug)]
pub struct SegmentReplay(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dir: RunDir,
    genesis: Genesis,
    /// The entry that the segment starts from. It has a checkpoint.
    from: Entry,
    /// The entries after `from`, up to the end of the segment.
    expected: Vec<Entry>,
    /// The hashes of the blocks that seal checkpoints, by step, if the order is bound
    /// to them.
    keys: Arc<Vec<(StepNumber, BlockHash)>>,
    tolerance: Option<Tolerance>,
    compared: AtomicU64,
    result: Mutex<SegmentState>,
}

#[derive(Debug, Default)]
struct SegmentState {
    comparison: Option<SegmentComparison>,
    machine: Option<Machine>,
}

/// How far the last model of a segment may be from the committed model, if steps
/// differ.
///
/// The distance is relative: the Euclidean distance between the two models, divided
/// by the distance between the committed model and the model that the segment started
/// from. If the optimizer has state, only the tensors that it has state for count.
/// (Running statistics are many times as long, and would hide a model that was
/// trained in another way.) If no checkpoint ends the segment, there is no committed
/// model, and only bits are compared.
///
/// The published forgeries of replay use such a tolerance. So a segment that holds
/// only with a tolerance shows less than one that holds bit for bit.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Tolerance(pub f64);

/// The result of comparing a replayed segment with the chain.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SegmentComparison {
    /// Every entry is equal bit for bit, and so is the state at the end if it has a
    /// checkpoint.
    Exact {
        /// The number of entries compared.
        steps: u64,
    },
    /// A step differs.
    Differs(StepDifference),
    /// A step differs, and this is how far the segment's last model is from the
    /// committed model.
    Apart {
        /// The first difference.
        first: StepDifference,
        /// The distance, as [`Tolerance`] defines it. Infinite if there is none.
        distance: f64,
        /// The largest distance that is accepted.
        threshold: Tolerance,
    },
    /// The checkpoint to start from does not exist.
    Absent(StepNumber),
    /// A checkpoint's files are not the ones that the chain commits to.
    Damaged {
        /// The checkpoint's step.
        step: StepNumber,
        /// What is wrong.
        reason: String,
    },
}

/// This machine, without a model and so without its device.
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
        (from, expected): (Entry, Vec<Entry>),
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
            result: Mutex::default(),
        }))
    }

    /// The result. `None` until the segment was trained to its end.
    pub fn comparison(&self) -> Option<SegmentComparison> {
        self.state().comparison.clone()
    }

    /// The machine that replayed it. `None` until the program's model is known.
    pub fn machine(&self) -> Option<Machine> {
        self.state().machine.clone()
    }

    /// The number of entries compared so far.
    pub fn compared(&self) -> u64 {
        self.0.compared.load(Ordering::Relaxed)
    }

    /// The number of entries to compare.
    pub fn entries(&self) -> u64 {
        self.0.expected.len() as u64
    }

    /// The run's directory.
    pub fn dir(&self) -> &RunDir {
        &self.0.dir
    }

    pub(super) fn tolerance(&self) -> Option<Tolerance> {
        self.0.tolerance
    }

    /// The step that it starts from.
    pub(super) fn first_step(&self) -> StepNumber {
        self.0.from.step
    }

    /// The entry at its end.
    pub(crate) fn end(&self) -> &Entry {
        self.0.expected.last().unwrap_or(&self.0.from)
    }

    /// Where the replay starts. Opens the checkpoint.
    pub(crate) fn resume_point(&self) -> Result<ResumePoint, PowError> {
        Ok(ResumePoint {
            genesis: self.0.genesis.clone(),
            saved: self.saved_state()?,
            ahead: self.0.expected.iter().copied().collect(),
            kept: VecDeque::new(),
            keys: self.0.keys.iter().copied().collect(),
            verifier: ChainVerifier::new(None),
        })
    }

    fn saved_state(&self) -> Result<SavedState, PowError> {
        let from = self.0.from;
        let root = from.state_root().ok_or(PowError::NotStarted)?;
        let files = self.0.dir.checkpoint(root);
        if !files.dir().exists() {
            self.set(SegmentComparison::Absent(from.step));
            return Err(ResumeError::NoCheckpoint.into());
        }
        let mut saved = SavedState::load(&files, root, Some(from)).inspect_err(|error| {
            self.set(SegmentComparison::Damaged {
                step: from.step,
                reason: error.to_string(),
            });
        })?;
        saved.regenerate = from.step.0 == 0 && self.0.genesis.initial.regenerable;
        Ok(saved)
    }

    /// Sets the result, unless there is one already.
    pub(crate) fn set(&self, comparison: SegmentComparison) {
        self.state().comparison.get_or_insert(comparison);
    }

    /// Sets the result if `error` says how a step differs.
    pub(crate) fn note(&self, error: &ResumeError) {
        if let ResumeError::Diverged(difference) = error {
            self.set(SegmentComparison::Differs(difference.clone()));
        }
    }

    pub(super) fn count_compared(&self) {
        self.0.compared.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn runs_on(&self, machine: Machine) {
        self.state().machine = Some(machine);
    }

    /// Gives the program's settings the run's directory, and its name if they have
    /// none. Then checks that they are the settings of the run.
    pub(crate) fn settle(&self, config: &mut PowConfig) -> Result<(), PowError> {
        config.dir = self.0.dir.path().to_owned();
        config
            .name
            .get_or_insert_with(|| self.0.genesis.name.clone());
        check_settings(&self.0.dir, config, self.0.genesis.config)
    }

    fn state(&self) -> MutexGuard<'_, SegmentState> {
        // Each change sets a plain value, so a panic cannot leave one half changed.
        self.0.result.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
