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

    /// Adds the items of `part`, which follow those so far. So several threads can hash a
    /// dataset in parts of one length, a power of two; only the last part may be shorter.
    /// The root is the same as that of one item after another.
    ///
    /// ```
    /// use pow_core::order::DatasetHasher;
    ///
    /// let samples: Vec<Vec<u8>> = (0..100_u8).map(|sample| vec![sample]).collect();
    /// let part = |samples: &[Vec<u8>]| {
    ///     let mut part = DatasetHasher::default();
    ///     samples.iter().for_each(|sample| part.item(sample));
    ///     part
    /// };
    /// let mut dataset = DatasetHasher::default();
    /// // Each part could come from a thread of its own.
    /// for samples in samples.chunks(32) {
    ///     dataset.append(&part(samples))?;
    /// }
    /// assert_eq!(dataset.finish(), part(&samples).finish());
    /// # Ok::<(), pow_core::order::UnalignedPart>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`UnalignedPart`] if the number of items so far is not a multiple of a power of two
    /// that is at least the part's number of items. Nothing is then added.
    pub fn append(&mut self, part: &DatasetHasher) -> Result<(), UnalignedPart> {
        let (before, items) = (self.0.count(), part.0.count());
        let is_aligned = items
            .checked_next_power_of_two()
            .is_some_and(|size| before.is_multiple_of(size) && before.checked_add(items).is_some());
        if !is_aligned {
            return Err(UnalignedPart { before, items });
        }
        self.0.append(&part.0);
        Ok(())
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

/// A part of a dataset does not begin where a part of its length can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a part of {items} items cannot follow {before} items: all parts but the last have one length, \
     a power of two"
)]
#[non_exhaustive]
pub struct UnalignedPart {
    /// The number of items before the part.
    pub before: u64,
    /// The number of items in it.
    pub items: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(items: core::ops::Range<u32>) -> DatasetHasher {
        let mut hasher = DatasetHasher::default();
        items.for_each(|item| hasher.item(&item.to_le_bytes()));
        hasher
    }

    #[test]
    fn parts_give_the_root_of_the_whole_at_every_size() {
        for part in [1, 2, 4, 8, 64, 256] {
            for len in 0..=300 {
                let mut dataset = DatasetHasher::default();
                for start in (0..len).step_by(part as usize) {
                    dataset
                        .append(&hashed(start..len.min(start + part)))
                        .unwrap();
                }
                assert_eq!(
                    dataset.finish(),
                    hashed(0..len).finish(),
                    "{len} in parts of {part}"
                );
                // Items can follow one by one.
                dataset.item(b"more");
                let mut whole = hashed(0..len);
                whole.item(b"more");
                assert_eq!(dataset.finish(), whole.finish());
            }
        }
    }

    #[test]
    fn a_part_that_begins_elsewhere_is_refused_and_changes_nothing() {
        for (before, items) in [(1, 2), (2, 3), (6, 4), (3, 2)] {
            let mut dataset = hashed(0..before);
            let error = dataset.append(&hashed(0..items)).unwrap_err();
            let (before_, items) = (u64::from(before), u64::from(items));
            assert_eq!(
                error,
                UnalignedPart {
                    before: before_,
                    items
                }
            );
            assert_eq!(dataset.finish(), hashed(0..before).finish());
        }
    }
}
