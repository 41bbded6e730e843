//! The tree over a tensor's chunks, and the trait that hashes many chunks at
//! once.

use crate::hash::{PlainSha2, Tag, TreeRoot, tagged_pair};
use crate::merkle::Frontier;
use alloc::vec::Vec;

/// Length of a chunk, in bytes. The last chunk of a tensor may be shorter.
pub const CHUNK_LEN: usize = 4096;

/// The most chunks in one call of a [`TensorHasher`]. It is a multiple of two,
/// three and sixteen, so an engine that hashes this many chunks at once has few
/// left over.
pub const CHUNK_BATCH: usize = 96;

/// Hashes a tensor's chunks and the nodes above them.
///
/// Nobody checks its hashes, and the root is computed from them. A wrong
/// implementation gives roots that nobody else can compute, so test yours
/// against [`PlainSha2`].
///
/// The messages of one call do not depend on each other. An implementation may
/// hash them in any order, or at the same time.
pub trait TensorHasher {
    /// Writes the hash of each chunk ([`chunk_leaf`]) to the same index in
    /// `leaves`. Both slices have the same length, 1 to [`CHUNK_BATCH`].
    fn chunks(&self, chunks: &[[u8; CHUNK_LEN]], leaves: &mut [[u8; 32]]);

    /// Writes the node above each pair of siblings
    /// ([`merkle::node`](crate::merkle::node)) to the same index in `nodes`.
    /// Both slices have the same length, 1 to half of [`CHUNK_BATCH`].
    fn nodes(&self, pairs: &[[[u8; 32]; 2]], nodes: &mut [[u8; 32]]);
}

impl TensorHasher for PlainSha2 {
    fn chunks(&self, chunks: &[[u8; CHUNK_LEN]], leaves: &mut [[u8; 32]]) {
        for (chunk, leaf) in chunks.iter().zip(leaves) {
            *leaf = chunk_leaf(chunk);
        }
    }

    fn nodes(&self, pairs: &[[[u8; 32]; 2]], nodes: &mut [[u8; 32]]) {
        for ([left, right], node) in pairs.iter().zip(nodes) {
            *node = tagged_pair(Tag::Node, left, right);
        }
    }
}

/// Hash of one chunk of a tensor's bytes.
pub fn chunk_leaf(chunk: &[u8]) -> [u8; 32] {
    Tag::Chunk.hash(chunk)
}

/// The root over the chunks of a tensor's bytes.
pub fn data_root(data: &[u8]) -> TreeRoot {
    data_root_with(data, &PlainSha2)
}

/// The leaves of the tree over the chunks: one hash for each chunk.
pub(crate) fn chunk_leaves(data: &[u8]) -> impl Iterator<Item = [u8; 32]> + '_ {
    // All chunks start from the same midstate.
    let chunk = Tag::Chunk.hasher();
    data.chunks(CHUNK_LEN)
        .map(move |piece| chunk.clone().chain(piece).finish())
}

/// The root over the chunks of a tensor's bytes; `hasher` hashes them. A short
/// last chunk is hashed without `hasher`, because no other chunk has its
/// length.
///
/// ```
/// use pow_core::hash::PlainSha2;
/// use pow_core::tensor::{data_root, data_root_with};
/// let data = [7; 10_000];
/// assert_eq!(data_root_with(&data, &PlainSha2), data_root(&data));
/// ```
pub fn data_root_with(data: &[u8], hasher: &(impl TensorHasher + ?Sized)) -> TreeRoot {
    let mut tree = DataHasher::new(hasher);
    tree.update(data);
    tree.finish()
}

/// Computes the root over the chunks of a tensor whose bytes come piece by
/// piece. It keeps less than one chunk of them, so its memory does not grow
/// with the tensor.
///
/// It is fastest if each piece but the last has whole chunks, and
/// [`CHUNK_BATCH`] of them or a multiple.
///
/// ```
/// use pow_core::hash::PlainSha2;
/// use pow_core::tensor::{DataHasher, data_root};
/// let data = [7; 10_000];
/// let mut tree = DataHasher::new(&PlainSha2);
/// for piece in data.chunks(999) {
///     tree.update(piece);
/// }
/// assert_eq!(tree.finish(), data_root(&data));
/// ```
#[derive(Debug)]
pub struct DataHasher<'a, H: ?Sized> {
    hasher: &'a H,
    tree: Frontier,
    /// The bytes of a chunk that is not whole yet.
    rest: Vec<u8>,
}

impl<'a, H: TensorHasher + ?Sized> DataHasher<'a, H> {
    /// Starts without bytes. `hasher` hashes the chunks.
    pub fn new(hasher: &'a H) -> Self {
        DataHasher {
            hasher,
            tree: Frontier::new(),
            rest: Vec::new(),
        }
    }

    /// Takes in the bytes that follow.
    pub fn update(&mut self, mut piece: &[u8]) {
        if !self.rest.is_empty() {
            let (fill, after) = piece.split_at(piece.len().min(CHUNK_LEN - self.rest.len()));
            self.rest.extend_from_slice(fill);
            piece = after;
            if self.rest.len() < CHUNK_LEN {
                return;
            }
            let chunk = core::mem::take(&mut self.rest);
            self.whole_chunks(chunk.as_chunks().0);
        }
        let (chunks, rest) = piece.as_chunks::<CHUNK_LEN>();
        self.whole_chunks(chunks);
        self.rest.extend_from_slice(rest);
    }

