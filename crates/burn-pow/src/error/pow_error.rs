//! What can go wrong with a recorded run.

use super::{PartError, ResumeError};
use crate::loader::LoaderError;
use crate::state::optimizer::OptimizerError;
use crate::state::snapshot::SnapshotError;
use burn::data::dataset::DatasetError;
use burn::train::TrainingError;
use pow_audit::display::printable;
use pow_core::body::StepNumber;
use pow_core::chain::ChainError;
use pow_core::hash::ParameterRoot;
use pow_core::tensor::TensorError;
use pow_ledger::LedgerError;
use pow_mine::{MineError, SelectError};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a run could not be opened, recorded or ended.
///
/// Clones share the cause, because the thread that met the error and the thread
/// that trains both report it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PowError {
    /// A setting is refused.
    #[error("configuration: {0}")]
    Config(String),
    /// There is no engine to mine with.
    #[error(transparent)]
    Engine(Arc<SelectError>),
    /// Reading or writing the run directory failed.
    #[error(transparent)]
    Ledger(Arc<LedgerError>),
    /// Mining failed.
    #[error(transparent)]
    Mine(Arc<MineError>),
    /// A block that this run made breaks a rule. The run stops and does not
    /// append it.
    #[error("the run's own block was refused: {0}")]
    Chain(Arc<ChainError>),
    /// A parameter could not be read.
    #[error(transparent)]
    Snapshot(Arc<SnapshotError>),
    /// The optimizer's state could not be read.
    #[error(transparent)]
    Optimizer(Arc<OptimizerError>),
    /// Tensors could not be hashed.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The dataset could not be read.
    #[error("dataset: {0}")]
    Dataset(Arc<DatasetError>),
    /// A loader could not be made.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// The run could not be resumed, or the segment could not be replayed.
    #[error("cannot resume: {0}")]
    Resume(Arc<ResumeError>),
    /// A thread could not be started.
    #[error("cannot start a recorder thread: {0}")]
    Spawn(Arc<std::io::Error>),
    /// A loop took another step after the last step of the segment that it
    /// [replays](crate::Action::Replay).
    #[error(
        "the replayed segment ends with step {0}, and the loop took another step: before each \
         step, ask PowRun::should_stop, and call PowRun::finish when it returns true"
    )]
    SegmentEnded(StepNumber),
    /// The training itself failed.
    #[error("training: {0}")]
    Training(Arc<TrainingError>),
    /// The training panicked. The chain has no final block, and the run can be
    /// resumed.
    #[error("training panicked: {0}")]
    Panicked(String),
    /// Recording never started: no optimizer step was recorded.
    #[error(
        "no step was recorded: call PowRun::start before the loop, and train at least one step"
    )]
    NotStarted,
    /// The run has started or ended already.
    #[error("the run {0} already")]
    Already(&'static str),
    /// A copy of the learner has other parameters than the recorded copy.
    #[error(
        "after step {step} the trained parameters of a copy of the learner have root {found}, the \
         recorded copy has root {expected}"
    )]
    ReplicaDiffers {
        /// The step.
        step: StepNumber,
        /// Root of the other copy.
        found: ParameterRoot,
        /// Root of the recorded copy.
        expected: ParameterRoot,
    },
    /// The program changed the model, the optimizer or its registered state between two
    /// steps. The entry of the first step does not have the change, so a replay would not
    /// know of it. This is checked after the first step of a process and after each
    /// checkpoint.
    #[error(
        "after step {step} the program changed the {what}: its root was {expected} and is {found}; \
         change it within the step (PowRun::step_with and TrainingLoop::step take a closure for \
         it, TrainStep::optimize can be overridden), or before the run starts"
    )]
    ChangedBetweenSteps {
        /// The step before the change.
        step: StepNumber,
        /// `model`, or `optimizer or registered state`.
        what: &'static str,
        /// Root before the next step.
        found: ParameterRoot,
        /// Root after the step.
        expected: ParameterRoot,
    },
    /// A step changed a parameter that it [did not name](crate::StepInfo::moves).
    #[error(
        "step {step} was said to move {}, but it changed {path}",
        if moved.is_empty() { "nothing".into() } else { moved.join(", ") }
    )]
    MovedUnnamed {
        /// The committed step after which the change was seen.
        step: StepNumber,
        /// The parameter's path.
        path: String,
        /// The names of what was said to move since the entry before.
        moved: Vec<String>,
    },
    /// The run that the new one is to [go on from](crate::Origin) has no such state.
    #[error("cannot go on from {}: {reason}", printable(&dir.display().to_string()))]
    Origin {
        /// That run's directory.
        dir: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A part of a [`TrainingLoop`](crate::TrainingLoop) cannot be recorded or restored.
    #[error(transparent)]
    Part(Arc<PartError>),
    /// The model given to the end of the run is not the model after the last step.
    #[error(
        "the final model has parameter root {found}, the entry of the last step has {expected}: \
         the model was changed after the last recorded step"
    )]
    ModelChanged {
        /// Root of the model that was given.
        found: ParameterRoot,
        /// Root in the chain.
        expected: ParameterRoot,
    },
    /// A custom loop was stopped while [`PowRun::step`](crate::PowRun::step)
    /// waited for blocks. The step was not taken. The chain has no final block,
    /// and keeps the blocks that were mined.
    #[error("stopped before all blocks were mined; the chain is unfinished ({0})")]
    Interrupted(Unfinished),
    /// A recorder thread ended without an error.
    #[error("the recorder's {0} thread stopped unexpectedly")]
    ThreadGone(&'static str),
}

/// How far a chain without a final block reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Blocks in the chain.
    pub blocks: u64,
    /// Committed steps that are in no block. A resumed run repeats them.
    pub unsealed: u64,
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unfinished { blocks, unsealed } = self;
        write!(f, "blocks in it: {blocks}; steps in no block: {unsealed}")
    }
}

macro_rules! from_shared {
    ($($source:ty => $variant:ident),* $(,)?) => {
        $(impl From<$source> for PowError {
            fn from(error: $source) -> Self {
                PowError::$variant(Arc::new(error))
            }
        })*
    };
}

from_shared!(
    SelectError => Engine,
    LedgerError => Ledger,
    MineError => Mine,
    ChainError => Chain,
    SnapshotError => Snapshot,
    OptimizerError => Optimizer,
    DatasetError => Dataset,
    ResumeError => Resume,
    PartError => Part,
);
