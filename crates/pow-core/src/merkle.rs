//! Merkle trees in the shape of [RFC
//! 6962](https://www.rfc-editor.org/rfc/rfc6962#section-2.1) (a tree is split
//! at the largest power of two below its leaf count; an odd leaf is never
//! duplicated). Hashes have tags in place of the RFC's prefix bytes.

use crate::hash::{Tag, TreeRoot, tagged_pair};
use alloc::vec::Vec;

/// The hash of an inner node.
pub fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    tagged_pair(Tag::Node, left, right)
}

/// A tree to which leaves are appended. It keeps only the roots of its complete
/// subtrees, so it needs O(log n) memory.
///
/// ```
/// use pow_core::merkle::{Frontier, node};
/// let mut tree = Frontier::new();
/// let empty = tree.root();
/// tree.push([1; 32]);
/// assert_eq!(tree.root().0, [1; 32]);
/// tree.push([2; 32]);
/// assert_eq!(tree.root().0, node(&[1; 32], &[2; 32]));
/// assert_ne!(tree.root(), empty);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Frontier {
    /// Roots of the complete subtrees, largest first: one for each bit of
    /// `count` that is set.
    peaks: Vec<[u8; 32]>,
    count: u64,
}

impl Frontier {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of leaves.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Appends a leaf. The caller has already hashed it with the tag of its
    /// kind.
    pub fn push(&mut self, leaf: [u8; 32]) {
        self.push_seen(leaf, |_, _, _| {});
    }

    /// Like [`push`](Self::push). Calls `see` for each pair of siblings, left
    /// and right, that becomes one node. Its first argument is the index of
    /// that node among the peaks.
    pub(crate) fn push_seen(
        &mut self,
        leaf: [u8; 32],
        see: impl FnMut(usize, &[u8; 32], &[u8; 32]),
    ) {
        self.push_peak(0, leaf, see);
    }

    /// Appends a complete subtree of `2^height` leaves, given its root. The
    /// number of leaves before it must be a multiple of `2^height`.
    pub(crate) fn push_subtree(&mut self, height: u32, root: [u8; 32]) {
        debug_assert!(self.count.trailing_zeros() >= height);
        self.push_peak(height, root, |_, _, _| {});
    }

    /// Appends the leaves of `other`. The number of leaves before them must be a multiple of a
    /// power of two that is at least their number.
    pub(crate) fn append(&mut self, other: &Frontier) {
        // One peak for each bit of the count that is set, the largest first.
        let heights = (0..u64::BITS)
            .rev()
            .filter(|height| other.count >> height & 1 == 1);
        for (height, peak) in heights.zip(&other.peaks) {
            self.push_subtree(height, *peak);
        }
    }

    fn push_peak(
        &mut self,
        height: u32,
        root: [u8; 32],
        mut see: impl FnMut(usize, &[u8; 32], &[u8; 32]),
    ) {
        let mut hash = root;
        // Each trailing one bit of the count stands for a complete subtree to
        // merge.
        for _ in 0..(self.count >> height).trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                see(self.peaks.len(), &left, &hash);
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.count += 1 << height;
    }

    /// Appends a leaf that completes a subtree of `2^height` leaves, given that
    /// subtree's root. `height` is the number of trailing one bits of the
    /// count.
    pub(crate) fn push_merged(&mut self, height: u32, root: [u8; 32]) {
        debug_assert_eq!(self.count.trailing_ones(), height);
        let left = self.peaks.len().saturating_sub(height as usize);
        self.peaks.truncate(left);
        self.peaks.push(root);
        self.count += 1;
    }

    /// Roots of the complete subtrees, largest first.
    pub(crate) fn peaks(&self) -> &[[u8; 32]] {
        &self.peaks
    }

    /// The root. For a tree without leaves it is [`empty_root`].
    pub fn root(&self) -> TreeRoot {
        fold(&self.peaks).map_or_else(empty_root, TreeRoot)
    }
}

/// The root of a tree without leaves: the tagged hash of nothing.
pub fn empty_root() -> TreeRoot {
    TreeRoot(Tag::Empty.hash(&[]))
}

/// The node above subtrees that stand side by side, larger ones to the left.
/// `None` if there are no subtrees.
pub(crate) fn fold(peaks: &[[u8; 32]]) -> Option<[u8; 32]> {
    peaks
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node(&left, &right))
}

impl Extend<[u8; 32]> for Frontier {
    fn extend<T: IntoIterator<Item = [u8; 32]>>(&mut self, leaves: T) {
        for leaf in leaves {
            self.push(leaf);
        }
    }
}

/// The root over `leaves`.
pub fn root(leaves: impl IntoIterator<Item = [u8; 32]>) -> TreeRoot {
    let mut tree = Frontier::new();
    tree.extend(leaves);
    tree.root()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962's definition, literally.
    fn naive(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => Tag::Empty.hash(&[]),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node(&naive(&leaves[..split]), &naive(&leaves[split..]))
            }
        }
    }

    #[test]
    fn frontier_equals_the_recursive_definition() {
        let leaves: Vec<[u8; 32]> = (0..200u8).map(|i| Tag::Chunk.hash(&[i])).collect();
        for n in 0..=leaves.len() {
            assert_eq!(
                root(leaves[..n].iter().copied()).0,
                naive(&leaves[..n]),
                "{n}"
            );
        }
    }

    #[test]
    fn a_duplicated_last_leaf_changes_the_root() {
        let leaves = [[1; 32], [2; 32], [3; 32]];
        let padded = [[1; 32], [2; 32], [3; 32], [3; 32]];
        assert_ne!(root(leaves), root(padded));
    }
}
