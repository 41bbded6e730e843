//! The directory of one run: its paths, and how it is created.

use crate::checkpoint::{Checkpoint, CheckpointFiles};
use crate::error::LedgerError;
use crate::files::{
    create_dirs, read_regular, staging_path, sync_dir, sync_parent, write_atomically,
};
use crate::format::FILE_HEADER_LEN;
use crate::tensors::{Tensor, write_tensors};
use crate::writer::{ChainWriter, Durability};
use pow_core::hash::{FileDigest, StateRoot};
use pow_core::state::state_root;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The paths of a run's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// The run at `path`. Nothing is read or written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        RunDir(path.into())
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The chain file.
    pub fn chain(&self) -> PathBuf {
        self.0.join("chain.pow")
    }

    /// The configuration of the program that trained. Its bytes never change.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.json")
    }

    /// The final artifact: the trained model.
    pub fn artifact(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }

    /// The writer's lock file.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// The checkpoints' directory.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// The files of the checkpoint with this state root.
    pub fn checkpoint(&self, root: StateRoot) -> CheckpointFiles {
        CheckpointFiles::new(&self.checkpoints(), root)
    }

    /// Digest of config.json.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if the file is not a regular file or cannot be read.
    pub fn config_digest(&self) -> Result<FileDigest, LedgerError> {
        read_regular(&self.config()).map(|bytes| FileDigest::of(&bytes))
    }

    /// Creates the directory and any missing parents, takes the lock, and writes
    /// config.json and a chain file without blocks. The directory must not exist.
    ///
    /// There are two writers so that one thread can append blocks while another
    /// writes checkpoints.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Exists`] if something is already at that path,
    /// [`LedgerError::Io`] if a file cannot be written. The directory is then removed.
    /// Parents that were created stay.
    pub fn create(
        &self,
        config: &[u8],
        durability: Durability,
    ) -> Result<(RunWriter, ChainWriter), LedgerError> {
        if let Some(parent) = self.0.parent() {
            create_dirs(parent)?;
        }
        std::fs::create_dir(&self.0).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => LedgerError::Exists(self.0.clone()),
            _ => LedgerError::Io {
                path: self.0.clone(),
                source,
            },
        })?;
        let filled = self.fill(config, durability);
        if filled.is_err() {
            self.discard();
        }
        filled
    }

    /// Writes the first files of a new run.
    fn fill(
        &self,
        config: &[u8],
        durability: Durability,
    ) -> Result<(RunWriter, ChainWriter), LedgerError> {
        let lock = take_lock(&self.lock())?;
        std::fs::create_dir(self.checkpoints()).map_err(LedgerError::io(&self.checkpoints()))?;
        write_atomically(&self.config(), config)?;
        let chain = ChainWriter::create(&self.chain(), durability)?;
        sync_dir(&self.0)?;
        // Otherwise a power cut could take the whole directory, although its files are synced.
        sync_parent(&self.0)?;
        Ok((RunWriter::new(self.clone(), lock), chain))
    }

    /// Removes the directory of a run that has no block, no checkpoint and no files
    /// other than those that [`create`](Self::create) made. Any other directory stays
    /// as it is. Drop the writers first.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if a file cannot be removed.
    pub fn remove_unused(&self) -> Result<(), LedgerError> {
        let own = [self.config(), self.chain(), self.lock()];
        let unused = || {
            for entry in std::fs::read_dir(&self.0)? {
                let path = entry?.path();
                if path != self.checkpoints() && !own.contains(&path) {
                    return Ok(false);
                }
            }
            let no_checkpoint = std::fs::read_dir(self.checkpoints())?.next().is_none();
            let len = std::fs::metadata(self.chain())?.len();
            Ok(no_checkpoint && len == FILE_HEADER_LEN as u64)
        };
        if !unused().map_err(LedgerError::io(&self.0))? {
            return Ok(());
        }
        for path in &own {
            std::fs::remove_file(path).map_err(LedgerError::io(path))?;
        }
        for path in [&self.checkpoints(), &self.0] {
            std::fs::remove_dir(path).map_err(LedgerError::io(path))?;
        }
        Ok(())
    }

    /// Removes a directory whose first files could not be written. Errors are ignored:
    /// the caller already has one to report.
    fn discard(&self) {
        let config = self.config();
        for path in [&staging_path(&config), &config, &self.chain(), &self.lock()] {
            let _ = std::fs::remove_file(path);
        }
        for path in [&self.checkpoints(), &self.0] {
            let _ = std::fs::remove_dir(path);
        }
    }
}

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

    /// Writes the final artifact.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if its tensors cannot be stored or the file cannot be written.
    pub fn artifact(&self, model: &[Tensor<'_>]) -> Result<(), LedgerError> {
        write_tensors(&self.dir.artifact(), model)
    }
}

pub(crate) fn take_lock(path: &Path) -> Result<File, LedgerError> {
    let file = File::create(path).map_err(LedgerError::io(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(LedgerError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::body::StepNumber;
    use pow_core::state::RestOfState;
    use pow_core::tensor::TensorSet;

    type Writers = (RunWriter, ChainWriter);

    /// Whether the directory is still there after a use of the run.
    fn stays(used: impl FnOnce(&mut Writers)) -> bool {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path().join("runs/run"));
        let mut writers = run.create(b"{}", Durability::Grouped).unwrap();
        used(&mut writers);
        drop(writers);
        run.remove_unused().unwrap();
        assert!(place.path().join("runs").exists());
        run.path().exists()
    }

    #[test]
    fn only_a_run_that_nobody_used_is_removed() {
        assert!(!stays(|_| {}));
        assert!(stays(|(_, chain)| {
            chain.append(&[1; 80], &[2; 100]).unwrap();
        }));
        assert!(stays(|(files, _)| {
            std::fs::write(files.dir().path().join("notes.txt"), "").unwrap();
        }));
        assert!(stays(|(files, _)| {
            let empty = TensorSet::new().root();
            let rest = RestOfState {
                optimizer: empty,
                scheduler_steps: 0,
                seed_position: 0,
                cursor: 0,
            };
            let checkpoint = Checkpoint {
                step: StepNumber(0),
                parameters: empty,
                rest,
                model: &[],
                optimizer: &[],
            };
            // What is there already is written again.
            let root = files.checkpoint(&checkpoint).unwrap();
            assert_eq!(files.checkpoint(&checkpoint).unwrap(), root);
        }));
    }

    #[test]
    fn a_run_is_never_created_over_something() {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path());
        let error = run.create(b"{}", Durability::Grouped).unwrap_err();
        assert!(matches!(error, LedgerError::Exists(path) if path == place.path()));
    }

    #[test]
    fn a_run_whose_parent_cannot_be_made_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        let run = RunDir::new(file.join("run"));
        let error = run.create(b"{}", Durability::Grouped).unwrap_err();
        assert!(matches!(error, LedgerError::Io { .. }), "{error}");
    }
}
