//! How a loader's iterations came out. Burn's dashboard forgets at the end of a
//! training that it was stopped or met an error, so this is not asked of Burn.

use burn::data::dataset::DatasetError;
use std::sync::{Arc, Mutex, PoisonError};

/// How the iterations of one training came out; clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    broken_off: bool,
    failed: Option<String>,
}

impl Fate {
    /// To be held by an iteration.
    pub(crate) fn watch(&self) -> Watch {
        Watch {
            fate: self.clone(),
            ended: false,
        }
    }

    /// Whether an iteration was dropped before it had ended, as when the
    /// training was stopped.
    pub(crate) fn was_broken_off(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .broken_off
    }

    /// The first error that a dataset answered with.
    pub(crate) fn error(&self) -> Option<DatasetError> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let words = state.failed.clone()?;
        Some(DatasetError::new(std::io::Error::other(words)))
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// One iteration.
#[derive(Debug)]
pub(crate) struct Watch {
    fate: Fate,
    ended: bool,
}

impl Watch {
    /// There is nothing more to hand out.
    pub(crate) fn ended(&mut self) {
        self.ended = true;
    }

    /// The dataset answered with an error, which ends the iteration.
    pub(crate) fn failed(&mut self, error: &DatasetError) {
        self.ended = true;
        self.fate.change(|state| {
            state.failed.get_or_insert_with(|| error.to_string());
        });
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.ended {
            self.fate.change(|state| state.broken_off = true);
        }
    }
}
