//! Showing committed steps to the program.

use super::hashing::HashedStep;
use crate::state::tensors::NamedTensor;
use pow_core::body::{Entry, StepNumber};
use pow_core::hash::{BatchDigest, ParameterRoot, StateRoot};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A committed step, as [`PowRun::on_commit`](crate::PowRun::on_commit) shows it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Committed<'a> {
    /// The step. 0 is the initial model.
    pub step: StepNumber,
    /// The model's parameters after the step, sorted by path.
    pub model: &'a [NamedTensor],
    /// The root over the parameters.
    pub root: ParameterRoot,
    /// The root of the whole state, if the step has a checkpoint.
    pub state: Option<StateRoot>,
    /// The samples trained on since the last committed step, as indices in the
    /// dataset, in order. `None` for step 0, and if the loader does not know them.
    pub samples: Option<&'a [u32]>,
    /// The digest of the samples, if the order is declared.
    pub batch: Option<BatchDigest>,
    /// The base learning rate. Absent for step 0.
    pub learning_rate: Option<f64>,
    /// The loss, if a custom loop gave it.
    pub loss: Option<f64>,
    /// The step was repeated: the chain had it already.
    pub repeated: bool,
}

impl<'a> Committed<'a> {
    fn new(
        entry: &Entry,
        model: &'a [NamedTensor],
        samples: Option<&'a [u32]>,
        repeated: bool,
    ) -> Self {
        Committed {
            step: entry.step,
            model,
            root: entry.parameters,
            state: entry.state_root(),
            samples,
            batch: entry.batch,
            learning_rate: entry.learning_rate.map(f64::from_bits),
            loss: entry.loss.map(f64::from_bits),
            repeated,
        }
    }
}

type Callback = Box<dyn FnMut(Committed<'_>) + Send>;

/// The callback that steps are shown to, if there is one. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Observer(Arc<Mutex<Option<Callback>>>);

impl Observer {
    pub(crate) fn set(&self, callback: Callback) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(callback);
    }

    /// Whether anybody looks at the steps.
    pub(crate) fn is_set(&self) -> bool {
        let callback = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        callback.is_some()
    }

    /// Shows a step, if it was hashed for that: its parameters were then read.
    pub(crate) fn show(&self, hashed: &HashedStep, samples: Option<&[u32]>, repeated: bool) {
        let Some(tensors) = hashed.parameters.tensors() else {
            return;
        };
        let mut callback = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(callback) = callback.as_mut() {
            callback(Committed::new(&hashed.entry, tensors, samples, repeated));
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
