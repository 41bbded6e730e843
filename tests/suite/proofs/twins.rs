//! Two other implementations of paths: RFC 9162's recursive definitions word
//! for word, and the crate `ct-merkle` under our hashes.

use ct_merkle::array::Array;
use ct_merkle::digest::consts::U32;
use ct_merkle::digest::{FixedOutput, HashMarker, Output, OutputSizeUser, Update};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use pow_core::hash::Tag;
use pow_core::merkle::{empty_root, node};
use pow_core::proof::TreeHead;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

/// Leaf `index` of the trees that are compared.
pub fn leaf(index: u64) -> [u8; 32] {
    Tag::Chunk.hash(&index.to_le_bytes())
}

/// The recursive definitions, with all roots kept.
#[derive(Default)]
pub struct Naive(RefCell<HashMap<Range<u64>, [u8; 32]>>);

impl Naive {
    /// `MTH(D[range])`.
    pub fn root(&self, range: Range<u64>) -> [u8; 32] {
        match range.end - range.start {
            0 => return empty_root().0,
            1 => return leaf(range.start),
            _ => {}
        }
        if let Some(root) = self.0.borrow().get(&range) {
            return *root;
        }
        let [left, right] = split(range.clone());
        let root = node(&self.root(left), &self.root(right));
        self.0.borrow_mut().insert(range, root);
        root
    }

    /// `PATH(index, D[range])`.
    pub fn path(&self, index: u64, range: Range<u64>) -> Vec<[u8; 32]> {
        if range.end - range.start == 1 {
            return Vec::new();
        }
        let [left, right] = split(range);
        let (inside, sibling) = if left.contains(&index) {
            (left, right)
        } else {
            (right, left)
        };
        let mut path = self.path(index, inside);
        path.push(self.root(sibling));
        path
    }

    /// `PROOF(older, D[0..newer])`.
    pub fn proof(&self, older: u64, newer: u64) -> Vec<[u8; 32]> {
        self.subproof(older, 0..newer, true)
    }

    /// `SUBPROOF(older, D[range], complete)`; `older` counts from 0 here.
    fn subproof(&self, older: u64, range: Range<u64>, complete: bool) -> Vec<[u8; 32]> {
        if older == range.end {
            return if complete {
                Vec::new()
            } else {
                vec![self.root(range)]
            };
        }
        let [left, right] = split(range);
        let (mut proof, sibling) = if older <= left.end {
            (self.subproof(older, left, complete), right)
        } else {
            (self.subproof(older, right, false), left)
        };
        proof.push(self.root(sibling));
        proof
    }
}

fn split(range: Range<u64>) -> [Range<u64>; 2] {
    let len = range.end - range.start;
    let middle = range.start + len.next_power_of_two() / 2;
    [range.start..middle, middle..range.end]
}

/// RFC 9162's hash of its prefixed input, replaced by ours: `00 ‖ leaf` is the
/// leaf, `01 ‖ left ‖ right` our node, and nothing at all our empty root. With
/// it `ct-merkle`, which is generic over the hash, makes our trees, and roots
/// and paths can be compared byte for byte.
#[derive(Clone, Default)]
pub struct OurHash(Vec<u8>);

impl Update for OurHash {
    fn update(&mut self, data: &[u8]) {
        self.0.extend_from_slice(data);
    }
}

impl OutputSizeUser for OurHash {
    type OutputSize = U32;
}

impl FixedOutput for OurHash {
    fn finalize_into(self, out: &mut Output<Self>) {
        *out = Array(match self.0.split_first() {
            None => empty_root().0,
            Some((0, leaf)) => leaf.try_into().unwrap(),
            Some((1, children)) => {
                let (left, right) = children.split_at(32);
                node(left.try_into().unwrap(), right.try_into().unwrap())
            }
            Some((prefix, _)) => panic!("RFC 9162 has no prefix {prefix}"),
        });
    }
}

impl HashMarker for OurHash {}

/// A tree of `ct-merkle`.
pub type TheirTree = MemoryBackedTree<OurHash, [u8; 32]>;

/// The tree as their verifier takes it.
pub fn their_root(tree: TreeHead) -> RootHash<OurHash> {
    RootHash::new(Array(tree.root.0), tree.count.0)
}

/// Our path as their inclusion proof.
pub fn their_inclusion(path: &[[u8; 32]]) -> InclusionProof<OurHash> {
    InclusionProof::from_bytes(path.concat())
}

/// Our path as their consistency proof.
pub fn their_consistency(path: &[[u8; 32]]) -> ConsistencyProof<OurHash> {
    ConsistencyProof::try_from_bytes(path.concat()).unwrap()
}
