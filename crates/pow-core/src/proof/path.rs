//! Paths through a tree, for inclusion and consistency, as in [RFC
//! 9162](https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3).

use crate::hash::TreeRoot;
use crate::merkle::{empty_root, node};
use alloc::vec::Vec;
use core::fmt;

/// Index of a leaf, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafIndex(pub u64);

/// The number of leaves of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeafCount(pub u64);

/// A tree that somebody committed to. RFC 9162 calls this a tree head. It has
/// nothing to do with the head of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// Its number of leaves. The root alone does not commit to it.
    pub count: LeafCount,
    /// Its root.
    pub root: TreeRoot,
}

/// The siblings on the way from a leaf up to the root, lowest first. This is
/// `PATH` of RFC 9162.
///
/// ```
/// use pow_core::merkle::{self, node};
/// use pow_core::proof::{InclusionPath, LeafCount, LeafIndex, TreeHead};
/// let leaves = [[1; 32], [2; 32], [3; 32]];
/// let tree = TreeHead { count: LeafCount(3), root: merkle::root(leaves) };
/// let path = InclusionPath(vec![node(&leaves[0], &leaves[1])]);
/// assert!(path.verify(leaves[2], LeafIndex(2), tree).is_ok());
/// assert!(path.verify(leaves[2], LeafIndex(1), tree).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InclusionPath(pub Vec<[u8; 32]>);

/// The hashes that show that one tree starts with all leaves of an older one.
/// This is `PROOF` of RFC 9162. A tree without leaves is older than any other
/// tree, with an empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsistencyPath(pub Vec<[u8; 32]>);

/// Why a path does not lead to the expected root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// There is no such leaf.
    #[error("leaf {index} of a tree of {count}")]
    Index {
        /// Leaf asked for.
        index: LeafIndex,
        /// Leaves of the tree.
        count: LeafCount,
    },
    /// The older tree has more leaves than the newer.
    #[error("the older tree has {older} leaves, the newer {newer}")]
    Shrunk {
        /// Leaves of the older tree.
        older: LeafCount,
        /// Leaves of the newer tree.
        newer: LeafCount,
    },
    /// The path is longer or shorter than its place in the tree requires.
    #[error("a path of {found} hashes, expected {expected}")]
    Length {
        /// Hashes in the path.
        found: usize,
        /// Hashes expected.
        expected: usize,
    },
    /// The path leads to another root.
    #[error("the path leads to root {found}, expected {expected}")]
    Root {
        /// Root computed.
        found: TreeRoot,
        /// Root committed to.
        expected: TreeRoot,
    },
    /// The path leads to another root of the older tree.
    #[error("the path leads to older root {found}, expected {expected}")]
    OlderRoot {
        /// Root computed.
        found: TreeRoot,
        /// Root committed to.
        expected: TreeRoot,
    },
}

impl InclusionPath {
    /// Checks that `leaf` is leaf `index` of `tree`.
    ///
    /// # Errors
    ///
    /// [`PathError`] if there is no such leaf, the path is too short or too
    /// long, or it leads to another root.
    pub fn verify(
        &self,
        leaf: [u8; 32],
        index: LeafIndex,
        tree: TreeHead,
    ) -> Result<(), PathError> {
        let found = self.root(leaf, index, tree.count)?;
        expect_root(found, tree.root)
    }

    /// The root that the path leads to. For callers that know the tree's root
    /// only as part of another hash.
    pub(super) fn root(
        &self,
        leaf: [u8; 32],
        index: LeafIndex,
        count: LeafCount,
    ) -> Result<TreeRoot, PathError> {
        let climb = Climb::new(index, count)?;
        check_len(self.0.len(), climb.len())?;
        let (inner, border) = self.0.split_at(climb.inner);
        Ok(TreeRoot(climb.up(leaf, inner, border)))
    }
}

