//! Hashing a step: its tensors become an entry. They are read, or hashed on the GPU.

use super::message::{RestSnapshot, Step};
use super::stages::Clocks;
use crate::error::PowError;
use crate::state::in_place::InPlace;
use crate::state::snapshot::Snapshot;
use crate::state::tensors::{NamedTensor, parameter_leaves, parameter_root};
use pow_core::body::Entry;
use pow_core::state::RestOfState;
use pow_core::tensor::TensorSet;

/// A step that was hashed.
pub(crate) struct HashedStep {
    pub(crate) entry: Entry,
    /// What the entry's parameter root is over.
    pub(crate) leaves: TensorSet,
    pub(crate) parameters: HashedParameters,
    /// Present if the step has a checkpoint, or the run pauses after it.
    pub(crate) rest: Option<Rest>,
}

/// The parameters that were hashed.
pub(crate) enum HashedParameters {
    /// They were read.
    Read(Vec<NamedTensor>),
    /// They were hashed where they are, and can still be read.
    OnDevice(Box<Snapshot>),
}

impl HashedParameters {
    /// The tensors, if they were read.
    pub(crate) fn tensors(&self) -> Option<&[NamedTensor]> {
        match self {
            HashedParameters::Read(tensors) => Some(tensors),
            HashedParameters::OnDevice(_) => None,
        }
    }
}

/// All of a state except the parameters.
pub(crate) struct Rest {
    pub(crate) is_committed: bool,
    pub(crate) state: RestOfState,
    pub(crate) optimizer: Vec<NamedTensor>,
}

impl HashedStep {
    /// Hashes the tensors of a step. Those of a checkpoint are read, and others if
    /// `is_shown` says that somebody looks at them.
    pub(crate) fn of(
        step: Step,
        in_place: Option<&mut InPlace>,
        is_shown: bool,
        clocks: &Clocks,
    ) -> Result<Self, PowError> {
        let in_place = in_place.filter(|_| !is_shown && step.checkpoint.is_none());
        let (leaves, parameters) = hash(step.parameters, in_place, clocks)?;
        let rest = step.checkpoint.map(Rest::read).transpose()?;
        let entry = Entry {
            step: step.number,
            parameters: leaves.root(),
            batch: step.batch,
            loss: step.loss.read()?.map(f64::to_bits),
            learning_rate: step.learning_rate.map(f64::to_bits),
            rest: (rest.as_ref().filter(|rest| rest.is_committed)).map(|rest| rest.state.root()),
        };
        Ok(HashedStep {
            entry,
            leaves,
            parameters,
            rest,
        })
    }
}

fn hash(
    mut snapshot: Snapshot,
    in_place: Option<&mut InPlace>,
    clocks: &Clocks,
) -> Result<(TensorSet, HashedParameters), PowError> {
    match in_place {
        Some(in_place) if snapshot.is_on_gpu() => {
            let (leaves, copied) = clocks.hash.time(|| snapshot.leaves(in_place))?;
            clocks.count_read(copied);
            return Ok((leaves, HashedParameters::OnDevice(Box::new(snapshot))));
        }
        Some(in_place) => in_place.is_of_no_use(),
        None => {}
    }
    let (tensors, copied) = clocks.read.time(|| snapshot.read_counted())?;
    clocks.count_read(copied);
    let leaves = clocks.hash.time(|| parameter_leaves(&tensors))?;
    Ok((leaves, HashedParameters::Read(tensors)))
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
