//! A number for each sample, from which an order is made.

use crate::hash::{FileDigest, Tag};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A number for each sample of a dataset, such as its weight or its length. The run
/// keeps it as the file `order.table`, and genesis commits to its digest.
///
/// ```
/// use pow_core::order::OrderTable;
/// let lengths = OrderTable::new([3, 1, 2]);
/// let read = OrderTable::from_bytes(&lengths.to_bytes()).expect("whole numbers");
/// assert_eq!(read, lengths);
/// assert_eq!(OrderTable::from_bytes(&[0; 7]), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderTable(Arc<[u64]>);

impl OrderTable {
    /// The table with these numbers. Number *i* is that of sample *i*.
    pub fn new(numbers: impl Into<Arc<[u64]>>) -> Self {
        OrderTable(numbers.into())
    }

    /// The numbers, in the order of the samples.
    pub fn numbers(&self) -> &[u64] {
        &self.0
    }

    /// The file's bytes: the numbers, 8 bytes each, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|n| n.to_le_bytes()).collect()
    }

    /// Reads the file's bytes. `None` if they are not whole numbers.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, rest) = bytes.as_chunks::<8>();
        let numbers = numbers.iter().copied().map(u64::from_le_bytes);
        rest.is_empty().then(|| OrderTable(numbers.collect()))
    }

    /// The digest of the file's bytes.
    pub fn digest(&self) -> FileDigest {
        let mut hasher = Tag::File.hasher();
        for number in self.0.iter() {
            hasher.update(&number.to_le_bytes());
        }
        FileDigest(hasher.finish())
    }
}
