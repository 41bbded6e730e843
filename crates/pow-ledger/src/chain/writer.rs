//! Appending to a chain file.

use crate::chain::disk::Disk;
use crate::chain::end::End;
use crate::chain::record::{Lengths, encode};
use crate::error::LedgerError;
use crate::format::{FILE_HEADER, FILE_HEADER_LEN};
use crate::open::open_to_write;
use crate::run::owner::ownership::Ownership;
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an appended block may stay unsynced under [`Durability::Grouped`],
/// while the caller appends or calls [`ChainWriter::sync_if_due`]. A caller that is
/// busy with something else must call [`ChainWriter::sync`] before.
pub const GROUP_WINDOW: Duration = Duration::from_millis(200);

/// When appended blocks are synced to the disk. A power cut can take blocks that are
/// not synced. A killed process loses no block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Blocks are synced in groups, [`GROUP_WINDOW`] after the first block of the
    /// group was appended. A power cut can take the blocks of the last
    /// [`GROUP_WINDOW`], plus the time that the caller was busy beyond it.
    #[default]
    Grouped,
    /// Each block is synced before `append` returns. A power cut takes no appended
    /// block.
    EveryBlock,
}

/// The only writer of a chain file. It writes at the end alone. The writer of a run
/// ([`RunDir::create`](crate::RunDir::create)) looks before each write and after it whether
/// another process has become the run's owner, or has changed the file.
#[derive(Debug)]
pub struct ChainWriter {
    disk: Box<dyn Disk>,
    path: PathBuf,
    durability: Durability,
    end: u64,
    unsynced_since: Option<Instant>,
    poisoned: bool,
    run: Option<Run>,
}

/// What the writer of a run looks at before each write.
#[derive(Debug)]
struct Run {
    owner: Arc<Ownership>,
    written: End,
}

