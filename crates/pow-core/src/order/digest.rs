//! Digests of batches and datasets.

use crate::hash::{BatchDigest, DatasetRoot, Tag, TaggedHasher};
use crate::merkle::Frontier;

/// Hashes the sample indices of one optimizer step: those of all its
/// micro-batches, in the order in which they were seen.
///
/// ```
/// use pow_core::order::BatchHasher;
/// let mut step = BatchHasher::default();
/// step.micro_batch(&[3, 1]);
/// step.micro_batch(&[2]);
/// assert!(step.finish().is_some());
/// assert_eq!(BatchHasher::default().finish(), None);
/// ```
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
    /// Adds one micro-batch: its length, then its indices.
    pub fn micro_batch(&mut self, indices: &[u32]) {
        self.hasher.update(&(indices.len() as u32).to_le_bytes());
        for index in indices {
            self.hasher.update(&index.to_le_bytes());
        }
        self.count += 1;
    }

    /// The digest. `None` if there was no micro-batch.
    pub fn finish(self) -> Option<BatchDigest> {
        (self.count > 0).then(|| BatchDigest(self.hasher.finish()))
    }
}

/// Computes the root over a dataset, from the number of items and the tree over
/// the items' bytes.
///
/// ```
/// use pow_core::order::DatasetHasher;
/// let mut dataset = DatasetHasher::default();
/// let empty = dataset.finish();
/// dataset.item(b"a sample");
/// assert_ne!(dataset.finish(), empty);
/// ```
#[derive(Clone, Debug, Default)]
pub struct DatasetHasher(Frontier);

impl DatasetHasher {
    /// Adds the next item, in index order, as its canonical bytes.
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
