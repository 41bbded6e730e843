//! An order that is bound to the chain: it waits for the blocks that it follows
//! from.

use pow_core::body::StepNumber;
use pow_core::hash::BlockHash;
use pow_core::order::{BoundBatches, BoundOrder};
use std::sync::Weak;

/// The source of the block hashes that an order is bound to.
pub(crate) trait Keys: Send + Sync {
    /// Waits for the block that seals `step`, and returns its hash. `None` if the
    /// training is stopped first, or the block will never be mined.
    fn key(&self, step: StepNumber) -> Option<BlockHash>;
}

/// An order bound to the chain, and the source of its keys.
#[derive(Clone)]
pub(crate) struct Bound {
    pub(crate) order: BoundOrder,
    /// Weak, because the run holds the loader that it made.
    pub(crate) keys: Weak<dyn Keys>,
}

/// The batches of one epoch that remain.
pub(crate) struct BoundEpoch {
    epoch: u64,
    batches: BoundBatches,
    keys: Weak<dyn Keys>,
    seen: usize,
    /// The step whose block gave the last key.
    known: Option<StepNumber>,
}

impl Bound {
    /// The rest of the current epoch, after `micro_batches` since the run started.
    /// `None` if a key that it needs will never exist.
    pub(crate) fn epoch_at(&self, micro_batches: u64) -> Option<BoundEpoch> {
        let per_epoch = self.order.batches_per_epoch();
        let epoch = micro_batches / per_epoch;
        let mut rest = BoundEpoch {
            epoch,
            batches: self.order.from_epoch(epoch),
            keys: self.keys.clone(),
            seen: 0,
            known: None,
        };
        for _ in 0..micro_batches % per_epoch {
            rest.take()?;
        }
        Some(rest)
    }
}

impl BoundEpoch {
    /// Whether every sample was taken.
    pub(crate) fn is_over(&self) -> bool {
        self.batches.position().0 != self.epoch
    }

    /// The number of samples taken.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// Whether the samples of the next micro-batch follow without another block.
    pub(crate) fn is_known(&self) -> bool {
        self.batches
            .key_step()
            .is_none_or(|step| self.known == Some(step))
    }

    /// Waits for the key of the next micro-batch, and returns its samples.
    pub(crate) fn take(&mut self) -> Option<Vec<u32>> {
        let key = match self.batches.key_step() {
            Some(step) => {
                let key = self.keys.upgrade()?.key(step)?;
                self.known = Some(step);
                key
            }
            None => BlockHash::ZERO,
        };
        let indices = self.batches.next(key).to_vec();
        self.seen += indices.len();
        Some(indices)
    }
}
