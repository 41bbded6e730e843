//! Writing the files beside the chain, under the run's lock.

use crate::error::LedgerError;
use crate::open::open_to_write;
use crate::run::checkpoint::Checkpoint;
use crate::run::run_dir::RunDir;
use crate::tensors::write::{Tensor, write_tensors};
use pow_core::hash::StateRoot;
use pow_core::state::state_root;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// Writes the files beside the chain. It holds the run's lock, so drop it after the
/// chain's writer.
#[derive(Debug)]
pub struct RunWriter {
    dir: RunDir,
    _lock: File,
}

impl RunWriter {
    pub(crate) fn new(dir: RunDir, lock: File) -> Self {
        RunWriter { dir, _lock: lock }
    }

    /// The run's paths.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Writes a checkpoint and returns its state root.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if its tensors cannot be stored or a file cannot be written.
    pub fn checkpoint(&self, checkpoint: &Checkpoint<'_>) -> Result<StateRoot, LedgerError> {
        let root = state_root(checkpoint.parameters, checkpoint.rest.root());
        self.dir.checkpoint(root).write(checkpoint)?;
        Ok(root)
    }

    /// Removes a checkpoint that is no longer kept. At any moment the checkpoint is
    /// there in full or not at all, even if the writer is killed. A checkpoint that is
    /// already gone is not an error.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if a file cannot be removed.
    pub fn remove_checkpoint(&self, root: StateRoot) -> Result<(), LedgerError> {
        self.dir.checkpoint(root).remove()
    }

    /// Moves a damaged checkpoint to another name, so that it can be written again, and
    /// returns the new path. Nothing is removed.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if it cannot be renamed.
    pub fn set_aside_checkpoint(&self, root: StateRoot) -> Result<PathBuf, LedgerError> {
        self.dir.checkpoint(root).set_aside()
    }

    /// Writes the final artifact.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if its tensors cannot be stored or the file cannot be written.
    pub fn artifact(&self, model: &[Tensor<'_>]) -> Result<(), LedgerError> {
        write_tensors(&self.dir.artifact(), model)
    }
}

/// Takes the lock of a run. The lock file is made if it is missing, and its content is
/// never touched: whoever holds the lock may be another program, and a stranger's run can
/// have a link there.
pub(crate) fn take_lock(path: &Path) -> Result<File, LedgerError> {
    let file = open_to_write(path, true)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(LedgerError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}