impl ConsistencyPath {
    /// Checks that the first leaves of `newer` are all leaves of `older`.
    ///
    /// # Errors
    ///
    /// [`PathError`] if `newer` has fewer leaves, the path is too short or too
    /// long, or it leads to another root of either tree.
    pub fn verify(&self, older: TreeHead, newer: TreeHead) -> Result<(), PathError> {
        if older.count > newer.count {
            return Err(PathError::Shrunk {
                older: older.count,
                newer: newer.count,
            });
        }
        if older.count.0 == 0 {
            check_len(self.0.len(), 0)?;
            return expect_older(empty_root(), older.root);
        }
        if older.count == newer.count {
            check_len(self.0.len(), 0)?;
            return expect_root(older.root, newer.root);
        }
        // The path climbs from the last complete subtree of the older tree. The
        // root of that subtree comes first, unless it is the whole older tree.
        let level = older.count.0.trailing_zeros();
        let last = LeafIndex((older.count.0 - 1) >> level);
        let nodes = LeafCount(((newer.count.0 - 1) >> level) + 1);
        let climb = Climb::new(last, nodes)?;
        let (seed, path) = match self.0.split_first() {
            _ if older.count.0.is_power_of_two() => (older.root.0, &self.0[..]),
            Some((seed, path)) => (*seed, path),
            None => {
                return Err(PathError::Length {
                    found: 0,
                    expected: climb.len() + 1,
                });
            }
        };
        check_len(self.0.len(), climb.len() + (self.0.len() - path.len()))?;
        let (inner, border) = path.split_at(climb.inner);
        expect_older(TreeRoot(climb.up_left(seed, inner, border)), older.root)?;
        expect_root(TreeRoot(climb.up(seed, inner, border)), newer.root)
    }
}

/// The way up from a node, given by its index in its layer of nodes. The lower
/// part is called *inner* and has a sibling at each level. The upper part goes
/// along the tree's right *border* and has siblings only to the left.
struct Climb {
    index: u64,
    inner: usize,
    border: usize,
}

impl Climb {
    fn new(index: LeafIndex, count: LeafCount) -> Result<Self, PathError> {
        if index.0 >= count.0 {
            return Err(PathError::Index { index, count });
        }
        let inner = u64::BITS - (index.0 ^ (count.0 - 1)).leading_zeros();
        let border = index.0.checked_shr(inner).unwrap_or(0).count_ones();
        Ok(Climb {
            index: index.0,
            inner: inner as usize,
            border: border as usize,
        })
    }

    fn len(&self) -> usize {
        self.inner + self.border
    }

    /// The root above `hash`.
    fn up(&self, hash: [u8; 32], inner: &[[u8; 32]], border: &[[u8; 32]]) -> [u8; 32] {
        let hash = (0..).zip(inner).fold(hash, |hash, (level, sibling)| {
            if self.is_right(level) {
                node(sibling, &hash)
            } else {
                node(&hash, sibling)
            }
        });
        border.iter().fold(hash, |hash, left| node(left, &hash))
    }

    /// The root of the tree that ends with `hash`, which has no siblings to the
    /// right.
    fn up_left(&self, hash: [u8; 32], inner: &[[u8; 32]], border: &[[u8; 32]]) -> [u8; 32] {
        let left = (0..)
            .zip(inner)
            .filter(|(level, _)| self.is_right(*level))
            .map(|(_, sibling)| sibling);
        left.chain(border)
            .fold(hash, |hash, left| node(left, &hash))
    }

    fn is_right(&self, level: u32) -> bool {
        // The inner part has at most 64 levels.
        self.index >> level & 1 == 1
    }
}

fn check_len(found: usize, expected: usize) -> Result<(), PathError> {
    if found == expected {
        Ok(())
    } else {
        Err(PathError::Length { found, expected })
    }
}

fn expect_root(found: TreeRoot, expected: TreeRoot) -> Result<(), PathError> {
    if found == expected {
        Ok(())
    } else {
        Err(PathError::Root { found, expected })
    }
}

fn expect_older(found: TreeRoot, expected: TreeRoot) -> Result<(), PathError> {
    if found == expected {
        Ok(())
    } else {
        Err(PathError::OlderRoot { found, expected })
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for LeafCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn tree(count: u64) -> TreeHead {
        TreeHead {
            count: LeafCount(count),
            root: empty_root(),
        }
    }

    #[test]
    fn an_empty_path_is_told_how_long_it_should_be() {
        // From 3 leaves to 7: the third leaf, its sibling, and the nodes over two and three.
        let found = ConsistencyPath::default().verify(tree(3), tree(7));
        let expected = PathError::Length {
            found: 0,
            expected: 4,
        };
        assert_eq!(found, Err(expected));
    }

    #[test]
    fn an_index_and_a_count_are_named() {
        let error = InclusionPath::default()
            .verify([0; 32], LeafIndex(5), tree(3))
            .unwrap_err();
        assert_eq!(error.to_string(), "leaf 5 of a tree of 3");
    }
}
