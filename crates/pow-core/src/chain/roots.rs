//! The roots of a growing tree, for several leaves ahead.
//!
//! Every body holds the root over all blocks before it. Below a root there are
//! about as many nodes as the number of blocks has bits, each of which waits
//! for the one before it. But several roots can be computed side by side, so an
//! engine that hashes many nodes at once has enough of them.

use crate::hash::TreeRoot;
use crate::merkle::{Frontier, empty_root};
use crate::tensor::TensorHasher;
use alloc::vec::Vec;

/// Nodes in one call of a hasher: as many as the widest engine hashes at once.
const NODES: usize = 16;

/// Complete subtrees of one size that stand side by side.
struct Level {
    /// The first one's index among all subtrees of its size.
    first: u64,
    roots: Vec<[u8; 32]>,
}

/// A tree, and the leaves that will be appended to it.
pub(super) struct GrowingTree {
    now: Frontier,
    levels: Vec<Level>,
}

impl GrowingTree {
    pub(super) fn new(now: Frontier, leaves: &[[u8; 32]], hasher: &dyn TensorHasher) -> Self {
        GrowingTree {
            levels: levels(&now, leaves, hasher),
            now,
        }
    }

    /// Appends to `tree`, which has some of the leaves, the next of them. It
    /// hashes nothing.
    pub(super) fn append_to(&self, tree: &mut Frontier) {
        let merged = tree.count().trailing_ones();
        if let Some(root) = self.subtree(merged, tree.count() + 1) {
            tree.push_merged(merged, *root);
        }
    }

    /// The roots with none of the leaves, with the first, and so on. `len` of
    /// them, at most one more than there are leaves.
    pub(super) fn roots(&self, len: usize, hasher: &dyn TensorHasher) -> Vec<TreeRoot> {
        let first = self.now.count();
        let last = first + len as u64;
        let mut roots: Vec<Option<[u8; 32]>> = alloc::vec![None; len];
        let (mut pairs, mut places) = (Vec::new(), Vec::new());
        // From the smallest peak of each tree up.
        for size in 0..u64::BITS - last.leading_zeros() {
            for (place, count) in (first..last).enumerate() {
                if count >> size & 1 == 1
                    && let Some(peak) = self.subtree(size, count)
                {
                    match roots[place] {
                        None => roots[place] = Some(*peak),
                        Some(right) => {
                            pairs.push([*peak, right]);
                            places.push(place);
                        }
                    }
                }
            }
            for (place, node) in places.drain(..).zip(nodes(&pairs, hasher)) {
                roots[place] = Some(node);
            }
            pairs.clear();
        }
        let root = |root: Option<_>| root.map_or_else(empty_root, TreeRoot);
        roots.into_iter().map(root).collect()
    }

    /// The peak of `2^size` leaves when the tree has `count` of them.
    fn subtree(&self, size: u32, count: u64) -> Option<&[u8; 32]> {
        let index = (count >> size).checked_sub(1)?;
        let new = self.levels.get(size as usize).and_then(|level| {
            let index = index.checked_sub(level.first)?;
            level.roots.get(usize::try_from(index).ok()?)
        });
        new.or_else(|| peak(&self.now, size))
    }
}

/// The complete subtrees that the leaves make, from single leaves up. Where the
/// first is a right sibling, its left one stands before it.
fn levels(tree: &Frontier, leaves: &[[u8; 32]], hasher: &dyn TensorHasher) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    let mut roots = leaves.to_vec();
    while !roots.is_empty() {
        let size = levels.len() as u32;
        let mut first = tree.count() >> size;
        if let Some(left) = peak(tree, size) {
            roots.insert(0, *left);
            first -= 1;
        }
        let above = nodes(roots.as_chunks().0, hasher);
        levels.push(Level { first, roots });
        roots = above;
    }
    levels
}

/// The peak of `2^size` leaves, if the tree has one.
fn peak(tree: &Frontier, size: u32) -> Option<&[u8; 32]> {
    let smaller = tree.count() & ((1 << size) - 1);
    let place = tree
        .peaks()
        .len()
        .checked_sub(smaller.count_ones() as usize + 1)?;
    let there = tree.count() >> size & 1 == 1;
    tree.peaks().get(place).filter(|_| there)
}

/// The node above each pair.
fn nodes(pairs: &[[[u8; 32]; 2]], hasher: &dyn TensorHasher) -> Vec<[u8; 32]> {
    let mut nodes = alloc::vec![[0; 32]; pairs.len()];
    for (pairs, nodes) in pairs.chunks(NODES).zip(nodes.chunks_mut(NODES)) {
        hasher.nodes(pairs, nodes);
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{PlainSha2, Tag};

    /// From every tree of up to 70 leaves, and from one with a long gap between
    /// its peaks.
    #[test]
    fn equal_those_of_a_tree_that_grows_leaf_by_leaf() {
        let leaf = |i: u64| Tag::Chunk.hash(&i.to_le_bytes());
        let mut tree = Frontier::new();
        for before in (0..70).chain([4096]) {
            while tree.count() < before {
                tree.push(leaf(tree.count()));
            }
            for len in [0, 1, 2, 3, 15, 16, 64, 131] {
                let leaves: Vec<_> = (before..before + len).map(leaf).collect();
                let mut growing = tree.clone();
                let ahead = GrowingTree::new(tree.clone(), &leaves, &PlainSha2);
                let roots = ahead.roots(leaves.len() + 1, &PlainSha2);
                let mut found = tree.clone();
                for (i, root) in roots.iter().enumerate() {
                    assert_eq!(*root, growing.root(), "{i} of {len} after {before}");
                    assert_eq!(found.count(), growing.count());
                    assert_eq!(
                        found.peaks(),
                        growing.peaks(),
                        "{i} of {len} after {before}"
                    );
                    if let Some(leaf) = leaves.get(i) {
                        growing.push(*leaf);
                        ahead.append_to(&mut found);
                    }
                }
                assert_eq!(growing.count(), before + len);
            }
        }
    }
}
