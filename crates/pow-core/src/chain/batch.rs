//! Several blocks at a time: the same answers as one block after another.
//!
//! What depends on a block's own bytes alone, which is most of the hashing, is
//! done [first](PreparedBlocks::new), if need be on another core. Then
//! [`ChainVerifier::push_all`] checks the rules in their order.

use super::decoded::{self, DecodedBlock};
use super::headers::{HASH_BATCH, HeaderHasher};
use super::roots::GrowingTree;
use super::verifier::ChainVerifier;
use super::{ChainError, VerifiedBlock, VerifiedChain, Violation};
use crate::hash::{BlockHash, TxRoot};
use crate::header::HEADER_LEN;
use crate::tensor::TensorHasher;
use alloc::vec::Vec;

/// Consecutive blocks with their bodies, read and hashed. No rule is checked
/// yet but rule 1, which asks for canonical bytes. What was found there is told
/// when it is the block's turn.
#[derive(Debug)]
pub struct PreparedBlocks(Vec<Result<DecodedBlock, Violation>>);

impl PreparedBlocks {
    /// Reads blocks and their bodies, each pair as for [`ChainVerifier::push`],
    /// and hashes them. `hasher` hashes headers and coinbases, so the answer
    /// depends on it.
    pub fn new(blocks: &[(&[u8], &[u8])], hasher: &dyn HeaderHasher) -> Self {
        let mut read = Vec::with_capacity(blocks.len());
        for blocks in blocks.chunks(HASH_BATCH) {
            let mut hashes = [BlockHash::ZERO; HASH_BATCH];
            let mut ids = [TxRoot([0; 32]); HASH_BATCH];
            hash(blocks, &mut hashes, &mut ids, hasher);
            let hashes = hashes.into_iter().zip(ids);
            let each = |((block, body), hashes): (&(&[u8], &[u8]), _)| {
                DecodedBlock::read(block, body, hashes)
            };
            read.extend(blocks.iter().zip(hashes).map(each));
        }
        PreparedBlocks(read)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl ChainVerifier {
    /// Does the same as [`push`](Self::push) for one block after another, up to
    /// the first that breaks a rule. Calls `each` after each block that holds,
    /// with the chain up to it. `hasher` hashes the tree over previous blocks,
    /// so the answer depends on it.
    ///
    /// # Errors
    ///
    /// [`ChainError`], with the height of the first block that breaks a rule,
    /// and the first rule that it breaks. The verifier then has the blocks
    /// before it.
    ///
    /// ```
    /// use pow_core::chain::{ChainVerifier, PreparedBlocks};
    /// use pow_core::hash::PlainSha2;
    /// let blocks = PreparedBlocks::new(&[(b"not a block", b"")], &PlainSha2);
    /// let mut verifier = ChainVerifier::new(None);
    /// let error = verifier.push_all(blocks, &PlainSha2, &mut |_, _| {}).unwrap_err();
    /// assert_eq!(error.height, 0);
    /// ```
    pub fn push_all(
        &mut self,
        blocks: PreparedBlocks,
        hasher: &dyn TensorHasher,
        each: &mut dyn FnMut(VerifiedBlock, &VerifiedChain),
    ) -> Result<(), ChainError> {
        // The first block that cannot be read ends the chain.
        let read = blocks.0.iter().map_while(|block| block.as_ref().ok());
        let leaves: Vec<_> = read.map(|block| block.leaf).collect();
        let tree = GrowingTree::new(self.previous_blocks.clone(), &leaves, hasher);
        let roots = tree.roots(leaves.len() + 1, hasher);
        for (block, root) in blocks.0.into_iter().zip(roots) {
            let height = self.next_height();
            let block = block
                .and_then(|block| self.check(block, root))
                .map_err(|violation| ChainError { height, violation })?;
            tree.append_to(&mut self.previous_blocks);
            if let Some(chain) = self.chain() {
                each(block, chain);
            }
        }
        Ok(())
    }
}

/// The hash of each header, and the id of each coinbase.
fn hash(
    blocks: &[(&[u8], &[u8])],
    hashes: &mut [BlockHash; HASH_BATCH],
    ids: &mut [TxRoot; HASH_BATCH],
    hasher: &dyn HeaderHasher,
) {
    let mut headers = [[0; HEADER_LEN]; HASH_BATCH];
    let mut coinbases: [&[u8]; HASH_BATCH] = [&[]; HASH_BATCH];
    for ((block, _), (header, coinbase)) in
        blocks.iter().zip(headers.iter_mut().zip(&mut coinbases))
    {
        *header = decoded::header(block);
        *coinbase = decoded::coinbase(block);
    }
    let count = blocks.len();
    hasher.hash(&headers[..count], &mut hashes[..count]);
    hasher.coinbases(&coinbases[..count], &mut ids[..count]);
}
