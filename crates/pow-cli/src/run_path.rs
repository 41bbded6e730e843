//! The run on the command line: its directory, or only its chain file.

use pow_ledger::RunDir;
use std::path::{Path, PathBuf};

/// A run, as it is named on the command line.
pub enum RunPath {
    /// Its directory.
    Directory(RunDir),
    /// Only its chain file.
    ChainFile(PathBuf),
}

impl RunPath {
    /// Takes a regular file for a chain file, and anything else for a run directory. If
    /// there is nothing at `path`, the error is then that its chain.pow is missing.
    pub fn of(path: &Path) -> Self {
        if path.is_file() {
            RunPath::ChainFile(path.to_owned())
        } else {
            RunPath::Directory(RunDir::new(path))
        }
    }

    /// The chain file.
    pub fn chain(&self) -> PathBuf {
        match self {
            RunPath::Directory(run) => run.chain(),
            RunPath::ChainFile(path) => path.clone(),
        }
    }
}
