//! Why a run cannot be resumed.

use super::StepDifference;
use burn::store::RecordError;
use pow_core::body::StepNumber;
use pow_core::chain::ChainError;
use pow_core::hash::StateRoot;
use std::path::PathBuf;

/// Why a run cannot be resumed, or a segment of it cannot be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The writer was killed before the first block.
    #[error("{} holds no block yet: remove it and start a new run", .0.display())]
    NoBlock(PathBuf),
    /// The chain has its final block.
    #[error("the run has ended: {ending} after {steps} steps")]
    Ended {
        /// How it ended.
        ending: &'static str,
        /// The number of steps it took.
        steps: StepNumber,
    },
    /// The run was ending, and only its final block is missing.
    #[error(
        "the chain ends with step {0}, which is not on its commit and checkpoint intervals: the \
         run was ending, and no step can follow"
    )]
    WasEnding(StepNumber),
    /// A block breaks a rule.
    #[error("byte {offset}: {error}; nothing is appended to such a chain")]
    Chain {
        /// Where the block's record starts.
        offset: u64,
        /// The rule that it breaks.
        error: ChainError,
    },
    /// None of the checkpoints that the chain commits to exists.
    #[error("none of the chain's checkpoints exists, so there is no state to start from")]
    NoCheckpoint,
    /// A checkpoint does not hold the state that its name promises.
    #[error(
        "{} holds step {step} with state root {root}, which is not the state that the chain \
         commits to",
        dir.display()
    )]
    Checkpoint {
        /// The checkpoint's directory.
        dir: PathBuf,
        /// The step that it holds.
        step: StepNumber,
        /// The state root that it holds.
        root: StateRoot,
    },
    /// The run did not record which samples it trained on.
    #[error("the order of its samples is not declared, so nobody knows which samples come next")]
    ForeignOrder,
    /// The program has other data than the run was started with.
    #[error("the dataset's root is {found}, but the run was started with {expected}")]
    OtherData {
        /// Root of the program's dataset.
        found: String,
        /// Root in genesis.
        expected: String,
    },
    /// Genesis contradicts the settings whose digest it has.
    #[error("{what} is {found} by the run's settings, but genesis says {expected}")]
    Contradiction {
        /// What differs.
        what: &'static str,
        /// The value that follows from the settings.
        found: String,
        /// The value in genesis.
        expected: String,
    },
    /// The program was given other settings or arguments than the run was started
    /// with.
    #[error("{what} is {found}, but the run was started with {expected}")]
    OtherProgram {
        /// What differs.
        what: &'static str,
        /// The value that the program has now.
        found: String,
        /// The value in genesis.
        expected: String,
    },
    /// The positions in a checkpoint are not those that its step has.
    #[error("the state of step {step} says {what} {found}, expected {expected}")]
    Position {
        /// The checkpoint's step.
        step: StepNumber,
        /// Which position: a field of state.json.
        what: &'static str,
        /// The position in the checkpoint.
        found: u64,
        /// The position that follows from the step and genesis.
        expected: u64,
    },
    /// The program or the restored state differs from what the run was started with.
    #[error("{what} is {found}, but the run was started with {expected}")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// The value that the program has now.
        found: String,
        /// The value that the run was started with.
        expected: String,
    },
    /// The order depends on a block that the chain does not have.
    #[error("the order depends on the block of step {0}, which the chain does not have")]
    NoKey(StepNumber),
    /// The program's model or optimizer has other tensors than the run's first state.
    #[error("the program makes an initial {what} with {found}, the run's has {expected}")]
    InitialForm {
        /// `model` or `optimizer`.
        what: &'static str,
        /// The tensor that the program has there.
        found: String,
        /// The tensor that the run has there.
        expected: String,
    },
    /// The model does not accept the checkpoint's parameters.
    #[error("the checkpoint does not fit the model: {0}")]
    Model(RecordError),
    /// The loop started without the restored state.
    #[error("the model was not restored before its first step: call PowRun::start first")]
    NotRestored,
    /// A repeated step differs from its entry in the chain.
    #[error(transparent)]
    Diverged(StepDifference),
}
