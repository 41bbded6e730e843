//! Why a model cannot be listed, or a statement about one is malformed.

use crate::envelope::PayloadError;
use crate::oms::files::MAX_FILES;
use pow_ledger::LedgerError;
use std::path::PathBuf;

/// Why a model cannot be listed, or a statement about one is malformed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OmsError {
    /// Something cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A link, which is not followed.
    #[error(
        "{}: a link, and links are not followed; leave it out (--ignore) or put the file in its place", .0.display()
    )]
    Link(PathBuf),
    /// Neither a file nor a directory.
    #[error("{}: neither a file nor a directory", .0.display())]
    Special(PathBuf),
    /// A name that JSON cannot hold.
    #[error("{}: its name is not UTF-8", .0.display())]
    Name(PathBuf),
    /// A path to leave out that is none within a model.
    #[error("{0:?} is no path within the model, such as cache/index.bin")]
    Ignored(String),
    /// There are no files.
    #[error("the model has no files")]
    NoFiles,
    /// There are too many files.
    #[error("the model has more than {MAX_FILES} files, or pieces of one")]
    ManyFiles,
    /// The statement is of another kind, or malformed.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The statement names no file.
    #[error("the statement names no file")]
    NoResources,
    /// The statement names a file twice.
    #[error("the statement names {0:?} twice")]
    Twice(String),
    /// The files are hashed in an unknown way.
    #[error("its files are hashed by {found:?}; only {expected} is supported")]
    Hashed {
        /// The statement's word for it.
        found: String,
        /// What is supported.
        expected: &'static str,
    },
    /// Its parts do not fit.
    #[error("the statement contradicts itself: {0}")]
    Contradiction(&'static str),
}

impl OmsError {
    /// Whether it speaks against the model or the statement.
    pub fn is_verdict(&self) -> bool {
        match self {
            // What is not there was named by the verifier.
            OmsError::Ledger(LedgerError::Io { .. }) | OmsError::Ignored(_) => false,
            OmsError::Ledger(error) => !error.could_not_read(),
            _ => true,
        }
    }
}
