//! The run on the command line: its directory, or only its chain file.

use pow_audit::source::{ChainFile, RunSource, SharedRun};
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
    /// Takes a directory for a run, and anything else for a chain file, which may be a
    /// pipe. If there is nothing at `path`, or it cannot be looked at, the error is then
    /// that its chain.pow cannot be read.
    pub fn of(path: &Path) -> Self {
        match std::fs::metadata(path) {
            Ok(found) if !found.is_dir() => RunPath::ChainFile(path.to_owned()),
            _ => RunPath::Directory(RunDir::new(path)),
        }
    }

    /// Where its bytes come from.
    pub fn source(&self) -> Box<dyn RunSource> {
        match self {
            RunPath::Directory(run) => Box::new(run.clone()),
            RunPath::ChainFile(path) => Box::new(ChainFile::new(path)),
        }
    }

    /// The same, for several owners.
    pub fn shared(&self) -> SharedRun {
        match self {
            RunPath::Directory(run) => SharedRun::new(run.clone()),
            RunPath::ChainFile(path) => SharedRun::new(ChainFile::new(path)),
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
