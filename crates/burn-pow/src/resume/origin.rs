//! Going on from another run: a new run takes a state from it, and names it in genesis.

use super::saved_state::SavedState;
use crate::error::PowError;
use pow_audit::walk::walk;
use pow_core::body::{BodyKind, Entry, StepNumber};
use pow_core::extension::Parent;
use pow_ledger::RunDir;
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
    dir: PathBuf,
    step: Option<StepNumber>,
    weights_only: bool,
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

    /// Reads and verifies the run's chain, and opens the checkpoint.
    pub(crate) fn take(&self) -> Result<Taken, PowError> {
        let dir = RunDir::new(&self.dir);
        let refused = |reason: String| PowError::Origin {
            dir: self.dir.clone(),
            reason,
        };
        let mut found: Option<Entry> = None;
        let end = walk(&dir, None, &mut |walked, _| {
            let BodyKind::Steps(entries) = &walked.block.body().kind else {
                return;
            };
            let is_there = |entry: &&Entry| {
                let is_asked = self.step.is_none_or(|step| step == entry.step);
                let root = entry.state_root().filter(|_| is_asked);
                root.is_some_and(|root| dir.checkpoint(root).dir().exists())
            };
            found = entries.iter().rfind(is_there).copied().or(found);
        })?;
        if let Some(failure) = end.failure() {
            return Err(refused(failure));
        }
        let genesis = end.chain.map(|chain| chain.genesis_hash());
        let link = found
            .zip(genesis)
            .and_then(|(entry, genesis)| Some((entry, Parent::at(genesis, &entry)?)));
        let Some((entry, parent)) = link else {
            return Err(refused(match self.step {
                Some(step) => format!("it has no checkpoint of step {step}"),
                None => "none of its checkpoints exists".into(),
            }));
        };
        let mut saved = SavedState::load(&dir.checkpoint(parent.state), parent.state, Some(entry))?;
        // The new run counts from 0.
        saved.state.scheduler_steps = 0;
        saved.weights_only = self.weights_only;
        Ok(Taken { parent, saved })
    }
}

/// The state that a new run goes on from.
pub(crate) struct Taken {
    pub(crate) parent: Parent,
    pub(crate) saved: SavedState,
}
