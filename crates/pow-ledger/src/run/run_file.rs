//! The files of a run that a reader opens, and where they are.

use crate::run::anchors::AnchorFile;
use crate::run::signatures::SignatureFile;
use pow_core::hash::StateRoot;
use std::path::{Path, PathBuf};

/// A file of a run that a reader opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunFile {
    /// The chain file.
    Chain,
    /// The configuration of the program that trained.
    Config,
    /// A number for each sample, from which the order of samples follows.
    OrderTable,
    /// The final artifact: the trained model.
    Artifact,
    /// A file of the checkpoint with this state root.
    Checkpoint(StateRoot, CheckpointPart),
    /// A proof of when a block was there.
    Anchor(AnchorFile),
    /// A signature.
    Signature(SignatureFile),
    /// The statement that this signature is over.
    Statement(SignatureFile),
}

/// A file of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckpointPart {
    /// The parameters.
    Model,
    /// The optimizer's tensors.
    Optimizer,
    /// The other numbers.
    State,
}

/// The directory of the checkpoints, in the run's directory.
pub(crate) const CHECKPOINTS: &str = "checkpoints";

impl RunFile {
    /// The file's path in the run's directory.
    ///
    /// ```
    /// use pow_core::hash::StateRoot;
    /// use pow_ledger::{CheckpointPart, RunFile};
    /// use std::path::Path;
    ///
    /// assert_eq!(RunFile::Chain.path(), Path::new("chain.pow"));
    /// let root = StateRoot([0xab; 32]);
    /// let state = RunFile::Checkpoint(root, CheckpointPart::State);
    /// assert_eq!(state.path(), Path::new("checkpoints").join("ab".repeat(32)).join("state.json"));
    /// ```
    pub fn path(self) -> PathBuf {
        match self {
            RunFile::Chain => "chain.pow".into(),
            RunFile::Config => "config.json".into(),
            RunFile::OrderTable => "order.table".into(),
            RunFile::Artifact => "model.safetensors".into(),
            RunFile::Checkpoint(root, part) => Path::new(CHECKPOINTS)
                .join(root.to_string())
                .join(part.name()),
            RunFile::Anchor(anchor) => anchor.path(),
            RunFile::Signature(signature) => signature.path(),
            RunFile::Statement(signature) => signature.statement_path(),
        }
    }
}

impl CheckpointPart {
    /// The file's name in the checkpoint's directory.
    pub fn name(self) -> &'static str {
        match self {
            CheckpointPart::Model => "model.safetensors",
            CheckpointPart::Optimizer => "optimizer.safetensors",
            CheckpointPart::State => "state.json",
        }
    }
}
