//! Taking a state from another run.

use super::saved_state::SavedState;
use crate::error::PowError;
use crate::origin::Origin;
use pow_audit::walk::walk;
use pow_core::body::{BodyKind, Entry};
use pow_core::extension::Parent;
use pow_ledger::RunDir;

/// The state that a new run goes on from.
pub(crate) struct Taken {
    pub(crate) parent: Parent,
    pub(crate) saved: SavedState,
}

/// Reads and verifies the run's chain, and opens the checkpoint.
pub(crate) fn take(origin: &Origin) -> Result<Taken, PowError> {
    let dir = RunDir::new(&origin.dir);
    let refused = |reason: String| PowError::Origin {
        dir: origin.dir.clone(),
        reason,
    };
    let mut found: Option<Entry> = None;
    let end = walk(&dir, None, &mut |walked, _| {
        let BodyKind::Steps(entries) = &walked.block.body().kind else {
            return;
        };
        let is_there = |entry: &&Entry| {
            let is_asked = origin.step.is_none_or(|step| step == entry.step);
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
        return Err(refused(match origin.step {
            Some(step) => format!("it has no checkpoint of step {step}"),
            None => "none of its checkpoints exists".into(),
        }));
    };
    let mut saved = SavedState::load(&dir.checkpoint(parent.state), parent.state, Some(entry))?;
    // The new run counts from 0.
    saved.state.scheduler_steps = 0;
    saved.weights_only = origin.weights_only;
    Ok(Taken { parent, saved })
}
