//! From which run a new run goes on.

use pow_core::body::StepNumber;
use std::path::PathBuf;

/// The state of another run, from which a new run goes on: for more epochs, as a branch,
/// or because this machine computes in another way than the one that began it.
///
/// ```
/// use burn_pow::{Origin, PowConfig};
/// let config = PowConfig::new("runs/longer").origin(Origin::run("runs/mine"));
/// # drop(config);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Origin {
    pub(crate) dir: PathBuf,
    pub(crate) step: Option<StepNumber>,
    pub(crate) weights_only: bool,
}

impl Origin {
    /// The newest checkpoint of the run in this directory that exists, with the
    /// optimizer's state and what the program registered as its own.
    pub fn run(dir: impl Into<PathBuf>) -> Self {
        Origin {
            dir: dir.into(),
            step: None,
            weights_only: false,
        }
    }

    /// The checkpoint of this step.
    pub fn at_step(mut self, step: u64) -> Self {
        self.step = Some(StepNumber(step));
        self
    }

    /// Takes the weights alone. The new run begins with the program's own optimizer, and
    /// its own state.
    pub fn weights_only(mut self) -> Self {
        self.weights_only = true;
        self
    }
}
