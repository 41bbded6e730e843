//! What can be wrong with a published model.

use crate::error::LedgerError;
use std::path::PathBuf;

/// Why a published model could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishedError {
    /// One of its tensor files.
    #[error(transparent)]
    File(#[from] LedgerError),
    /// Its index.
    #[error("{}: {source}", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        source: IndexError,
    },
    /// A directory without a model.
    #[error(
        "{}: neither model.safetensors nor model.safetensors.index.json is in it; name a file",
        .0.display()
    )]
    NoModel(PathBuf),
    /// A directory with two models.
    #[error(
        "{}: both model.safetensors and model.safetensors.index.json are in it; name one of them",
        .0.display()
    )]
    TwoModels(PathBuf),
}

impl PublishedError {
    /// Whether the model itself is at fault: it is malformed, or its parts do not fit
    /// together. Otherwise it could not be read, or is not there.
    pub fn is_verdict(&self) -> bool {
        match self {
            PublishedError::File(error) => {
                !matches!(error, LedgerError::Io { .. } | LedgerError::NoMemory { .. })
            }
            PublishedError::Index { .. } => true,
            PublishedError::NoModel(_) | PublishedError::TwoModels(_) => false,
        }
    }
}

/// What is wrong with the index of a model of several files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// It is not JSON of the right form.
    #[error("not an index of tensor files: {0}")]
    Malformed(String),
    /// It names a file that is not beside it.
    #[error(
        "the file of tensor {tensor} is {file:?}, but only the plain name of a file beside the \
         index is allowed"
    )]
    FileName {
        /// A tensor of that file.
        tensor: String,
        /// The name.
        file: String,
    },
    /// It names a file that does not exist.
    #[error("it names {file}, which is not there")]
    MissingFile {
        /// The name.
        file: String,
    },
    /// A file lacks a tensor that the index puts there.
    #[error("it puts tensor {tensor} into {file}, which has no such tensor")]
    MissingTensor {
        /// The tensor.
        tensor: String,
        /// The file.
        file: String,
    },
    /// A file has a tensor that the index puts elsewhere, or nowhere.
    #[error(
        "{file} has tensor {tensor}, which it {}",
        expected.as_ref().map_or("does not name".into(), |other| format!("puts into {other}"))
    )]
    OtherTensor {
        /// The tensor.
        tensor: String,
        /// The file that has it.
        file: String,
        /// Where the index puts it.
        expected: Option<String>,
    },
}
