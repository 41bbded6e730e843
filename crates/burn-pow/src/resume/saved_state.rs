//! The state in a checkpoint, from which a run starts again.

use crate::error::{PowError, ResumeError};
use crate::state::deferred::DeferredTensor;
use pow_core::body::{Entry, StepNumber};
use pow_core::hash::{ParameterRoot, StateRoot};
use pow_core::state::state_root;
use pow_ledger::{CheckpointFiles, CheckpointPart, StateFile};

/// The state that a resumed run, or a replayed segment, starts from.
pub(crate) struct SavedState {
    /// Its entry in the chain. Absent if the chain has only the genesis block.
    pub(crate) entry: Option<Entry>,
    pub(crate) state: StateFile,
    /// The checkpoint that it is read from.
    pub(crate) files: CheckpointFiles,
    pub(crate) model: Vec<DeferredTensor>,
    pub(crate) optimizer: Vec<DeferredTensor>,
    /// The root over `model`.
    pub(crate) model_root: ParameterRoot,
    /// The root over `optimizer`.
    pub(crate) optimizer_root: ParameterRoot,
    /// The program's own model must have these parameters. They are not loaded into
    /// it.
    pub(crate) regenerate: bool,
    /// Whether the program gets only the parameters.
    pub(crate) weights_only: bool,
}

impl SavedState {
    /// Opens a checkpoint and checks that it holds the state with the root
    /// `expected`, of the step of `entry`.
    pub(crate) fn load(
        files: &CheckpointFiles,
        expected: StateRoot,
        entry: Option<Entry>,
    ) -> Result<Self, PowError> {
        let state = files.state_file()?;
        let (model, model_root) = DeferredTensor::open(files, CheckpointPart::Model)?;
        let (optimizer, optimizer_root) = DeferredTensor::open(files, CheckpointPart::Optimizer)?;
        let rest = state.rest(optimizer_root);
        let (root, step) = (state_root(model_root, rest.root()), StepNumber(state.step));
        let due = entry.map_or(StepNumber(0), |entry| entry.step);
        if root != expected || step != due {
            let dir = files.dir().to_owned();
            return Err(ResumeError::Checkpoint { dir, step, root }.into());
        }
        Ok(SavedState {
            entry,
            state,
            files: files.clone(),
            model,
            optimizer,
            model_root,
            optimizer_root,
            regenerate: false,
            weights_only: false,
        })
    }

    /// The step after which it was saved.
    pub(crate) fn step(&self) -> StepNumber {
        StepNumber(self.state.step)
    }
}
