//! The directory of one run: its paths, and how it is created.

use crate::checkpoint::{Checkpoint, CheckpointFiles};
use crate::digest::file_digest;
use crate::error::LedgerError;
use crate::files::{create_dirs, staging_path, sync_dir, sync_parent, write_atomically};
use crate::format::FILE_HEADER_LEN;
use crate::open::{open_inside, open_to_write, require_directory};
use crate::reader::ChainReader;
use crate::run_file::{CHECKPOINTS, RunFile};
use crate::tensors::{Tensor, write_tensors};
use crate::writer::{ChainWriter, Durability};
use pow_core::hash::{FileDigest, StateRoot};
use pow_core::state::state_root;
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io::{BufReader, ErrorKind};
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
        self.0.join(RunFile::Chain.path())
    }

    /// The configuration of the program that trained. Its bytes never change.
    pub fn config(&self) -> PathBuf {
        self.0.join(RunFile::Config.path())
    }

    /// The final artifact: the trained model.
    pub fn artifact(&self) -> PathBuf {
        self.0.join(RunFile::Artifact.path())
    }

    /// The writer's lock file.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// The checkpoints' directory.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join(CHECKPOINTS)
    }

    /// The files of the checkpoint with this state root.
    pub fn checkpoint(&self, root: StateRoot) -> CheckpointFiles {
        CheckpointFiles::new(self.clone(), root)
    }

    /// Opens one of its files for reading. It never waits, and follows no link inside the
    /// run. The run's own path may be a link.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if it is not a regular file or is reached through a link,
    /// [`LedgerError::Io`] if it is missing or the system refuses.
    pub fn open(&self, file: RunFile) -> Result<File, LedgerError> {
        open_inside(&self.0, &file.path())
    }

    /// Opens the chain file and checks its header.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`LedgerError::Chain`] if the file header is missing or
    /// wrong.
    pub fn open_chain(&self) -> Result<ChainReader<BufReader<File>>, LedgerError> {
        ChainReader::of_file(self.open(RunFile::Chain)?, &self.chain())
    }

    /// The state roots that name something in the directory of checkpoints. Other names
    /// there have no meaning. If the directory is missing, there are none.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if it is a link or no directory, [`LedgerError::Io`] if it
    /// cannot be read.
    pub fn checkpoint_roots(&self) -> Result<BTreeSet<StateRoot>, LedgerError> {
        let path = self.checkpoints();
        match require_directory(&path) {
            Err(LedgerError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(BTreeSet::new());
            }
            checked => checked?,
        }
        let mut roots = BTreeSet::new();
        for entry in std::fs::read_dir(&path).map_err(LedgerError::io(&path))? {
            let name = entry.map_err(LedgerError::io(&path))?.file_name();
            let root = name
                .to_str()
                .and_then(|name| name.parse::<StateRoot>().ok());
            // A root can be written in several ways, and only one is the name.
            roots.extend(root.filter(|root| name.to_str() == Some(&root.to_string())));
        }
        Ok(roots)
    }

    /// Digest of config.json. It is read piece by piece.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn config_digest(&self) -> Result<FileDigest, LedgerError> {
        let file = self.open(RunFile::Config)?;
        file_digest(file).map_err(LedgerError::io(&self.config()))
    }

    /// The checkpoints' directory, if it is one and no link: nothing is written through a
    /// link.
    pub(crate) fn checkpoints_to_write(&self) -> Result<PathBuf, LedgerError> {
        let path = self.checkpoints();
        require_directory(&path)?;
        Ok(path)
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
            if !std::fs::symlink_metadata(self.checkpoints())?.is_dir() {
                return Ok(false);
            }
            let no_checkpoint = std::fs::read_dir(self.checkpoints())?.next().is_none();
            let len = std::fs::symlink_metadata(self.chain())?.len();
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
