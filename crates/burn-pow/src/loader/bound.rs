//! An order that waits for the blocks that it follows from.

use pow_core::body::StepNumber;
use pow_core::hash::BlockHash;
use pow_core::order::{BoundBatches, BoundOrder};
use std::sync::Weak;

/// Who knows the blocks that were mined.
pub(crate) trait Keys: Send + Sync {
    /// The hash of the block that seals `step`, once it is mined; `None` if the
    /// training is stopped before, or the block will never come.
    fn key(&self, step: StepNumber) -> Option<BlockHash>;
}

/// An order bound to the chain, and where its keys come from.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) order: BoundOrder,
    /// Weak, as the run remembers the loader that it made.
    pub(crate) keys: Weak<dyn Keys>,
}

/// What is left of an epoch of a bound order.
pub(crate) struct BoundEpoch {
    epoch: u64,
    batches: BoundBatches,
    keys: Weak<dyn Keys>,
    seen: usize,
}

impl Bound {
    /// What is left of the epoch that `micro_batches` taken since the run began
    /// have led into; `None` if a key that it needs will never come.
    pub(crate) fn left(&self, micro_batches: u64) -> Option<BoundEpoch> {
        let batches = self.order.batches_per_epoch();
        let epoch = micro_batches / batches;
        let mut left = BoundEpoch {
            epoch,
            batches: self.order.from_epoch(epoch),
            keys: self.keys.clone(),
            seen: 0,
        };
        for _ in 0..micro_batches % batches {
            left.take()?;
        }
        Some(left)
    }
}

impl BoundEpoch {
    /// Whether every sample was taken.
    pub(crate) fn is_over(&self) -> bool {
        self.batches.position().0 != self.epoch
    }

    /// Samples taken.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// The next micro-batch, once its key is known.
    pub(crate) fn take(&mut self) -> Option<Vec<u32>> {
        let key = match self.batches.key_step() {
            Some(step) => self.keys.upgrade()?.key(step)?,
            None => BlockHash::ZERO,
        };
        let indices = self.batches.next(key).to_vec();
        self.seen += indices.len();
        Some(indices)
    }
}
