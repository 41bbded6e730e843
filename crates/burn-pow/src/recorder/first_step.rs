//! The first step of a process: what the program changes after it, outside of a step,
//! is an error before the second.

use crate::error::PowError;
use crate::pipeline::state_roots::StateRoots;
use crate::state::snapshot::Snapshot;
use crate::state::tensors::NamedTensor;
use crate::state::trainee::{Parameters, RestTaken, Trainee};
use pow_core::body::StepNumber;

/// How far the program is between its first step and the second.
#[derive(Default)]
pub(super) enum FirstStep {
    /// Not taken yet.
    #[default]
    Ahead,
    /// The state after it.
    Taken(Box<State>),
    /// The state after it, and the parameters before the next micro-batch.
    Seen(Box<State>, Box<Snapshot>),
    /// It was checked.
    Past,
}

pub(super) struct State {
    step: StepNumber,
    parameters: Snapshot,
    rest: RestTaken,
}

/// The size of a state, in bytes.
pub(super) struct Sizes {
    pub(super) model: u64,
    /// Optimizers, and what the program registered as its own.
    pub(super) rest: u64,
}

impl FirstStep {
    /// After each step: keeps the state after the first.
    pub(super) fn take(&mut self, step: StepNumber, trainee: &impl Trainee) {
        *self = match self {
            FirstStep::Ahead => {
                trainee.flush_statistics();
                FirstStep::Taken(Box::new(State {
                    step,
                    parameters: trainee.parameters(),
                    rest: trainee.rest(),
                }))
            }
            _ => FirstStep::Past,
        };
    }

    /// Before each micro-batch: sees the model before that changes running statistics.
    pub(super) fn see(&mut self, model: &impl Parameters) {
        if !matches!(self, FirstStep::Taken(_)) {
            return;
        }
        if let FirstStep::Taken(state) = std::mem::replace(self, FirstStep::Past) {
            model.flush_statistics();
            *self = FirstStep::Seen(state, Box::new(model.parameters()));
        }
    }

    /// Before the second step: compares the state with that after the first, and returns how
    /// large it is.
    pub(super) fn check(&mut self, trainee: &impl Trainee) -> Result<Option<Sizes>, PowError> {
        let seen = std::mem::replace(self, FirstStep::Past);
        let (after, parameters) = match seen {
            FirstStep::Seen(after, parameters) => (after, parameters),
            FirstStep::Ahead => {
                *self = FirstStep::Ahead;
                return Ok(None);
            }
            // Without a micro-batch between the steps nothing is known.
            FirstStep::Taken(_) | FirstStep::Past => return Ok(None),
        };
        let (model, rest) = (after.parameters.read()?, after.rest.read()?);
        let after_it = StateRoots::of(&model, &rest)?;
        let before_next = StateRoots::of(&parameters.read()?, &trainee.rest().read()?)?;
        before_next.check_unchanged(after.step, after_it)?;
        let size = |tensors: &[NamedTensor]| {
            let sizes = tensors.iter().map(|tensor| tensor.bytes.len() as u64);
            sizes.sum()
        };
        Ok(Some(Sizes {
            model: size(&model),
            rest: size(&rest),
        }))
    }
}