    /// The root over all bytes.
    pub fn finish(mut self) -> TreeRoot {
        // No other chunk has its length, so the hasher could not hash it with others.
        if !self.rest.is_empty() {
            self.tree.push(chunk_leaf(&self.rest));
        }
        self.tree.root()
    }

    fn whole_chunks(&mut self, chunks: &[[u8; CHUNK_LEN]]) {
        let mut leaves = [[0; 32]; CHUNK_BATCH];
        for batch in chunks.chunks(CHUNK_BATCH) {
            let leaves = &mut leaves[..batch.len()];
            self.hasher.chunks(batch, leaves);
            push_by_levels(&mut self.tree, leaves, self.hasher);
        }
    }
}

/// Appends leaves as complete subtrees, and overwrites them. The nodes of a
/// subtree are hashed level by level, so many can be hashed at once.
fn push_by_levels(
    tree: &mut Frontier,
    mut leaves: &mut [[u8; 32]],
    hasher: &(impl TensorHasher + ?Sized),
) {
    while let Some(log) = leaves.len().checked_ilog2() {
        let height = log.min(tree.count().trailing_zeros());
        let (subtree, later) = leaves.split_at_mut(1 << height);
        tree.push_subtree(height, subtree_root(subtree, hasher));
        leaves = later;
    }
}

/// The root over `hashes`, and overwrites them. Their number is a power of two
/// and at most [`CHUNK_BATCH`].
fn subtree_root(hashes: &mut [[u8; 32]], hasher: &(impl TensorHasher + ?Sized)) -> [u8; 32] {
    let mut above = [[0; 32]; CHUNK_BATCH / 2];
    let mut count = hashes.len();
    while count > 1 {
        let (pairs, _) = hashes[..count].as_chunks::<2>();
        count /= 2;
        hasher.nodes(pairs, &mut above[..count]);
        hashes[..count].copy_from_slice(&above[..count]);
    }
    hashes[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merkle;
    use core::cell::RefCell;

    /// Hashes like the reference, and records the length of each call.
    #[derive(Default)]
    struct Noting {
        chunks: RefCell<Vec<usize>>,
        nodes: RefCell<Vec<usize>>,
    }

    impl TensorHasher for Noting {
        fn chunks(&self, chunks: &[[u8; CHUNK_LEN]], leaves: &mut [[u8; 32]]) {
            assert_eq!(chunks.len(), leaves.len());
            self.chunks.borrow_mut().push(chunks.len());
            PlainSha2.chunks(chunks, leaves);
        }

        fn nodes(&self, pairs: &[[[u8; 32]; 2]], nodes: &mut [[u8; 32]]) {
            assert_eq!(pairs.len(), nodes.len());
            self.nodes.borrow_mut().push(pairs.len());
            PlainSha2.nodes(pairs, nodes);
        }
    }

    #[test]
    fn equals_the_root_over_single_leaves_at_every_count() {
        let data: Vec<u8> = (0..3 * CHUNK_BATCH as u32 + 1)
            .flat_map(|chunk| [chunk.to_le_bytes(); CHUNK_LEN / 4])
            .flatten()
            .collect();
        for count in 0..=data.len() / CHUNK_LEN {
            for len in [count * CHUNK_LEN, (count * CHUNK_LEN + 1).min(data.len())] {
                let data = &data[..len];
                let expected = merkle::root(data.chunks(CHUNK_LEN).map(chunk_leaf));
                assert_eq!(data_root_with(data, &PlainSha2), expected, "{len}");
            }
        }
    }

    #[test]
    fn pieces_of_any_length_give_the_root_of_the_whole() {
        let data: Vec<u8> = (0..CHUNK_LEN as u32 * 5 + 77)
            .map(|i| (i % 251) as u8)
            .collect();
        for len in [
            1,
            100,
            CHUNK_LEN - 1,
            CHUNK_LEN,
            CHUNK_LEN + 1,
            3 * CHUNK_LEN,
            data.len(),
        ] {
            let mut tree = DataHasher::new(&PlainSha2);
            data.chunks(len).for_each(|piece| tree.update(piece));
            assert_eq!(tree.finish(), data_root(&data), "pieces of {len}");
        }
    }

    #[test]
    fn a_hasher_gets_full_batches_and_whole_levels() {
        let hasher = Noting::default();
        let data = [5; (CHUNK_BATCH + 32) * CHUNK_LEN + 1];
        data_root_with(&data, &hasher);
        assert_eq!(hasher.chunks.into_inner(), [CHUNK_BATCH, 32]);
        // One subtree of 64 leaves, then two of 32. The frontier joins them.
        assert_eq!(
            hasher.nodes.into_inner(),
            [32, 16, 8, 4, 2, 1, 16, 8, 4, 2, 1, 16, 8, 4, 2, 1]
        );
    }
}
