//! Comparing two states of a training.

use crate::error::PowError;
use crate::state::in_place::InPlace;
use crate::state::snapshot::Snapshot;
use crate::state::tensors::{NamedTensor, parameter_root};
use crate::state::trainee::RestTaken;
use pow_core::body::StepNumber;
use pow_core::hash::ParameterRoot;

/// The roots of a state, without its positions.
#[derive(Clone, Copy)]
pub(crate) struct StateRoots {
    pub(crate) model: ParameterRoot,
    pub(crate) rest: ParameterRoot,
}

impl StateRoots {
    pub(crate) fn of(parameters: &[NamedTensor], rest: &[NamedTensor]) -> Result<Self, PowError> {
        Ok(StateRoots {
            model: parameter_root(parameters)?,
            rest: parameter_root(rest)?,
        })
    }

    /// The roots of a state of which nobody needs the bytes. What the GPU can hash is
    /// hashed there.
    pub(crate) fn hash(
        mut parameters: Snapshot,
        rest: RestTaken,
        in_place: Option<&mut InPlace>,
    ) -> Result<Self, PowError> {
        let Some(in_place) = in_place else {
            return StateRoots::of(&parameters.read()?, &rest.read()?);
        };
        Ok(StateRoots {
            model: parameters.leaves(in_place)?.0.root(),
            rest: rest.leaves(in_place)?.root(),
        })
    }

    /// Refuses a state that is not the one after `step`.
    pub(crate) fn check_unchanged(
        self,
        step: StepNumber,
        after_step: StateRoots,
    ) -> Result<(), PowError> {
        let (what, found, expected) = if self.model != after_step.model {
            ("model", self.model, after_step.model)
        } else if self.rest != after_step.rest {
            ("optimizer or registered state", self.rest, after_step.rest)
        } else {
            return Ok(());
        };
        Err(PowError::ChangedBetweenSteps {
            step,
            what,
            found,
            expected,
        })
    }
}
