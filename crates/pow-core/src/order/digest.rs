//! Digests of batches and datasets.

use crate::hash::{BatchDigest, DatasetRoot, Tag, TaggedHasher};
use crate::merkle::Frontier;

/// Collects the sample indices of one optimizer step: of all its micro-batches,
/// in the order they were seen.
#[derive(Clone)]
pub struct BatchHasher {
    hasher: TaggedHasher,
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
pub struct DatasetHasher(Frontier);

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
