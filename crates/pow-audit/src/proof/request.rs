//! What to prove, and why that may not be possible.

use pow_core::body::StepNumber;
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, ParameterRoot};
use pow_core::proof::{LeafIndex, ProofError};
use pow_ledger::LedgerError;
use std::path::PathBuf;

/// What to prove of a run.
#[derive(Clone, Debug)]
pub struct ProofRequest {
    /// Height of the head under which to prove it. Absent means the last block.
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
        /// One chunk of it. Absent means the whole tensor.
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
    /// The bytes that the proof is about could not be written.
    #[error("the value could not be written: {0}")]
    Value(std::io::Error),
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
    /// The chain has no such block or entry up to the head.
    #[error("there is no {what} up to the head, block {head}")]
    NotUpToHead {
        /// What was asked for.
        what: String,
        /// Height of the head.
        head: Height,
    },
    /// The head does not extend itself.
    #[error("{0} is the head itself, and a block does not extend itself")]
    IsHead(BlockHash),
    /// No file holds the step's parameters.
    #[error("the tensors of step {step} are not in the run: {reason}")]
    NoTensors {
        /// The step.
        step: StepNumber,
        /// Why no file holds them.
        reason: String,
    },
    /// The step has no such tensor.
    #[error("{}: there is no tensor {tensor:?}", file.display())]
    NoTensor {
        /// The file that was searched.
        file: PathBuf,
        /// The path that was asked for.
        tensor: String,
    },
    /// The tensor has no such chunk.
    #[error("tensor {tensor:?} has {count} chunks, counted from 0; there is no chunk {index}")]
    NoChunk {
        /// The tensor's path.
        tensor: String,
        /// Number of its chunks.
        count: u64,
        /// The chunk that was asked for.
        index: LeafIndex,
    },
    /// The tensors in the file are not those that the chain commits to.
    #[error("{} has parameter root {found}, but step {step} is committed with {expected}", file.display())]
    OtherTensors {
        /// The file.
        file: PathBuf,
        /// The step.
        step: StepNumber,
        /// The root of the file's tensors.
        found: ParameterRoot,
        /// The root in the chain's entry.
        expected: ParameterRoot,
    },
    /// The proof does not pass our own check. Either this program has a defect, or a
    /// file changed while it was read.
    #[error("the new proof does not hold: {0}")]
    Own(ProofError),
}

impl ProveError {
    /// Whether the error is a verdict on the run, not a fault of the request or of the
    /// machine.
    pub fn is_verdict(&self) -> bool {
        match self {
            ProveError::Chain(_) | ProveError::OtherTensors { .. } | ProveError::Own(_) => true,
            ProveError::Tensors(LedgerError::Io { .. } | LedgerError::NoMemory { .. }) => false,
            ProveError::Tensors(_) => true,
            _ => false,
        }
    }
}
