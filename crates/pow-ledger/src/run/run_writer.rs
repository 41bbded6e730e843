//! Writing the files beside the chain, under the run's lock.

use crate::error::LedgerError;
use crate::files::write_atomically;
use crate::run::checkpoint::Checkpoint;
use crate::run::owner::ownership::Ownership;
use crate::run::run_dir::RunDir;
use crate::tensors::write::{Tensor, write_tensors};
use crate::weakness::Weakness;
use pow_core::hash::StateRoot;
use pow_core::order::OrderTable;
use pow_core::state::state_root;
use std::path::PathBuf;
use std::sync::Arc;

/// Writes the files beside the chain. It and the chain's writer hold the run's lock until
/// both are dropped.
///
/// If another process has become the owner of the run, every method that writes or removes
/// returns [`LedgerError::TakenOver`] and changes nothing.
#[derive(Debug)]
pub struct RunWriter {
    dir: RunDir,
    owner: Arc<Ownership>,
}

impl RunWriter {
    pub(crate) fn new(dir: RunDir, owner: Arc<Ownership>) -> Self {
        RunWriter { dir, owner }
    }

    /// What the run's file system cannot do, as far as it is known, without what an earlier
    /// call returned. Call it after the run was opened and after a checkpoint was removed,
    /// and print each one.
    ///
    /// ```
    /// use pow_ledger::{Durability, RunDir};
    ///
    /// let place = tempfile::tempdir()?;
    /// let (files, _chain) = RunDir::new(place.path().join("run")).create(b"{}", Durability::Grouped)?;
    /// for weakness in files.take_weaknesses() {
    ///     eprintln!("warning: {weakness}");
    /// }
    /// assert_eq!(files.take_weaknesses(), []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_weaknesses(&self) -> Vec<Weakness> {
        self.owner.take_weaknesses()
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
        self.owner.check()?;
        let root = state_root(checkpoint.parameters, checkpoint.rest.root());
        self.dir.checkpoint(root).write(checkpoint)?;
        Ok(root)
    }

    /// Removes a checkpoint that is no longer kept. At any moment the checkpoint is
    /// there in full or not at all, even if the writer is killed. A checkpoint that is
    /// already gone is not an error. Nor is one that is read-only or that the system does
    /// not remove: a training does not end for it. It stays, and is a
    /// [weakness](Self::take_weaknesses).
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if the directory of checkpoints is a link.
    pub fn remove_checkpoint(&self, root: StateRoot) -> Result<(), LedgerError> {
        self.owner.check()?;
        let checkpoint = self.dir.checkpoint(root);
        match checkpoint.remove() {
            Err(LedgerError::Io { path, source }) if path.starts_with(self.dir.checkpoints()) => {
                self.owner.note_weakness(Weakness::CheckpointStays {
                    path,
                    why: source.to_string(),
                });
                Ok(())
            }
            removed => removed,
        }
    }

    /// Moves a damaged checkpoint to another name, so that it can be written again, and
    /// returns the new path. Nothing is removed.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if it cannot be renamed.
    pub fn set_aside_checkpoint(&self, root: StateRoot) -> Result<PathBuf, LedgerError> {
        self.owner.check()?;
        self.dir.checkpoint(root).set_aside()
    }

    /// Writes the table from which the order of samples follows. A table that is there
    /// already is replaced.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the file cannot be written.
    pub fn order_table(&self, table: &OrderTable) -> Result<(), LedgerError> {
        self.owner.check()?;
        write_atomically(&self.dir.order_table(), &table.to_bytes())
    }

    /// Writes the final artifact.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if its tensors cannot be stored or the file cannot be written.
    pub fn artifact(&self, model: &[Tensor<'_>]) -> Result<(), LedgerError> {
        self.owner.check()?;
        write_tensors(&self.dir.artifact(), model)
    }
}
