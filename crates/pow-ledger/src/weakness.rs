//! What a run's file system cannot do, and what is weaker for that.

use std::fmt;
use std::path::PathBuf;

/// Something that the file system of a run cannot do. Training goes on without it. The
/// program says once what is weaker: [`Display`](fmt::Display) is a plain sentence.
///
/// ```
/// use pow_ledger::Weakness;
///
/// let weakness = Weakness::NoLocks { why: "Function not implemented".into() };
/// let sentence = weakness.to_string();
/// assert!(sentence.starts_with("the run's file system has no locks (Function not implemented)"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Weakness {
    /// It has no locks. The file `owner` and the end of the chain keep two writers apart.
    NoLocks {
        /// What the system said.
        why: String,
    },
    /// It cannot sync a directory.
    NoDirectorySync {
        /// What the system said.
        why: String,
    },
    /// No thread could be started that shows other processes that this one is alive.
    NoSignOfLife {
        /// What the system said.
        why: String,
    },
    /// An expired checkpoint is read-only, or could not be removed.
    CheckpointStays {
        /// The checkpoint's directory.
        path: PathBuf,
        /// Why it stays.
        why: String,
    },
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Weakness::NoLocks { why } => write!(
                f,
                "the run's file system has no locks ({why}): the file owner and the end of \
                 chain.pow keep two jobs apart, and a job that follows a killed one waits to \
                 see whether that still lives"
            ),
            Weakness::NoDirectorySync { why } => write!(
                f,
                "the run's file system cannot sync a directory ({why}): a power cut can take \
                 the name of a new file or checkpoint"
            ),
            Weakness::NoSignOfLife { why } => write!(
                f,
                "no thread could be started ({why}): a job on another machine may take this \
                 run for a killed one and go on with it, and then this one stops"
            ),
            Weakness::CheckpointStays { path, why } => write!(
                f,
                "{}: this checkpoint has expired and stays, because it cannot be removed ({why}): \
                 it takes space until somebody removes it",
                path.display()
            ),
        }
    }
}