impl ChainWriter {
    /// Creates the file with its header and syncs it. The file must not exist.
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
        let end = FILE_HEADER_LEN as u64;
        Ok(Self::new(Box::new(file), path, durability, end))
    }

    /// Opens a file that was read to its end, to append at `end`.
    pub(crate) fn at_end(
        path: &Path,
        durability: Durability,
        end: u64,
    ) -> Result<Self, LedgerError> {
        let mut file = open_to_write(path, false)?;
        // A killed writer may have left unsynced bytes, which count from now on.
        file.seek(SeekFrom::Start(end))
            .and_then(|_| file.sync_all())
            .map_err(LedgerError::io(path))?;
        Ok(Self::new(Box::new(file), path, durability, end))
    }

    pub(crate) fn new(disk: Box<dyn Disk>, path: &Path, durability: Durability, end: u64) -> Self {
        ChainWriter {
            disk,
            path: path.to_owned(),
            durability,
            end,
            unsynced_since: None,
            poisoned: false,
            run: None,
        }
    }

    /// The same writer, as that of a run. It holds the run's lock as well.
    pub(crate) fn of_run(self, owner: Arc<Ownership>) -> Result<Self, LedgerError> {
        let written = End::of(&self.path, self.end)?;
        Ok(ChainWriter {
            run: Some(Run { owner, written }),
            ..self
        })
    }

    /// The same writer, with something between it and its file. Tests put a file
    /// there that fails on demand.
    #[doc(hidden)]
    pub fn through(self, between: impl FnOnce(Box<dyn Disk>) -> Box<dyn Disk>) -> Self {
        ChainWriter {
            disk: between(self.disk),
            ..self
        }
    }

    /// Appends a record; returns its offset in the file, in bytes.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if writing or syncing failed. After that, every call
    /// returns [`LedgerError::Poisoned`], because it is unknown which bytes reached
    /// the disk. [`LedgerError::RecordTooLong`] if the format does not allow the
    /// lengths. [`LedgerError::TakenOver`], [`LedgerError::Replaced`] or
    /// [`LedgerError::Changed`] if another process writes to the run. Nothing was then
    /// written, and nothing ever will be.
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
        self.check_end()?;
        self.guarded(|disk| disk.append(&record))?;
        if let Some(run) = &mut self.run {
            run.written.append(&record);
        }
        let offset = self.end;
        self.end += record.len() as u64;
        self.unsynced_since.get_or_insert_with(Instant::now);
        match self.durability {
            Durability::EveryBlock => self.sync()?,
            Durability::Grouped => self.sync_if_due()?,
        }
        Ok(offset)
    }

    /// The time until [`sync_if_due`](Self::sync_if_due) will sync. `None` if
    /// everything is synced.
    pub fn sync_due_in(&self) -> Option<Duration> {
        self.unsynced_since
            .map(|since| GROUP_WINDOW.saturating_sub(since.elapsed()))
    }

    /// Syncs if the oldest unsynced block is at least [`GROUP_WINDOW`] old. Call it
    /// while idle.
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

    /// Syncs everything that was appended to the disk.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn sync(&mut self) -> Result<(), LedgerError> {
        if self.unsynced_since.is_some() || self.poisoned {
            self.guarded(|disk| disk.sync())?;
            self.unsynced_since = None;
        }
        Ok(())
    }

    /// Checks that the file is still at its path, with the length that was written, and
    /// that no other process has become the run's owner. If somebody removed or moved the
    /// run, the system would keep writing to a file that no reader can find.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if there is no file, [`LedgerError::Replaced`] if its length
    /// differs, [`LedgerError::Changed`] if it is another file,
    /// [`LedgerError::TakenOver`] if another process writes to the run. After that, every
    /// call returns [`LedgerError::Poisoned`].
    pub fn check_place(&mut self) -> Result<(), LedgerError> {
        if self.poisoned {
            return Err(LedgerError::Poisoned(self.path.clone()));
        }
        self.look(false).inspect_err(|_| self.poisoned = true)
    }

    /// The same, and that the file ends with what was written.
    fn check_end(&mut self) -> Result<(), LedgerError> {
        if self.poisoned || self.run.is_none() {
            // The write says that it is poisoned.
            return Ok(());
        }
        self.look(true).inspect_err(|_| self.poisoned = true)
    }

    fn look(&mut self, at_end: bool) -> Result<(), LedgerError> {
        let io = |source| LedgerError::io(&self.path)(source);
        // A link in its place has a length of its own, that of its text.
        let found = std::fs::symlink_metadata(&self.path).map_err(io)?;
        let Some(run) = &mut self.run else {
            return self.require_len(found.len());
        };
        let is_same = run.written.is_same_file(&found).map_err(io)?;
        let is_same = is_same && (!at_end || run.written.is_unchanged(self.end).map_err(io)?);
        let owner = run.owner.clone();
        let checked = self.require_len(found.len()).and_then(|()| match is_same {
            true => Ok(()),
            false => Err(LedgerError::Changed {
                path: self.path.clone(),
            }),
        });
        match checked {
            // If another process is the owner, that is why.
            Err(error) => Err(owner.taken_over().unwrap_or(error)),
            Ok(()) => owner.check(),
        }
    }

    fn require_len(&self, found: u64) -> Result<(), LedgerError> {
        match found == self.end {
            true => Ok(()),
            false => Err(LedgerError::Replaced {
                path: self.path.clone(),
                found,
                written: self.end,
            }),
        }
    }

    fn guarded(
        &mut self,
        action: impl FnOnce(&mut dyn Disk) -> std::io::Result<()>,
    ) -> Result<(), LedgerError> {
        if self.poisoned {
            return Err(LedgerError::Poisoned(self.path.clone()));
        }
        action(self.disk.as_mut()).map_err(|source| {
            self.poisoned = true;
            LedgerError::Io {
                path: self.path.clone(),
                source,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunDir;
    use pow_core::block::MAX_BLOCK_LEN;
    use std::io::{Error, ErrorKind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A file that fails when it writes or when it syncs, and counts its calls.
    #[derive(Debug)]
    struct Failing {
        on_sync: bool,
        calls: Arc<AtomicUsize>,
    }

    impl Failing {
        fn count(&self, fails: bool) -> std::io::Result<()> {
            self.calls.fetch_add(1, Ordering::SeqCst);
            match fails {
                true => Err(Error::from(ErrorKind::StorageFull)),
                false => Ok(()),
            }
        }
    }

    impl Disk for Failing {
        fn append(&mut self, _bytes: &[u8]) -> std::io::Result<()> {
            self.count(!self.on_sync)
        }

        fn sync(&mut self) -> std::io::Result<()> {
            self.count(self.on_sync)
        }
    }

    #[test]
    fn nothing_is_written_or_synced_after_an_error() {
        for on_sync in [false, true] {
            let calls = Arc::new(AtomicUsize::new(0));
            let disk = Failing {
                on_sync,
                calls: calls.clone(),
            };
            let path = Path::new("runs/chain.pow");
            let mut chain = ChainWriter::new(Box::new(disk), path, Durability::EveryBlock, 16);
            let first = chain.append(&[1; 80], &[2; 100]).unwrap_err();
            assert!(matches!(&first, LedgerError::Io { path: at, source }
                if at == path && source.kind() == ErrorKind::StorageFull));
            let after_the_error = calls.load(Ordering::SeqCst);
            let append = chain.append(&[1; 80], &[2; 100]).map(drop);
            for error in [append.unwrap_err(), chain.sync().unwrap_err()] {
                assert!(matches!(error, LedgerError::Poisoned(_)), "{error}");
            }
            assert_eq!(calls.load(Ordering::SeqCst), after_the_error);
        }
    }

    #[test]
    fn a_file_that_is_no_longer_at_its_path_is_noticed() {
        let started = || {
            let place = tempfile::tempdir().unwrap();
            let run = RunDir::new(place.path().join("run"));
            let (_files, mut chain) = run.create(b"{}", Durability::Grouped).unwrap();
            chain.append(&[1; 80], &[2; 100]).unwrap();
            chain.check_place().unwrap();
            (place, run, chain)
        };
        let (_place, run, mut chain) = started();
        std::fs::rename(run.path(), run.path().with_extension("moved")).unwrap();
        // The system would still accept writes.
        let error = chain.append(&[1; 80], &[2; 100]).unwrap_err();
        assert!(matches!(&error, LedgerError::Io { path, source }
            if *path == run.chain() && source.kind() == ErrorKind::NotFound));
        let again = chain.append(&[1; 80], &[2; 100]).unwrap_err();
        assert!(matches!(again, LedgerError::Poisoned(_)), "{again}");

        // Another run is at the path.
        let (_place, run, mut chain) = started();
        std::fs::remove_dir_all(run.path()).unwrap();
        drop(run.create(b"{}", Durability::Grouped).unwrap());
        let error = chain.check_place().unwrap_err();
        assert!(matches!(error, LedgerError::Replaced { found: 16, written, .. } if written > 16));
        assert!(matches!(chain.sync(), Err(LedgerError::Poisoned(_))));
    }
    #[test]
    fn a_group_is_synced_when_its_first_block_is_old_enough() {
        let calls = Arc::new(AtomicUsize::new(0));
        let syncs = || calls.load(Ordering::SeqCst);
        let disk = Failing {
            on_sync: true,
            calls: calls.clone(),
        };
        let path = Path::new("runs/chain.pow");
        let mut chain = ChainWriter::new(Box::new(disk), path, Durability::Grouped, 16);
        assert_eq!(chain.sync_due_in(), None);
        chain.sync_if_due().unwrap();
        chain.sync().unwrap();
        assert_eq!(syncs(), 0);

        let now = Instant::now();
        chain.unsynced_since = Some(now + Duration::from_secs(3600));
        assert_eq!(chain.sync_due_in(), Some(GROUP_WINDOW));
        chain.sync_if_due().unwrap();
        assert_eq!(syncs(), 0);

        chain.unsynced_since = now.checked_sub(GROUP_WINDOW);
        assert_eq!(chain.sync_due_in(), Some(Duration::ZERO));
        assert!(chain.sync_if_due().is_err());
        assert_eq!(syncs(), 1);
    }

    #[test]
    fn a_record_that_no_reader_would_accept_is_not_written() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("chain.pow");
        let mut chain = ChainWriter::create(&path, Durability::Grouped).unwrap();
        let error = chain.append(&vec![0; MAX_BLOCK_LEN + 1], &[]).unwrap_err();
        assert!(matches!(error, LedgerError::RecordTooLong { body: 0, .. }));
        assert_eq!(chain.append(&[1; 80], &[2; 100]).unwrap(), 16);
    }

    #[test]
    fn each_block_is_synced_where_that_was_asked_for() {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path().join("run"));
        let (_files, mut chain) = run.create(b"{}", Durability::EveryBlock).unwrap();
        let first = chain.append(&[1; 80], &[2; 100]).unwrap();
        assert_eq!((first, chain.sync_due_in()), (16, None));
        let second = chain.append(&[1; 80], &[2; 100]).unwrap();
        let len = std::fs::metadata(run.chain()).unwrap().len();
        assert_eq!(second - first, len - second);
    }
}
