//! Short proofs. They show that a head commits to a block, a block to an entry,
//! an entry to a tensor, and a tensor to a chunk. They also show that one head
//! extends another. Each takes O(log n) hashes.
//!
//! A [`Proof`] is data from a stranger. Its fields are public, and they mean
//! nothing until [`Proof::verify`] turns the proof into a [`Proved`]. Nothing
//! else makes a `Proved`. Everything in a proof depends on the head, so the
//! verifier must know the head's hash from a source that they trust. Without
//! such a source there is [`Proof::verify_unanchored`]. It returns an
//! [`Unanchored`] value, which no function takes for a `Proved` by mistake.
//!
//! A proof contains no other blocks, so it does not show that the head's chain
//! holds every rule. The verifier must check that with [`crate::chain`], or
//! trust somebody who did.
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

/// A proof, as received. Nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The block that everything depends on.
    pub head: BlockOpening,
    /// A block before the head. Absent if the proof is about the head itself.
    pub block: Option<BlockProof>,
    /// An entry of that block, or of the head if there is no other block.
    pub entry: Option<EntryProof>,
}

/// What a proof shows, if its head can be trusted.
#[derive(Clone, Debug, PartialEq)]
pub struct Proved {
    head: ProvedBlock,
    block: Option<ProvedBlock>,
    extends: bool,
    entry: Option<ProvedEntry>,
}

/// A proof that is consistent, but whose head nobody vouches for. Making
/// another one costs only the work of the blocks in it, at targets that its
/// maker chooses.
#[derive(Clone, Debug, PartialEq)]
pub struct Unanchored<T>(T);

impl<T> Unanchored<T> {
    /// The value. If you show it, say that it is unanchored.
    pub fn get(&self) -> &T {
        &self.0
    }
}

impl Proof {
    /// Checks the proof, and that its head has this hash, which the verifier
    /// trusts.
    ///
    /// # Errors
    ///
    /// [`ProofError`], with the part that does not hold.
    pub fn verify(&self, head: BlockHash) -> Result<Proved, ProofError> {
        let proved = self.check()?;
        expect(&proved.head, head, ProofPart::Head)?;
        Ok(proved)
    }

    /// Checks that the proof is consistent. Trusts no head.
    ///
    /// # Errors
    ///
    /// [`ProofError`], with the part that does not hold.
    pub fn verify_unanchored(&self) -> Result<Unanchored<Proved>, ProofError> {
        self.check().map(Unanchored)
    }

    /// Checks that the head extends a block that the verifier trusts, such as
    /// an older head or genesis. The head itself stays unanchored, because
    /// anybody can mine a block after a known one.
    ///
    /// # Errors
    ///
    /// [`ProofError`], with the part that does not hold. Also if the proof
    /// shows no extension.
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
    /// The head, which everything depends on.
    pub fn head(&self) -> &ProvedBlock {
        &self.head
    }

    /// The block before the head, if the proof has one.
    pub fn block(&self) -> Option<&ProvedBlock> {
        self.block.as_ref()
    }

    /// The block that the proof is about: the block before the head if there is
    /// one, else the head.
    pub fn subject(&self) -> &ProvedBlock {
        self.block.as_ref().unwrap_or(&self.head)
    }

    /// The block before the head, if the proof shows that the head extends it.
    /// That means that all blocks before this block are also before the head,
    /// in the same order.
    pub fn extended(&self) -> Option<&ProvedBlock> {
        self.block.as_ref().filter(|_| self.extends)
    }

    /// The entry of [`subject`](Self::subject), if the proof has one.
    pub fn entry(&self) -> Option<&ProvedEntry> {
        self.entry.as_ref()
    }
}
