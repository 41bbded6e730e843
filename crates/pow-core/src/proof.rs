//! Short proofs: that a head commits to a block, a block to an entry, an entry
//! to a tensor and a tensor to a chunk, and that one head extends another. Each
//! takes O(log n) hashes.
//!
//! A [`Proof`] is data from a stranger: its fields are open and mean nothing
//! until [`Proof::verify`] turns it into a [`Proved`], which has no other
//! origin. Everything in it hangs on the head, whose hash the verifier must
//! know from a source that they trust. Without one there is
//! [`Proof::verify_unanchored`], whose answer is wrapped in [`Unanchored`], so
//! that no function which asks for a `Proved` takes it by mistake.
//!
//! A proof reads no other blocks: that the head's chain holds every rule must
//! be known from [`crate::chain`], by the verifier or by whom they trust.
//!
//! ```
//! use pow_core::hash::{BlockHash, TreeRoot};
//! use pow_core::proof::{BlockOpening, ProofPart, Proof};
//! let proof = Proof {
//!     head: BlockOpening { block: vec![0; 80], fixed: vec![], entries: TreeRoot([0; 32]) },
//!     block: None,
//!     entry: None,
//! };
//! let error = proof.verify(BlockHash([0; 32])).unwrap_err();
//! assert_eq!(error.part, ProofPart::Head);
//! ```

mod block;
mod builder;
mod entry;
mod error;
mod path;
mod tensor;

pub use block::{BlockOpening, BlockProof, ProvedBlock};
pub use builder::{ConsistencyBuilder, Inclusion, InclusionBuilder, inclusion};
pub use entry::{EntryProof, ProvedEntry};
pub use error::{ProofDefect, ProofError, ProofPart, ValueError};
pub use path::{ConsistencyPath, InclusionPath, LeafCount, LeafIndex, PathError, TreeHead};
pub use tensor::{ChunkProof, ProvedChunk, ProvedTensor, TensorProof};

use crate::hash::BlockHash;

/// A proof as somebody handed it over. Nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The block that everything hangs on.
    pub head: BlockOpening,
    /// A block under the head; absent if the proof is about the head itself.
    pub block: Option<BlockProof>,
    /// An entry of that block, or of the head where there is no other.
    pub entry: Option<EntryProof>,
}

/// What a proof shows, given that its head is to be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Proved {
    head: ProvedBlock,
    block: Option<ProvedBlock>,
    extends: bool,
    entry: Option<ProvedEntry>,
}

/// Something that holds in itself, with nothing to say that its head is the one
/// that others saw. Making another such thing costs the work of the blocks in
/// it, at targets that its maker chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Unanchored<T>(T);

impl<T> Unanchored<T> {
    /// The thing itself, to be shown with these words beside it.
    pub fn get(&self) -> &T {
        &self.0
    }
}

impl Proof {
    /// Checks the proof against the hash of a head that the verifier trusts.
    ///
    /// # Errors
    ///
    /// [`ProofError`] that names the part which does not hold.
    pub fn verify(&self, head: BlockHash) -> Result<Proved, ProofError> {
        let proved = self.check()?;
        expect(&proved.head, head, ProofPart::Head)?;
        Ok(proved)
    }

    /// Checks that the proof holds in itself.
    ///
    /// # Errors
    ///
    /// [`ProofError`] that names the part which does not hold.
    pub fn verify_unanchored(&self) -> Result<Unanchored<Proved>, ProofError> {
        self.check().map(Unanchored)
    }

    /// Checks that the head extends a block that the verifier trusts, such as
    /// an older head or genesis. The head itself stays unanchored: anybody can
    /// mine a block after one that is known.
    ///
    /// # Errors
    ///
    /// [`ProofError`] that names the part which does not hold; also where the
    /// proof shows no extension.
    pub fn verify_extension(&self, older: BlockHash) -> Result<Unanchored<Proved>, ProofError> {
        let proved = self.check()?;
        match proved.extended() {
            Some(block) => expect(block, older, ProofPart::Block)?,
            None => return Err(ProofPart::Extension.error(ProofDefect::Missing)),
        }
        Ok(Unanchored(proved))
    }

    fn check(&self) -> Result<Proved, ProofError> {
        let head = self
            .head
            .check()
            .map_err(|defect| ProofPart::Head.error(defect))?;
        let block = match &self.block {
            Some(block) => Some(block.check(&head)?),
            None => None,
        };
        let entry = match &self.entry {
            Some(entry) => Some(entry.check(block.as_ref().unwrap_or(&head))?),
            None => None,
        };
        let extends = self
            .block
            .as_ref()
            .is_some_and(|block| block.consistency.is_some());
        Ok(Proved {
            head,
            block,
            extends,
            entry,
        })
    }
}

fn expect(block: &ProvedBlock, expected: BlockHash, part: ProofPart) -> Result<(), ProofError> {
    let found = block.hash();
    if found == expected {
        Ok(())
    } else {
        Err(part.error(ProofDefect::NotTrusted { found, expected }))
    }
}

impl Proved {
    /// The head that everything hangs on.
    pub fn head(&self) -> &ProvedBlock {
        &self.head
    }

    /// The block under the head, if the proof has one.
    pub fn block(&self) -> Option<&ProvedBlock> {
        self.block.as_ref()
    }

    /// The block that the proof is about: the one under the head, or else the
    /// head.
    pub fn subject(&self) -> &ProvedBlock {
        self.block.as_ref().unwrap_or(&self.head)
    }

    /// The block under the head, if it is proved that the head extends it: that
    /// all blocks before it are also before the head, in the same order.
    pub fn extended(&self) -> Option<&ProvedBlock> {
        self.block.as_ref().filter(|_| self.extends)
    }

    /// The entry of [`subject`](Self::subject), if the proof has one.
    pub fn entry(&self) -> Option<&ProvedEntry> {
        self.entry.as_ref()
    }
}
