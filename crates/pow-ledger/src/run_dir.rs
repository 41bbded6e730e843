//! The directory of one run.

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

/// Where the files of a run lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// The run at `path`; nothing is touched.
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

    /// The program's configuration, byte for byte.
    pub fn config(&self) -> PathBuf {
        self.0.join("config.json")
    }

    /// The final artifact.
    pub fn artifact(&self) -> PathBuf {
        self.0.join("model.safetensors")
    }

    /// The writer's lock.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// The checkpoints' directory.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// The checkpoint of a state root.
    pub fn checkpoint(&self, root: StateRoot) -> CheckpointFiles {
        CheckpointFiles::new(&self.checkpoints(), root)
    }

    /// Digest of config.json.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`]; the file must be a regular one, read whole.
    pub fn config_digest(&self) -> Result<FileDigest, LedgerError> {
        read_regular(&self.config()).map(|bytes| FileDigest::of(&bytes))
    }

    /// Creates the directory, which must not exist (its parents may), takes
    /// the lock, and writes config.json and an empty chain file. One thread may
    /// append blocks while another writes checkpoints.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Exists`] if anything is at that path already;
    /// [`LedgerError::Io`]. No directory is then left behind, but for parents
    /// that were missing.
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

    /// Writes what a new run's directory begins with.
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
        // Or a power cut could take the whole directory, however well its files are synced.
        sync_parent(&self.0)?;
        Ok((RunWriter::new(self.clone(), lock), chain))
    }

    /// Removes the directory of a run that has no block, no checkpoint and no
    /// file but those that [`create`](Self::create) made. Any other is left as
    /// it is. The writers must be dropped.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`].
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

    /// Removes what there is of a directory that could not be filled, as far as
    /// that can be done: the caller has an error to report already.
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

/// Writes the files beside the chain. The run's lock is held until it is
/// dropped, so drop it after the chain's writer.
#[derive(Debug)]
pub struct RunWriter {
    dir: RunDir,
    _lock: File,
}

impl RunWriter {
    pub(crate) fn new(dir: RunDir, lock: File) -> Self {
        RunWriter { dir, _lock: lock }
    }

    /// Where the run lies.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Writes a checkpoint under its state root, which is returned.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
    pub fn checkpoint(&self, checkpoint: &Checkpoint<'_>) -> Result<StateRoot, LedgerError> {
        let root = state_root(checkpoint.parameters, checkpoint.rest.root());
        self.dir.checkpoint(root).write(checkpoint)?;
        Ok(root)
    }

    /// Removes a checkpoint that retention no longer keeps. Whenever the writer
    /// is killed, the checkpoint is there in full or not at all.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`]; a checkpoint that is not there is no error.
    pub fn remove_checkpoint(&self, root: StateRoot) -> Result<(), LedgerError> {
        self.dir.checkpoint(root).remove()
    }

    /// Writes the final artifact.
    ///
    /// # Errors
    ///
    /// [`LedgerError`].
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
