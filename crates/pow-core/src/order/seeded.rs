//! The seeded order. It follows from genesis alone.

use crate::hash::{DatasetRoot, Tag};
use crate::order::first_u64;
use alloc::vec::Vec;

/// Everything that the order depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeededOrder {
    /// Root over the dataset's items.
    pub dataset: DatasetRoot,
    /// The run's seed.
    pub seed: u64,
    /// The number of samples.
    pub items: u32,
}

impl SeededOrder {
    /// The samples of `epoch`, counted from 0, in the order in which they are
    /// seen. This takes 16 bytes of memory for each sample.
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
        let mut keyed: Vec<(u64, u32)> = (0..self.items)
            .map(|index| (first_u64(key.clone().chain(&index.to_le_bytes())), index))
            .collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, index)| index).collect()
    }
}
