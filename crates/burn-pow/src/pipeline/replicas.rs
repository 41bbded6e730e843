//! Copies of one learner that step side by side, as in distributed data
//! parallel training: one is recorded, the others must be equal to it.

use crate::error::PowError;
use pow_core::body::StepNumber;
use pow_core::hash::ParameterRoot;
use std::collections::BTreeMap;
use std::thread::ThreadId;

/// Steps that the copies on other threads than the recorded one have taken.
#[derive(Default)]
pub(crate) struct Followers(Vec<(ThreadId, u64)>);

impl Followers {
    /// Counts a step of the copy on this thread, and returns its number.
    pub(crate) fn step(&mut self, thread: ThreadId) -> StepNumber {
        let known = self.0.iter_mut().find(|(known, _)| *known == thread);
        match known {
            Some((_, steps)) => {
                *steps += 1;
                StepNumber(*steps)
            }
            None => {
                self.0.push((thread, 1));
                StepNumber(1)
            }
        }
    }
}

/// The roots of one step that are still to be compared.
#[derive(Default)]
struct Roots {
    recorded: Option<ParameterRoot>,
    compared: u32,
    waiting: Vec<ParameterRoot>,
}

/// Compares what was trained in the copies with the recorded one, in whatever
/// order they come. Running statistics are of each copy's own batches.
pub(crate) struct Replicas {
    /// Copies besides the recorded one.
    others: u32,
    steps: BTreeMap<StepNumber, Roots>,
}

impl Replicas {
    pub(crate) fn new(others: u32) -> Self {
        Replicas {
            others,
            steps: BTreeMap::new(),
        }
    }

    /// The recorded copy's trained parameters after a step.
    pub(crate) fn recorded(
        &mut self,
        step: StepNumber,
        root: ParameterRoot,
    ) -> Result<(), PowError> {
        self.steps.entry(step).or_default().recorded = Some(root);
        self.compare(step)
    }

    /// Another copy's after a step.
    pub(crate) fn other(&mut self, step: StepNumber, root: ParameterRoot) -> Result<(), PowError> {
        self.steps.entry(step).or_default().waiting.push(root);
        self.compare(step)
    }

    fn compare(&mut self, step: StepNumber) -> Result<(), PowError> {
        let Some(roots) = self.steps.get_mut(&step) else {
            return Ok(());
        };
        let Some(expected) = roots.recorded else {
            return Ok(());
        };
        for found in roots.waiting.drain(..) {
            if found != expected {
                return Err(PowError::ReplicaDiffers {
                    step,
                    found,
                    expected,
                });
            }
            roots.compared += 1;
        }
        if roots.compared >= self.others {
            self.steps.remove(&step);
        }
        Ok(())
    }
}
