//! What a proof is asked for, and why there may be none.

use pow_core::body::StepNumber;
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, ParameterRoot};
use pow_core::proof::{LeafIndex, ProofError};
use pow_ledger::LedgerError;
use std::path::PathBuf;

/// What to prove of a run.
#[derive(Clone, Debug)]
pub struct ProofRequest {
    /// Height of the head that the proof hangs on; absent: the last block.
    pub head: Option<Height>,
    /// What the proof is about.
    pub subject: ProofSubject,
}

/// What a proof is about.
#[derive(Clone, Debug)]
pub enum ProofSubject {
    /// A block under the head, or the head itself.
    Block(Height),
    /// That the head extends the block with this hash.
    Extends(BlockHash),
    /// A committed step.
    Step(StepNumber),
    /// A tensor of a committed step's parameters.
    Tensor {
        /// The step.
        step: StepNumber,
        /// The tensor's path.
        path: String,
        /// One chunk of it.
        chunk: Option<LeafIndex>,
    },
}

/// Why a proof could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The chain file could not be read.
    #[error(transparent)]
    Run(LedgerError),
    /// A tensor file could not be read, or is malformed.
    #[error(transparent)]
    Tensors(#[from] LedgerError),
    /// The chain breaks a rule or its file is damaged.
    #[error("the chain does not hold: {0}")]
    Chain(String),
    /// The chain has no such block.
    #[error("there is no block {wanted}; the last one is block {last}")]
    NoBlock {
        /// Height asked for.
        wanted: Height,
        /// Height of the last block.
        last: Height,
    },
    /// What was asked for lies after the head.
    #[error("{what} does not stand under the head, block {head}")]
    NotUnderHead {
        /// What was asked for.
        what: String,
        /// Height of the head.
        head: Height,
    },
    /// The head extends others, not itself.
    #[error("{0} is the head itself")]
    IsHead(BlockHash),
    /// The step's parameters lie in no file.
    #[error("the tensors of step {step} are not in the run: {reason}")]
    NoTensors {
        /// The step.
        step: StepNumber,
        /// Why not.
        reason: String,
    },
    /// The step has no such tensor.
    #[error("{}: there is no tensor {tensor:?}", file.display())]
    NoTensor {
        /// Where it was looked for.
        file: PathBuf,
        /// Path asked for.
        tensor: String,
    },
    /// The tensor has no such chunk.
    #[error("tensor {tensor:?} has {count} chunks, counted from 0; there is no chunk {index}")]
    NoChunk {
        /// The tensor's path.
        tensor: String,
        /// Chunks it has.
        count: u64,
        /// Chunk asked for.
        index: LeafIndex,
    },
    /// The tensors in the file are not those committed to.
    #[error("{} has parameter root {found}, step {step} is committed with {expected}", file.display())]
    OtherTensors {
        /// The file.
        file: PathBuf,
        /// The step.
        step: StepNumber,
        /// Root of the file's tensors.
        found: ParameterRoot,
        /// The entry's.
        expected: ParameterRoot,
    },
    /// The proof does not pass our own check, which is a defect of this
    /// program or a file that changed while it was read.
    #[error("the proof made does not hold: {0}")]
    Own(ProofError),
}

impl ProveError {
    /// Whether the run is at fault, and not the request or the machine.
    pub fn is_verdict(&self) -> bool {
        match self {
            ProveError::Chain(_) | ProveError::OtherTensors { .. } | ProveError::Own(_) => true,
            ProveError::Tensors(error) => !matches!(error, LedgerError::Io { .. }),
            _ => false,
        }
    }
}
