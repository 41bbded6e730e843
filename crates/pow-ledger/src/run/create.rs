//! Creating a run, and removing one that was never used.

use crate::chain::writer::{ChainWriter, Durability};
use crate::error::LedgerError;
use crate::files::{create_dirs, staging_path, sync_dir, sync_parent, write_atomically};
use crate::format::FILE_HEADER_LEN;
use crate::run::run_dir::RunDir;
use crate::run::run_writer::{RunWriter, take_lock};
use std::io::ErrorKind;

impl RunDir {
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
        if let Some(parent) = self.path().parent() {
            create_dirs(parent)?;
        }
        std::fs::create_dir(self.path()).map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => LedgerError::Exists(self.path().to_owned()),
            _ => LedgerError::Io {
                path: self.path().to_owned(),
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
        sync_dir(self.path())?;
        // Otherwise a power cut could take the whole directory, although its files are synced.
        sync_parent(self.path())?;
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
            for entry in std::fs::read_dir(self.path())? {
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
        if !unused().map_err(LedgerError::io(self.path()))? {
            return Ok(());
        }
        for path in &own {
            std::fs::remove_file(path).map_err(LedgerError::io(path))?;
        }
        for path in [&self.checkpoints(), self.path()] {
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
        for path in [&self.checkpoints(), self.path()] {
            let _ = std::fs::remove_dir(path);
        }
    }
}
