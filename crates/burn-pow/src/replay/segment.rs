//! A segment that is replayed, and the result.

use crate::config::PowConfig;
use crate::error::{PartError, PowError, RateScale, ResumeError, StepDifference};
use crate::genesis::environment::{environment, executable};
use crate::genesis::probe::probe;
use crate::resume::point::ResumePoint;
use crate::resume::saved_state::SavedState;
use crate::resume::settings::check_settings;
use crate::state::optimizer::OptimizerError;
use burn::store::RecordError;
use pow_audit::replay::{Comparability, Machine};
use pow_core::body::{Entry, Genesis, StepNumber};
use pow_core::chain::ChainVerifier;
use pow_core::extension::{Operation, Probe};
use pow_core::hash::BlockHash;
use pow_ledger::{LedgerError, RunDir};
use std::collections::VecDeque;
use std::io::ErrorKind;
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
    /// Steps taken, committed or not.
    steps: AtomicU64,
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
/// Only what rounding can change is compared in this way, and only on a machine where
/// equal bits cannot be expected. Steps, batches, learning rates and positions are
/// compared exactly, at every step. Losses may differ by the same share.
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
    /// What the chain commits to contradicts itself, whichever program executes it.
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// What the chain commits to does not fit this program.
    Unfit {
        /// What does not fit.
        reason: String,
    },
    /// A file or a tensor could not be read, or the program panicked.
    Unreadable {
        /// Why not.
        reason: String,
    },
    /// A step differs, and this is how far the segment's last model is from the
    /// committed model.
    Apart {
        /// The first difference.
        first: StepDifference,
        /// The distance, as [`Tolerance`] defines it. Infinite if there is none.
        distance: f64,
        /// The largest distance that is accepted.
        threshold: Tolerance,
        /// The largest difference of two losses of a step, as a share of the larger one.
        /// Absent if no loss is recorded.
        loss: Option<f64>,
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
        probe: None,
    }
}

/// The result if the checkpoint of `step` could not be loaded.
pub(super) fn unloaded(step: StepNumber, error: &PowError) -> SegmentComparison {
    let reason = error.to_string();
    match error {
        PowError::Ledger(error) if error.could_not_read() => {
            SegmentComparison::Unreadable { reason }
        }
        _ => SegmentComparison::Damaged { step, reason },
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
            steps: AtomicU64::new(0),
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

    /// The number of steps taken so far. Not each has an entry.
    pub(crate) fn steps(&self) -> u64 {
        self.0.steps.load(Ordering::Relaxed)
    }

    pub(crate) fn count_step(&self) {
        self.0.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of entries to compare.
    pub fn entries(&self) -> u64 {
        self.0.expected.len() as u64
    }

    /// The run's directory.
    pub fn dir(&self) -> &RunDir {
        &self.0.dir
    }

    /// The tolerance, if there is one and equal bits cannot be expected here.
    pub(super) fn tolerance(&self) -> Option<Tolerance> {
        let tolerance = self.0.tolerance?;
        let recorded = Machine::of_genesis(&self.0.genesis);
        let machine = self.machine()?;
        let expected = Comparability::of(&machine, &recorded).expects_equal_bits();
        (!expected).then_some(tolerance)
    }

    /// The tolerance that was asked for.
    pub(super) fn asked_tolerance(&self) -> Option<Tolerance> {
        self.0.tolerance
    }

    /// Genesis, the entry that the segment starts from, and the entries after it.
    pub(super) fn chain(&self) -> (&Genesis, &Entry, &[Entry]) {
        (&self.0.genesis, &self.0.from, &self.0.expected)
    }

    /// The hashes of the blocks that seal checkpoints, if the order is bound to them.
    pub(super) fn keys(&self) -> &[(StepNumber, BlockHash)] {
        &self.0.keys
    }

    /// The scale of the segment's learning rates.
    pub(super) fn rate_scale(&self) -> RateScale {
        RateScale::of(&self.0.expected)
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
        match files.dir().symlink_metadata() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.set(SegmentComparison::Absent(from.step));
                return Err(ResumeError::NoCheckpoint.into());
            }
            Err(source) => {
                let path = files.dir().to_owned();
                let error = PowError::from(LedgerError::Io { path, source });
                self.set(unloaded(from.step, &error));
                return Err(error);
            }
        }
        let mut saved = SavedState::load(&files, root, Some(from))
            .inspect_err(|error| self.set(unloaded(from.step, error)))?;
        saved.regenerate = from.step.0 == 0 && self.0.genesis.initial.regenerable;
        Ok(saved)
    }

    /// Sets the result, unless there is one already.
    pub(crate) fn set(&self, comparison: SegmentComparison) {
        self.state().comparison.get_or_insert(comparison);
    }

    /// Sets the result if an error before the first step says something about the run,
    /// and not about this program alone.
    pub(crate) fn note(&self, error: &PowError) {
        let reason = error.to_string();
        let comparison = match error {
            PowError::Resume(resume) => match resume.as_ref() {
                ResumeError::Diverged(difference) => SegmentComparison::Differs(difference.clone()),
                ResumeError::Position { .. }
                | ResumeError::Contradiction { .. }
                | ResumeError::NoKey(_) => SegmentComparison::Malformed { reason },
                ResumeError::Model(RecordError::Io(_)) => SegmentComparison::Unreadable { reason },
                ResumeError::Model(RecordError::Validation(_))
                | ResumeError::Mismatch { .. }
                | ResumeError::InitialForm { .. } => SegmentComparison::Unfit { reason },
                // These are about the program's data, or about what the run declares.
                _ => return,
            },
            PowError::Optimizer(optimizer) => match optimizer.as_ref() {
                OptimizerError::Record(RecordError::Io(_)) | OptimizerError::Pack(_) => {
                    SegmentComparison::Unreadable { reason }
                }
                _ => SegmentComparison::Unfit { reason },
            },
            PowError::Part(part) => match part.as_ref() {
                PartError::Absent(_) | PartError::Form { .. } => {
                    SegmentComparison::Unfit { reason }
                }
                // The program contradicts itself.
                _ => return,
            },
            PowError::Ledger(_) | PowError::Snapshot(_) | PowError::Panicked(_) => {
                SegmentComparison::Unreadable { reason }
            }
            _ => return,
        };
        self.set(comparison);
    }

    /// Sets the number of entries compared, if another process compares them.
    pub(crate) fn set_compared(&self, compared: u64) {
        self.0.compared.store(compared, Ordering::Relaxed);
    }

    pub(super) fn count_compared(&self) {
        self.0.compared.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds measured operations to the machine's probe.
    pub(crate) fn add_to_probe(&self, more: &[Operation]) {
        let mut state = self.state();
        if let Some(machine) = &mut state.machine {
            let known = machine.probe.as_ref().map_or(&[][..], Probe::operations);
            machine.probe = probe([known, more].concat());
        }
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

    /// The same segment, not replayed yet.
    pub(crate) fn again(&self) -> Self {
        let inner = &self.0;
        SegmentReplay::new(
            inner.dir.clone(),
            inner.genesis.clone(),
            (inner.from, inner.expected.clone()),
            inner.keys.clone(),
            inner.tolerance,
        )
    }

    fn state(&self) -> MutexGuard<'_, SegmentState> {
        // Each change sets a plain value, so a panic cannot leave one half changed.
        self.0.result.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
