//! Builds paths from a stream of leaves, in O(log n) memory.

use crate::merkle::{Frontier, fold};
use crate::proof::{ConsistencyPath, InclusionPath, LeafCount, LeafIndex, TreeHead};
use alloc::vec::Vec;

/// Builds an inclusion path from a stream of leaves. The leaf's index and the
/// number of leaves need not be known in advance.
///
/// ```
/// use pow_core::proof::InclusionBuilder;
/// let mut builder = InclusionBuilder::new();
/// builder.push([1; 32]);
/// builder.push_chosen([2; 32]);
/// builder.push([3; 32]);
/// let proved = builder.finish().unwrap();
/// assert!(proved.path.verify([2; 32], proved.index, proved.tree).is_ok());
/// ```
#[derive(Clone, Debug, Default)]
pub struct InclusionBuilder {
    tree: MarkedTree,
    chosen: Option<LeafIndex>,
}

/// The index of a leaf in a tree, and the path to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The leaf's index.
    pub index: LeafIndex,
    /// The tree.
    pub tree: TreeHead,
    /// The path from the leaf to the root.
    pub path: InclusionPath,
}

impl InclusionBuilder {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: [u8; 32]) {
        self.tree.push(leaf);
    }

    /// Appends the leaf whose path is wanted. If this is called again, the
    /// later leaf is chosen.
    pub fn push_chosen(&mut self, leaf: [u8; 32]) {
        self.chosen = Some(LeafIndex(self.tree.frontier.count()));
        self.tree.mark_next();
        self.tree.push(leaf);
    }

    /// The chosen leaf's index and path. `None` if no leaf was chosen.
    pub fn finish(self) -> Option<Inclusion> {
        Some(Inclusion {
            index: self.chosen?,
            tree: self.tree.head(),
            path: InclusionPath(self.tree.path()?),
        })
    }
}

/// Builds a consistency path from a stream of leaves.
///
/// ```
/// use pow_core::proof::ConsistencyBuilder;
/// let mut builder = ConsistencyBuilder::new();
/// builder.push([1; 32]);
/// let older = builder.choose();
/// builder.push([2; 32]);
/// let (path, newer) = builder.finish().unwrap();
/// assert!(path.verify(older, newer).is_ok());
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConsistencyBuilder {
    tree: MarkedTree,
    chosen: Option<Older>,
}

#[derive(Clone, Copy, Debug)]
struct Older {
    count: u64,
    /// Root of its last complete subtree. Absent if that is the whole tree.
    seed: Option<[u8; 32]>,
}

impl ConsistencyBuilder {
    /// A tree without leaves.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a leaf.
    pub fn push(&mut self, leaf: [u8; 32]) {
        self.tree.push(leaf);
    }

    /// Chooses the tree in its present state as the older one.
    pub fn choose(&mut self) -> TreeHead {
        let seed = match self.tree.frontier.peaks() {
            [] | [_] => None,
            [.., last] => Some(*last),
        };
        self.tree.mark_last();
        let head = self.tree.head();
        self.chosen = Some(Older {
            count: head.count.0,
            seed,
        });
        head
    }

    /// The path to the tree in its present state, and that tree. `None` if no
    /// older tree was chosen.
    pub fn finish(self) -> Option<(ConsistencyPath, TreeHead)> {
        let older = self.chosen?;
        let newer = self.tree.head();
        let path = if older.count == 0 || older.count == newer.count.0 {
            Vec::new()
        } else {
            older.seed.into_iter().chain(self.tree.path()?).collect()
        };
        Some((ConsistencyPath(path), newer))
    }
}

/// The path of leaf `index` in the tree over `leaves`. `None` if there is no
/// such leaf.
pub fn inclusion(
    leaves: impl IntoIterator<Item = [u8; 32]>,
    index: LeafIndex,
) -> Option<Inclusion> {
    let mut builder = InclusionBuilder::new();
    for (at, leaf) in (0..).zip(leaves) {
        if at == index.0 {
            builder.push_chosen(leaf);
        } else {
            builder.push(leaf);
        }
    }
    builder.finish()
}

/// A frontier that records the siblings of one of its nodes.
#[derive(Clone, Debug, Default)]
struct MarkedTree {
    frontier: Frontier,
    mark: Option<Mark>,
}

/// A marked node: the peak that contains it, and its siblings within that peak.
#[derive(Clone, Debug)]
struct Mark {
    peak: usize,
    siblings: Vec<[u8; 32]>,
}

impl MarkedTree {
    fn push(&mut self, leaf: [u8; 32]) {
        let mark = &mut self.mark;
        self.frontier.push_seen(leaf, |peak, left, right| {
            let Some(mark) = mark else { return };
            // The left node was that peak. The right node would have been the
            // next one.
            if mark.peak == peak {
                mark.siblings.push(*right);
            } else if mark.peak == peak + 1 {
                mark.siblings.push(*left);
                mark.peak = peak;
            }
        });
    }

    /// Marks the leaf that is pushed next.
    fn mark_next(&mut self) {
        self.mark = Some(Mark {
            peak: self.frontier.peaks().len(),
            siblings: Vec::new(),
        });
    }

    /// Marks the last complete subtree, if there is any.
    fn mark_last(&mut self) {
        let last = self.frontier.peaks().len().checked_sub(1);
        self.mark = last.map(|peak| Mark {
            peak,
            siblings: Vec::new(),
        });
    }

    fn head(&self) -> TreeHead {
        TreeHead {
            count: LeafCount(self.frontier.count()),
            root: self.frontier.root(),
        }
    }

    /// The marked node's siblings up to the root.
    fn path(self) -> Option<Vec<[u8; 32]>> {
        let mark = self.mark?;
        let (left, from) = self.frontier.peaks().split_at(mark.peak);
        // All peaks to the right give one sibling. The peaks to the left
        // follow.
        let right = fold(from.get(1..)?);
        let mut path = mark.siblings;
        path.extend(right);
        path.extend(left.iter().rev());
        Some(path)
    }
}
