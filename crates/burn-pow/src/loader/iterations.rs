//! How the iterations of a loader ended. Burn's dashboard forgets at the end of a
//! training that it was stopped or met an error, so the loaders note it.

use burn::data::dataset::DatasetError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How the iterations of one training ended. Clones share the log.
#[derive(Clone, Debug, Default)]
pub(crate) struct IterationLog(Arc<Mutex<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    broken_off: bool,
    error: Option<String>,
}

impl IterationLog {
    /// Starts an iteration. The iterator owns the returned value.
    pub(crate) fn start(&self) -> Iteration {
        Iteration {
            log: self.clone(),
            has_ended: false,
        }
    }

    /// Whether an iteration was dropped before its end, for instance because the
    /// training was stopped.
    pub(crate) fn was_broken_off(&self) -> bool {
        self.ends().broken_off
    }

    /// The first error that a dataset returned.
    pub(crate) fn error(&self) -> Option<DatasetError> {
        let text = self.ends().error.clone()?;
        Some(DatasetError::new(std::io::Error::other(text)))
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One iteration.
#[derive(Debug)]
pub(crate) struct Iteration {
    log: IterationLog,
    has_ended: bool,
}

impl Iteration {
    /// Notes that nothing is left to return.
    pub(crate) fn ended(&mut self) {
        self.has_ended = true;
    }

    /// Notes an error of the dataset, which ends the iteration.
    pub(crate) fn failed(&mut self, error: &DatasetError) {
        self.has_ended = true;
        let mut ends = self.log.ends();
        ends.error.get_or_insert_with(|| error.to_string());
    }
}

impl Drop for Iteration {
    fn drop(&mut self) {
        if !self.has_ended {
            self.log.ends().broken_off = true;
        }
    }
}
