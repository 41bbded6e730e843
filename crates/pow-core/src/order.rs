//! The order in which a run sees its samples, as a pure function.
//!
//! Epoch *e* visits the samples `0 … items - 1` sorted by
//! `tagged("order", dataset root ‖ seed ‖ e ‖ index)`, the index breaking a tie
//! (there is none in practice). Batch *b* of the epoch holds the samples at
//! positions `b·batch …`; the last batch may be smaller. So anybody who holds
//! genesis can recompute every batch digest, without the data or the code.

use crate::hash::{BatchDigest, DatasetRoot, Tag};
use alloc::vec::Vec;

/// Everything the order depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeededOrder {
    /// Root over the dataset's items.
    pub dataset: DatasetRoot,
    /// The run's seed.
    pub seed: u64,
    /// Number of samples.
    pub items: u32,
}

impl SeededOrder {
    /// The samples of `epoch` (counted from zero) in the order they are seen.
    ///
    /// ```
    /// use pow_core::{hash::DatasetRoot, order::SeededOrder};
    /// let order = SeededOrder { dataset: DatasetRoot([0; 32]), seed: 7, items: 5 };
    /// let mut first = order.epoch(0);
    /// assert_ne!(first, order.epoch(1));
    /// first.sort();
    /// assert_eq!(first, [0, 1, 2, 3, 4]);
    /// ```
    pub fn epoch(&self, epoch: u64) -> Vec<u32> {
        let key = Tag::Order
            .hasher()
            .chain(&self.dataset.0)
            .chain(&self.seed.to_le_bytes())
            .chain(&epoch.to_le_bytes());
        let mut keyed: Vec<([u8; 32], u32)> = (0..self.items)
            .map(|index| (key.clone().chain(&index.to_le_bytes()).finish(), index))
            .collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, index)| index).collect()
    }
}

/// Collects the sample indices of one optimizer step: of all its micro-batches,
/// in the order they were seen.
#[derive(Clone)]
pub struct BatchHasher {
    hasher: crate::hash::TaggedHasher,
    count: u64,
}

impl Default for BatchHasher {
    fn default() -> Self {
        BatchHasher {
            hasher: Tag::Batch.hasher(),
            count: 0,
        }
    }
}

impl BatchHasher {
    /// Takes in one micro-batch: its length, then its indices.
    pub fn micro_batch(&mut self, indices: &[u32]) {
        self.hasher.update(&(indices.len() as u32).to_le_bytes());
        for index in indices {
            self.hasher.update(&index.to_le_bytes());
        }
        self.count += 1;
    }

    /// The digest, or `None` if no micro-batch was taken in.
    pub fn finish(self) -> Option<BatchDigest> {
        (self.count > 0).then(|| BatchDigest(self.hasher.finish()))
    }
}

/// Root over a dataset: its item count and the tree over its items' bytes.
#[derive(Clone, Debug, Default)]
pub struct DatasetHasher(crate::merkle::Frontier);

impl DatasetHasher {
    /// Takes in the next item, in index order, as its canonical bytes.
    pub fn item(&mut self, bytes: &[u8]) {
        self.0.push(Tag::Item.hash(bytes));
    }

    /// The root over the items so far.
    pub fn finish(&self) -> DatasetRoot {
        DatasetRoot(
            Tag::Dataset
                .hasher()
                .chain(&self.0.count().to_le_bytes())
                .chain(&self.0.root().0)
                .finish(),
        )
    }
}
