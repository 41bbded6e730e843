//! Where in its data a run stands.

use super::iterations::IterationLog;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A batch, and the samples that it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked<B> {
    /// The batch that the batcher made.
    pub batch: B,
    /// Indices in the dataset, in the order in which the batcher got them. `None`
    /// if the loader does not know them.
    pub indices: Option<Vec<u32>>,
}

/// Counts the micro-batches that a run has trained on. Clones share the count.
///
/// A [`SeededLoader`](super::SeededLoader) reads the cursor when an iteration
/// starts, and never moves it. The code that trains on a batch calls
/// [`advance`](Self::advance). If a batch is not trained on, for instance because
/// the run was interrupted, the next iteration returns it again.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    micro_batches: Arc<AtomicU64>,
    /// Whether the next iteration is the end of the epoch before, without a batch.
    ends_epoch: Arc<AtomicBool>,
    iterations: IterationLog,
}

impl Cursor {
    /// A cursor that stands at `micro_batches`, for a resumed run.
    pub fn at(micro_batches: u64) -> Self {
        Cursor {
            micro_batches: Arc::new(AtomicU64::new(micro_batches)),
            ends_epoch: Arc::default(),
            iterations: IterationLog::default(),
        }
    }

    /// The number of micro-batches trained on since the run started.
    pub fn get(&self) -> u64 {
        self.micro_batches.load(Ordering::SeqCst)
    }

    /// Moves all clones to `micro_batches`.
    pub fn set(&self, micro_batches: u64) {
        self.micro_batches.store(micro_batches, Ordering::SeqCst);
    }

    /// Counts one more micro-batch, and returns the count before.
    pub fn advance(&self) -> u64 {
        self.micro_batches.fetch_add(1, Ordering::SeqCst)
    }

    /// Makes the next iteration the end of the epoch before, without a batch. Burn then
    /// does what it does at the end of that epoch.
    pub(crate) fn end_epoch_again(&self) {
        self.ends_epoch.store(true, Ordering::SeqCst);
    }

    /// Whether this iteration is the end of the epoch before. Only once.
    pub(crate) fn take_epoch_end(&self) -> bool {
        self.ends_epoch.swap(false, Ordering::SeqCst)
    }

    /// How the iterations of the loaders with this cursor ended.
    pub(crate) fn iterations(&self) -> &IterationLog {
        &self.iterations
    }
}
