//! Proofs about a block. The block is opened: its fixed part and the root over
//! its entries are given.

use crate::block::Block;
use crate::body::{Body, FixedPart};
use crate::chain::block_leaf;
use crate::coinbase::Height;
use crate::hash::{BlockHash, TreeRoot};
use crate::header::Header;
use crate::proof::{
    ConsistencyPath, InclusionPath, LeafCount, LeafIndex, ProofDefect, ProofError, ProofPart,
    TreeHead,
};
use crate::target::Work;
use alloc::vec::Vec;

/// A block, and the part of its body that its commitment needs. Nothing is
/// checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockOpening {
    /// The serialised block: header and coinbase.
    pub block: Vec<u8>,
    /// The bytes of its body's [`FixedPart`].
    pub fixed: Vec<u8>,
    /// Root over the body's entries.
    pub entries: TreeRoot,
}

/// The claim that a block is one of the blocks before the head. Nothing is
/// checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockProof {
    /// The block.
    pub opening: BlockOpening,
    /// The path from its hash to the root over previous blocks in the head's
    /// body.
    pub inclusion: InclusionPath,
    /// The path from the root over previous blocks in its own body to the same
    /// root in the head's body. If present, it shows that the head extends the
    /// block.
    pub consistency: Option<ConsistencyPath>,
}

/// A consistent block: its header commits to its coinbase, the coinbase commits
/// to its body, and its hash meets its own target. Alone, it is just a block
/// that somebody mined at a target of their choice.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvedBlock {
    hash: BlockHash,
    header: Header,
    fixed: FixedPart,
    entries: TreeRoot,
    work: Work,
}

impl BlockOpening {
    /// Opens a serialised block, given its body. This does not check that the
    /// two belong together; verifying the proof does.
    pub fn new(block: &[u8], body: &Body) -> Self {
        BlockOpening {
            block: block.to_vec(),
            fixed: body.fixed_part().to_bytes().to_vec(),
            entries: body.entries_root(),
        }
    }

    /// Checks rules 1, 2, 4 and 5, that both heights are equal (rule 7), and
    /// that the hash meets the block's own target (rule 11).
    pub(super) fn check(&self) -> Result<ProvedBlock, ProofDefect> {
        let Block { header, coinbase } =
            Block::from_bytes(&self.block).map_err(ProofDefect::Block)?;
        let fixed = FixedPart::from_bytes(&self.fixed).map_err(ProofDefect::Body)?;
        if !header.version.is_allowed() {
            return Err(ProofDefect::Version(header.version.0));
        }
        let expected = coinbase.txid();
        if header.tx_root != expected {
            return Err(ProofDefect::TxRoot {
                found: header.tx_root,
                expected,
            });
        }
        let expected = fixed.commitment(self.entries);
        if coinbase.commitment != expected {
            return Err(ProofDefect::Commitment {
                found: coinbase.commitment,
                expected,
            });
        }
        if coinbase.height != fixed.common().height {
            return Err(ProofDefect::Heights {
                coinbase: coinbase.height,
                body: fixed.common().height,
            });
        }
        let target = header.bits.decode().map_err(ProofDefect::Target)?;
        let hash = header.hash();
        if !target.is_met_by(hash) {
            return Err(ProofDefect::Work {
                hash,
                bits: header.bits,
            });
        }
        Ok(ProvedBlock {
            hash,
            header,
            fixed,
            entries: self.entries,
            work: target.work(),
        })
    }
}

impl BlockProof {
    /// The block, if it is one of the blocks before `head`.
    pub(super) fn check(&self, head: &ProvedBlock) -> Result<ProvedBlock, ProofError> {
        let block = self
            .opening
            .check()
            .map_err(|defect| ProofPart::Block.error(defect))?;
        let index = LeafIndex(block.height().get().into());
        let tree = head.previous_blocks();
        self.inclusion
            .verify(block_leaf(block.hash), index, tree)
            .map_err(|error| ProofPart::Block.error(ProofDefect::Path(error)))?;
        if let Some(path) = &self.consistency {
            path.verify(block.previous_blocks(), tree)
                .map_err(|error| ProofPart::Extension.error(ProofDefect::Path(error)))?;
        }
        Ok(block)
    }
}

impl ProvedBlock {
    /// The block's hash.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Its header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The height that it claims.
    pub fn height(&self) -> Height {
        self.fixed.common().height
    }

    /// Its body, without the entries.
    pub fn fixed(&self) -> &FixedPart {
        &self.fixed
    }

    /// Root over its body's entries.
    pub fn entries(&self) -> TreeRoot {
        self.entries
    }

    /// The expected number of hashes for its own target.
    pub fn work(&self) -> Work {
        self.work
    }

    /// The tree over all previous blocks that its body commits to.
    pub fn previous_blocks(&self) -> TreeHead {
        TreeHead {
            count: LeafCount(self.height().get().into()),
            root: self.fixed.common().previous_blocks,
        }
    }
}
