//! Why a proof does not hold.

use crate::codec::DecodeError;
use crate::coinbase::Height;
use crate::hash::{BlockHash, BodyCommitment, ParameterRoot, TxRoot};
use crate::proof::PathError;
use crate::target::{CompactError, CompactTarget};
use crate::tensor::TensorError;
use core::fmt;

/// A proof that does not hold, and where it fails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{part}: {defect}")]
pub struct ProofError {
    /// The part of the proof.
    pub part: ProofPart,
    /// What is wrong there.
    pub defect: ProofDefect,
}

/// A part of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofPart {
    /// The head, which everything depends on.
    Head,
    /// The block before the head.
    Block,
    /// The claim that the head's tree starts with the block's tree.
    Extension,
    /// An entry of the block.
    Entry,
    /// A tensor among the entry's parameters.
    Tensor,
    /// A chunk of the tensor.
    Chunk,
}

/// What is wrong with a part of a proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofDefect {
    /// The block is not a header and one coinbase of the fixed shape (rule 1).
    #[error("malformed block: {0}")]
    Block(DecodeError),
    /// The fixed part of the body is not canonical (rule 1).
    #[error("malformed body: {0}")]
    Body(DecodeError),
    /// The header's version has other fixed bits (rule 2).
    #[error("header version {0:#010x} has other fixed bits than 0x20000000")]
    Version(u32),
    /// The header does not commit to the coinbase (rule 4).
    #[error("transaction root is {found}, the coinbase's id is {expected}")]
    TxRoot {
        /// Root in the header.
        found: TxRoot,
        /// The coinbase's id.
        expected: TxRoot,
    },
    /// The coinbase does not commit to the body (rule 5).
    #[error("coinbase commits to {found}, the body's commitment is {expected}")]
    Commitment {
        /// In the coinbase.
        found: BodyCommitment,
        /// The body's.
        expected: BodyCommitment,
    },
    /// Coinbase and body disagree about the height (rule 7).
    #[error("the coinbase says height {coinbase}, the body {body}")]
    Heights {
        /// Height in the coinbase.
        coinbase: Height,
        /// Height in the body.
        body: Height,
    },
    /// The header's target is malformed.
    #[error(transparent)]
    Target(CompactError),
    /// The hash does not meet the header's own target.
    #[error("hash {hash} does not meet target {bits}")]
    Work {
        /// The block's hash.
        hash: BlockHash,
        /// Its target.
        bits: CompactTarget,
    },
    /// The block is not the one that the verifier trusts.
    #[error("is block {found}, the trusted one is {expected}")]
    NotTrusted {
        /// Hash found.
        found: BlockHash,
        /// Hash trusted.
        expected: BlockHash,
    },
    /// The proof has no block before the head, or no consistency path for it.
    #[error("the proof has none")]
    Missing,
    /// A body of this kind has no steps.
    #[error("the body is of kind {0}, which has no steps")]
    Kind(&'static str),
    /// The entry is not canonical (rule 1).
    #[error("malformed entry: {0}")]
    Entry(DecodeError),
    /// The tensor's shape needs more bytes than a `u64` can count.
    #[error(transparent)]
    Tensor(TensorError),
    /// The tensor's path leads to another parameter root.
    #[error("the path leads to parameter root {found}, expected {expected}")]
    Parameters {
        /// Root computed.
        found: ParameterRoot,
        /// The entry's.
        expected: ParameterRoot,
    },
    /// The path does not lead where it should.
    #[error(transparent)]
    Path(PathError),
}

/// Why bytes are not the proved ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The length differs.
    #[error("the value has {found} bytes, the proof is of {expected}")]
    Length {
        /// Bytes given.
        found: u64,
        /// Bytes proved.
        expected: u64,
    },
    /// The hash differs.
    #[error("the value has the right length, but other bytes than those proved")]
    Bytes,
}

impl ProofPart {
    pub(super) fn error(self, defect: ProofDefect) -> ProofError {
        ProofError { part: self, defect }
    }
}

impl fmt::Display for ProofPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ProofPart::Head => "head",
            ProofPart::Block => "block",
            ProofPart::Extension => "extension",
            ProofPart::Entry => "entry",
            ProofPart::Tensor => "tensor",
            ProofPart::Chunk => "chunk",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn an_error_begins_with_its_part() {
        let text = |part: ProofPart| part.error(ProofDefect::Missing).to_string();
        let missing = ProofDefect::Missing.to_string();
        for (part, name) in [
            (ProofPart::Head, "head"),
            (ProofPart::Block, "block"),
            (ProofPart::Extension, "extension"),
            (ProofPart::Entry, "entry"),
            (ProofPart::Tensor, "tensor"),
            (ProofPart::Chunk, "chunk"),
        ] {
            assert_eq!(text(part), [name, ": ", &missing].concat());
        }
    }
}
