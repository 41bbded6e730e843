//! Copies of one learner that step side by side, as in distributed data-parallel
//! training. One copy is recorded, and the others must be equal to it.

use crate::error::PowError;
use pow_core::body::StepNumber;
use pow_core::hash::ParameterRoot;
use std::collections::BTreeMap;

/// The roots of one step that were not compared yet.
#[derive(Default)]
struct Roots {
    recorded: Option<ParameterRoot>,
    compared: u32,
    waiting: Vec<ParameterRoot>,
}

/// Compares the trained parameters of the copies with those of the recorded copy. The
/// roots may arrive in any order. Running statistics are not compared, because each
/// copy has its own batches.
pub(super) struct Replicas {
    /// The number of copies, without the recorded one.
    others: u32,
    steps: BTreeMap<StepNumber, Roots>,
}

impl Replicas {
    pub(super) fn new(others: u32) -> Self {
        Replicas {
            others,
            steps: BTreeMap::new(),
        }
    }

    /// Adds the root of the recorded copy after a step.
    pub(super) fn recorded(
        &mut self,
        step: StepNumber,
        root: ParameterRoot,
    ) -> Result<(), PowError> {
        self.steps.entry(step).or_default().recorded = Some(root);
        self.compare(step)
    }

    /// Adds the root of another copy after a step.
    pub(super) fn other(&mut self, step: StepNumber, root: ParameterRoot) -> Result<(), PowError> {
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
