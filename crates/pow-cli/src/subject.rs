//! What a command is about: a run directory, or a chain file alone.

use pow_ledger::{ChainReader, LedgerError, ReadError, RunDir};
use std::path::{Path, PathBuf};

/// A run, as named on the command line.
pub enum Subject {
    /// Its directory.
    Run(RunDir),
    /// Its chain file; nothing else of it is at hand.
    File(PathBuf),
}

impl Subject {
    /// Sees which of both `path` is. What is neither is taken for a directory:
    /// its missing chain.pow is the error then.
    ///
    /// # Errors
    ///
    /// If it is a file that does not begin as a chain file does.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        if !path.is_file() {
            return Ok(Subject::Run(RunDir::new(path)));
        }
        match ChainReader::open(path) {
            Err(LedgerError::Chain {
                source: ReadError::Foreign,
                ..
            }) => anyhow::bail!(
                "{}: not a chain file; give the run directory, or its chain.pow",
                path.display()
            ),
            _ => Ok(Subject::File(path.to_owned())),
        }
    }

    /// The chain file.
    pub fn chain(&self) -> PathBuf {
        match self {
            Subject::Run(run) => run.chain(),
            Subject::File(path) => path.clone(),
        }
    }
}
