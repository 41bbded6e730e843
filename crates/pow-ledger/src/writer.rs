//! Appending to a chain file.

use crate::record::{FILE_HEADER, Lengths, encode};
use crate::{FILE_HEADER_LEN, LedgerError};
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long an appended block may stay unsynced under [`Durability::Grouped`]:
/// what a power cut can take. (A killed process loses nothing.)
pub const GROUP_WINDOW: Duration = Duration::from_millis(200);

/// When appended blocks are forced to the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// At most [`GROUP_WINDOW`] after they were appended.
    #[default]
    Grouped,
    /// Before `append` returns.
    EveryBlock,
}

/// The one writer of a chain file.
#[derive(Debug)]
pub struct ChainWriter {
    file: File,
    path: PathBuf,
    durability: Durability,
    end: u64,
    unsynced_since: Option<Instant>,
    poisoned: bool,
}

impl ChainWriter {
    /// Creates the file, which must not exist, with its header, synced.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`].
    pub fn create(path: &Path, durability: Durability) -> Result<Self, LedgerError> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(LedgerError::io(path))?;
        file.write_all(&FILE_HEADER)
            .and_then(|()| file.sync_all())
            .map_err(LedgerError::io(path))?;
        Ok(Self::new(file, path, durability, FILE_HEADER_LEN as u64))
    }

    /// Opens a file that exists, all of which was read, to append at `end`,
    /// where it ends.
    pub(crate) fn at_end(
        path: &Path,
        durability: Durability,
        end: u64,
    ) -> Result<Self, LedgerError> {
        let open = || {
            let mut file = OpenOptions::new().write(true).open(path)?;
            file.seek(SeekFrom::Start(end))?;
            // What a killed writer left unsynced counts from now on.
            file.sync_all()?;
            Ok(file)
        };
        let file = open().map_err(LedgerError::io(path))?;
        Ok(Self::new(file, path, durability, end))
    }

    fn new(file: File, path: &Path, durability: Durability, end: u64) -> Self {
        ChainWriter {
            file,
            path: path.to_owned(),
            durability,
            end,
            unsynced_since: None,
            poisoned: false,
        }
    }

    /// Appends a record; returns its offset in the file, in bytes.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if writing or syncing failed. After that, every
    /// call answers [`LedgerError::Poisoned`]: which bytes reached the disk is
    /// then unknown.
    pub fn append(&mut self, block: &[u8], body: &[u8]) -> Result<u64, LedgerError> {
        let lengths = Lengths {
            block: block.len(),
            body: body.len(),
        };
        if !lengths.allowed() {
            return Err(LedgerError::RecordTooLong {
                block: block.len(),
                body: body.len(),
            });
        }
        let record = encode(block, body);
        self.guarded(|file| file.write_all(&record))?;
        let offset = self.end;
        self.end += record.len() as u64;
        self.unsynced_since.get_or_insert_with(Instant::now);
        match self.durability {
            Durability::EveryBlock => self.sync()?,
            Durability::Grouped => self.sync_if_due()?,
        }
        Ok(offset)
    }

    /// How long until [`sync_if_due`](Self::sync_if_due) will sync; `None` if
    /// everything is synced.
    pub fn sync_due_in(&self) -> Option<Duration> {
        self.unsynced_since
            .map(|since| GROUP_WINDOW.saturating_sub(since.elapsed()))
    }

    /// Syncs if the oldest unsynced block is older than [`GROUP_WINDOW`]; call
    /// it while idle.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn sync_if_due(&mut self) -> Result<(), LedgerError> {
        match self.unsynced_since {
            Some(since) if since.elapsed() >= GROUP_WINDOW => self.sync(),
            _ => Ok(()),
        }
    }

    /// Forces everything appended to the disk.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        if self.unsynced_since.is_some() {
            self.guarded(|file| file.sync_data())?;
            self.unsynced_since = None;
        }
        Ok(())
    }

    fn guarded(
        &mut self,
        action: impl FnOnce(&mut File) -> std::io::Result<()>,
    ) -> Result<(), LedgerError> {
        if self.poisoned {
            return Err(LedgerError::Poisoned(self.path.clone()));
        }
        action(&mut self.file).map_err(|source| {
            self.poisoned = true;
            LedgerError::Io {
                path: self.path.clone(),
                source,
            }
        })
    }
}
