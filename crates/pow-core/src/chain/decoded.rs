//! The part of a block's check that depends on no other block.

use super::Violation;
use super::verifier::block_leaf;
use crate::block::Block;
use crate::body::Body;
use crate::hash::{BlockHash, BodyCommitment, TxRoot};
use crate::header::HEADER_LEN;

/// A block and its body, both in canonical form (rule 1), with their hashes.
#[derive(Debug)]
pub(super) struct DecodedBlock {
    pub(super) block: Block,
    pub(super) body: Body,
    /// The header's hash.
    pub(super) hash: BlockHash,
    /// The coinbase's id.
    pub(super) txid: TxRoot,
    /// The leaf in the tree over previous blocks.
    pub(super) leaf: [u8; 32],
    /// The commitment to the body.
    pub(super) commitment: BodyCommitment,
}

/// The header of a block's bytes. Zeros if they are too short, which nobody
/// learns: such a block cannot be read.
pub(super) fn header(block: &[u8]) -> [u8; HEADER_LEN] {
    block.first_chunk().copied().unwrap_or([0; HEADER_LEN])
}

/// The coinbase of a block's bytes: all that follows the header and the
/// transaction count.
pub(super) fn coinbase(block: &[u8]) -> &[u8] {
    block.get(HEADER_LEN + 1..).unwrap_or_default()
}

impl DecodedBlock {
    /// Reads a block and its body. The hashes are those of its header and of
    /// its [coinbase](coinbase).
    pub(super) fn read(
        block_bytes: &[u8],
        body_bytes: &[u8],
        (hash, txid): (BlockHash, TxRoot),
    ) -> Result<Self, Violation> {
        let block = Block::from_bytes(block_bytes).map_err(Violation::Block)?;
        let body = Body::from_bytes(body_bytes).map_err(Violation::Body)?;
        Ok(DecodedBlock {
            hash,
            txid,
            leaf: block_leaf(hash),
            commitment: body.commitment_of(body_bytes),
            block,
            body,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Template;
    use crate::body::{BodyKind, Common, Ending, Entry, Final, StepNumber, UnixMillis};
    use crate::coinbase::{ExtraNonce, Height};
    use crate::hash::{BatchDigest, ParameterRoot, RestRoot, TreeRoot, sha256d};
    use crate::header::HeaderTime;
    use crate::target::MAX_TARGET;
    use alloc::vec::Vec;

    fn entry(step: u64) -> Entry {
        let known = |bit: u64| step >> bit & 1 == 1;
        Entry {
            step: StepNumber(step),
            parameters: ParameterRoot([1; 32]),
            batch: known(0).then_some(BatchDigest([2; 32])),
            loss: known(1).then_some(3),
            learning_rate: known(2).then_some(4),
            rest: known(3).then_some(RestRoot([5; 32])),
        }
    }

    fn samples() -> [BodyKind; 3] {
        let end = Final {
            steps: StepNumber(1),
            ending: Ending::Stopped,
            state: None,
            artifact: ParameterRoot([1; 32]),
        };
        let entries = (0..16).map(entry).collect();
        [
            BodyKind::Steps(entries),
            BodyKind::Steps([entry(15)].into()),
            BodyKind::Final(end),
        ]
    }

    /// Hashes of the bytes that were read equal hashes of the value written
    /// again.
    #[test]
    fn hashes_of_the_bytes_are_hashes_of_the_values() {
        for kind in samples() {
            let common = Common {
                height: Height::new(300).unwrap(),
                start: UnixMillis(9),
                parent_found: UnixMillis(8),
                previous_blocks: TreeRoot([6; 32]),
            };
            let body = Body { common, kind };
            let template = Template {
                height: common.height,
                prev: BlockHash::ZERO,
                time: HeaderTime(0),
                bits: MAX_TARGET,
                commitment: body.commitment(),
            };
            let block = template.block(ExtraNonce::default());
            let (block, body) = (block.to_bytes(), body.to_bytes());
            assert!(check(&block, &body));
            let mut read = 0;
            for at in 0..body.len() {
                let mut other = body.clone();
                other[at] ^= 1;
                read += usize::from(check(&block, &other));
            }
            for at in 0..block.len() {
                let mut other: Vec<u8> = block.clone();
                other[at] ^= 1;
                read += usize::from(check(&other, &body));
            }
            assert!(read > 100);
        }
    }

    /// False if the bytes are not a block and a body.
    fn check(block: &[u8], body: &[u8]) -> bool {
        let hash = BlockHash(sha256d(&header(block)));
        let txid = TxRoot(sha256d(coinbase(block)));
        let Ok(decoded) = DecodedBlock::read(block, body, (hash, txid)) else {
            return false;
        };
        assert_eq!(decoded.hash, decoded.block.header.hash());
        assert_eq!(decoded.txid, decoded.block.coinbase.txid());
        assert_eq!(decoded.commitment, decoded.body.commitment());
        true
    }
}
