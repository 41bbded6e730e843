//! What can go wrong with a recorded run.

use crate::loader::LoaderError;
use crate::resume::point::ResumeError;
use crate::state::optimizer::OptimizerError;
use crate::state::snapshot::SnapshotError;
use burn::data::dataset::DatasetError;
use burn::train::TrainingError;
use pow_core::chain::ChainError;
use pow_core::tensor::TensorError;
use pow_ledger::LedgerError;
use pow_mine::{MineError, SelectError};
use std::sync::Arc;

/// Why a run could not be opened, recorded or ended. Clones share the cause:
/// the thread that met it and the one that trains both report it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PowError {
    /// A setting is refused.
    #[error("configuration: {0}")]
    Config(String),
    /// No engine to mine with.
    #[error(transparent)]
    Engine(Arc<SelectError>),
    /// The run directory failed.
    #[error(transparent)]
    Ledger(Arc<LedgerError>),
    /// Mining failed.
    #[error(transparent)]
    Mine(Arc<MineError>),
    /// A block of ours breaks a rule; the run stops rather than record it.
    #[error("own block refused: {0}")]
    Chain(Arc<ChainError>),
    /// A parameter could not be read.
    #[error(transparent)]
    Snapshot(Arc<SnapshotError>),
    /// The optimizer's state could not be read.
    #[error(transparent)]
    Optimizer(Arc<OptimizerError>),
    /// Tensors could not be committed to.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// The dataset could not be read.
    #[error("dataset: {0}")]
    Dataset(Arc<DatasetError>),
    /// A loader could not be made.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// A run could not go on from where it was left.
    #[error("cannot go on: {0}")]
    Resume(Arc<ResumeError>),
    /// A thread could not be started.
    #[error("cannot start a recorder thread: {0}")]
    Spawn(Arc<std::io::Error>),
    /// Not a failure: the segment that was to be
    /// [replayed](crate::Action::Replay) was, and its
    /// [outcome](crate::SegmentReplay::outcome) is there. So a loop of one's own
    /// ends where the segment does.
    #[error("the segment was replayed")]
    Replayed,
    /// Training itself failed.
    #[error("training: {0}")]
    Training(Arc<TrainingError>),
    /// Training panicked. The chain has no final block, and can go on.
    #[error("training panicked: {0}")]
    Panicked(String),
    /// The run has not begun: no optimizer step was recorded.
    #[error(
        "no step was recorded: call PowRun::start before the loop, and train at least one step"
    )]
    NotBegun,
    /// The run has ended or begun already.
    #[error("the run {0} already")]
    Already(&'static str),
    /// A copy of the learner has come to other parameters than the recorded one.
    #[error(
        "after step {step} the trained parameters of a copy of the learner have root {found}, those \
         of the recorded one {expected}"
    )]
    ReplicaDiffers {
        /// The step.
        step: pow_core::body::StepNumber,
        /// Root of the copy.
        found: pow_core::hash::ParameterRoot,
        /// Root of the recorded one.
        expected: pow_core::hash::ParameterRoot,
    },
    /// The model given at the end is not the one after the last step.
    #[error(
        "the final model has parameter root {found}, the entry of the last step {expected}: \
         it was changed after the last recorded step"
    )]
    ModelChanged {
        /// Root of the model given.
        found: pow_core::hash::ParameterRoot,
        /// Root committed.
        expected: pow_core::hash::ParameterRoot,
    },
    /// Somebody stopped the run while it waited for blocks. Those that were
    /// mined stay; the chain has no final block.
    #[error(
        "stopped while blocks were still to be mined; the chain is unfinished (blocks in it: \
         {blocks}; steps in none of them: {unsealed})"
    )]
    Interrupted {
        /// Blocks in the chain.
        blocks: u64,
        /// Committed steps in none of them.
        unsealed: u64,
    },
    /// Not a failure: the run was stopped, and is to
    /// [pause](crate::PowConfig::pause_when_stopped). It can go on.
    #[error(
        "paused; the chain is unfinished and can go on (blocks in it: {blocks}; steps in none of \
         them: {unsealed})"
    )]
    Paused {
        /// Blocks in the chain.
        blocks: u64,
        /// Committed steps in none of them, which are taken again.
        unsealed: u64,
    },
    /// A recorder thread is gone without a word.
    #[error("the recorder's {0} thread stopped unexpectedly")]
    ThreadGone(&'static str),
    /// The clock reads a year after 2106 or before 1970.
    #[error("the system clock reads {0} ms, which a block header cannot hold")]
    Clock(u64),
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
);
