//! Hashing a step: its tensors are read and become an entry.

use super::message::{RestSnapshot, Step};
use super::stages::Clocks;
use crate::error::PowError;
use crate::state::tensors::{NamedTensor, parameter_root};
use pow_core::body::Entry;
use pow_core::state::RestOfState;

/// A step that was read and hashed.
pub(crate) struct HashedStep {
    pub(crate) entry: Entry,
    pub(crate) parameters: Vec<NamedTensor>,
    /// Present if the step has a checkpoint, or the run pauses after it.
    pub(crate) rest: Option<Rest>,
}

/// All of a state except the parameters.
pub(crate) struct Rest {
    pub(crate) is_committed: bool,
    pub(crate) state: RestOfState,
    pub(crate) optimizer: Vec<NamedTensor>,
}

impl HashedStep {
    /// Reads the tensors of a step and hashes them.
    pub(crate) fn of(step: Step, clocks: &Clocks) -> Result<Self, PowError> {
        let parameters = clocks.read.time(|| step.parameters.read())?;
        let rest = step.checkpoint.map(Rest::read).transpose()?;
        let entry = Entry {
            step: step.number,
            parameters: clocks.hash.time(|| parameter_root(&parameters))?,
            batch: step.batch,
            loss: step.loss.read()?.map(f64::to_bits),
            learning_rate: step.learning_rate.map(f64::to_bits),
            rest: (rest.as_ref().filter(|rest| rest.is_committed)).map(|rest| rest.state.root()),
        };
        Ok(HashedStep {
            entry,
            parameters,
            rest,
        })
    }
}

impl Rest {
    fn read(snapshot: RestSnapshot) -> Result<Self, PowError> {
        let is_committed = snapshot.is_committed;
        let optimizer = snapshot.rest.read()?;
        let state = RestOfState {
            optimizer: parameter_root(&optimizer)?,
            scheduler_steps: snapshot.scheduler_steps,
            seed_position: snapshot.cursor,
            cursor: snapshot.cursor,
        };
        Ok(Rest {
            is_committed,
            state,
            optimizer,
        })
    }
}
