//! Creating a run, and removing one that was never used.

use crate::chain::writer::{ChainWriter, Durability};
use crate::error::LedgerError;
use crate::file_kind::FileKind;
use crate::files::{create_dirs, staging_path, sync_dir, sync_parent, write_atomically};
use crate::format::FILE_HEADER_LEN;
use crate::open::{kind_at, require_directory};
use crate::run::checkpoint::{is_unfinished, remove_all};
use crate::run::owner::claim::{Rival, claim, is_staged_owner, remove_unplaced, take_lock};
use crate::run::owner::ownership::Ownership;
use crate::run::run_dir::RunDir;
use crate::run::run_file::RunFile;
use crate::run::run_writer::RunWriter;
use crate::run::surroundings::Surroundings;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a new file system has at its top.
const LOST_AND_FOUND: &str = "lost+found";

impl RunDir {
    /// Creates the directory and any missing parents, takes the lock, and writes
    /// config.json and a chain file without blocks. An empty directory may be there
    /// already, such as a mount point (`lost+found` does not count), or a link to one.
    ///
    /// There are two writers so that one thread can append blocks while another
    /// writes checkpoints.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Exists`] if something else is at that path,
    /// [`LedgerError::Locked`] or [`LedgerError::Owned`] if another process starts a run there,
    /// [`LedgerError::Io`] if a file cannot be written. What was made is then removed,
    /// but for parents.
    pub fn create(
        &self,
        config: &[u8],
        durability: Durability,
    ) -> Result<(RunWriter, ChainWriter), LedgerError> {
        self.create_in(&Surroundings::real(), config, durability)
    }

    /// The same as [`create`](Self::create), in surroundings that a test chooses.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    #[doc(hidden)]
    pub fn create_in(
        &self,
        around: &Surroundings,
        config: &[u8],
        durability: Durability,
    ) -> Result<(RunWriter, ChainWriter), LedgerError> {
        if let Some(parent) = self.path().parent() {
            create_dirs(parent)?;
        }
        let is_new = match std::fs::create_dir(self.path()) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.require_names(&[])?;
                false
            }
            Err(source) => return Err(LedgerError::io(self.path())(source)),
        };
        let claimed = take_lock(&self.lock(), around).and_then(|lock| {
            // Another process may have been here between the look and the lock.
            self.require_names(&[self.lock()])?;
            claim(self.path(), lock, Rival::Refuse, around)
        });
        let owner = match claimed {
            Ok(claimed) => Arc::new(claimed.ownership),
            Err(error) => {
                if is_new && matches!(error, LedgerError::Io { .. }) {
                    // Nobody else has a file here, or the directory stays.
                    let _ = std::fs::remove_file(self.lock());
                    let _ = std::fs::remove_dir(self.path());
                }
                return Err(error);
            }
        };
        let filled = self.fill(&owner, config, durability);
        if filled.is_err() && owner.check().is_ok() {
            self.discard(is_new, owner);
        }
        filled
    }

    /// The same as [`create`](Self::create), also where an earlier writer was killed
    /// before its first block was in the chain: what it left is removed. `None` if the
    /// chain has a block. Such a run can be resumed.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create), and [`LedgerError::Exists`] if the chain has no
    /// block and something is there that a writer does not leave. Nothing is then
    /// removed. [`LedgerError::Chain`] if the chain file is damaged.
    pub fn create_again(
        &self,
        config: &[u8],
        durability: Durability,
    ) -> Result<Option<(RunWriter, ChainWriter)>, LedgerError> {
        self.create_again_in(&Surroundings::real(), config, durability)
    }

    /// The same as [`create_again`](Self::create_again), in surroundings that a test
    /// chooses.
    ///
    /// # Errors
    ///
    /// As [`create_again`](Self::create_again).
    #[doc(hidden)]
    pub fn create_again_in(
        &self,
        around: &Surroundings,
        config: &[u8],
        durability: Durability,
    ) -> Result<Option<(RunWriter, ChainWriter)>, LedgerError> {
        match self.create_in(around, config, durability) {
            Err(LedgerError::Exists(_)) => {}
            created => return created.map(Some),
        }
        // Before the lock, so that no lock file is made in a directory that is not a run.
        if self.has_block()? {
            return Ok(None);
        }
        let own = [
            self.config(),
            staging_path(&self.config()),
            self.order_table(),
            staging_path(&self.order_table()),
            self.chain(),
            self.lock(),
            self.owner(),
            self.checkpoints(),
        ];
        self.require_names(&own)?;
        let checkpoints = self.leftover_checkpoints()?;
        let lock = take_lock(&self.lock(), around)?;
        let owner = Arc::new(claim(self.path(), lock, Rival::Watch, around)?.ownership);
        // It may have begun meanwhile.
        if self.has_block()? {
            return Ok(None);
        }
        remove_unplaced(self.path(), &staging_path(&self.chain()));
        for path in checkpoints {
            remove_all(&path)?;
        }
        let stay = [self.lock(), self.owner()];
        for path in own.iter().filter(|path| !stay.contains(path)) {
            remove_left(path)?;
        }
        self.fill(&owner, config, durability).map(Some)
    }

    /// Writes the first files of a new run.
    fn fill(
        &self,
        owner: &Arc<Ownership>,
        config: &[u8],
        durability: Durability,
    ) -> Result<(RunWriter, ChainWriter), LedgerError> {
        std::fs::create_dir(self.checkpoints()).map_err(LedgerError::io(&self.checkpoints()))?;
        write_atomically(&self.config(), config)?;
        let chain = ChainWriter::create(&self.chain(), durability)?;
        sync_dir(self.path())?;
        // Otherwise a power cut could take the whole directory, although its files are synced.
        sync_parent(self.path())?;
        let chain = chain.of_run(owner.clone())?;
        Ok((RunWriter::new(self.clone(), owner.clone()), chain))
    }

    /// Checks that the path is a directory with these entries and no others.
    fn require_names(&self, names: &[PathBuf]) -> Result<(), LedgerError> {
        let exists = || LedgerError::Exists(self.path().to_owned());
        let entries = match std::fs::read_dir(self.path()) {
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(exists()),
            entries => entries.map_err(LedgerError::io(self.path()))?,
        };
        for entry in entries {
            let entry = entry.map_err(LedgerError::io(self.path()))?;
            let is_own = names.contains(&entry.path()) || is_staged_owner(&entry.path());
            if entry.file_name() != LOST_AND_FOUND && !is_own {
                return Err(exists());
            }
        }
        Ok(())
    }

    /// Whether the chain has a whole block. A file that ends inside its first bytes has
    /// none, because its writer was killed.
    fn has_block(&self) -> Result<bool, LedgerError> {
        let path = self.chain();
        if kind_at(&path)?.is_none() {
            return Ok(false);
        }
        let len = self
            .open(RunFile::Chain)?
            .metadata()
            .map_err(LedgerError::io(&path))?
            .len();
        if len < FILE_HEADER_LEN as u64 {
            return Ok(false);
        }
        let first = self.open_chain()?.next().transpose();
        let first = first.map_err(|source| LedgerError::Chain { path, source })?;
        Ok(first.is_some())
    }

    /// The checkpoints that a killed writer left, whole or not. Fails if there is
    /// anything else beside them.
    fn leftover_checkpoints(&self) -> Result<Vec<PathBuf>, LedgerError> {
        let path = self.checkpoints();
        if kind_at(&path)?.is_none() {
            return Ok(Vec::new());
        }
        require_directory(&path)?;
        let whole = self.checkpoint_roots()?;
        let mut found = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(LedgerError::io(&path))? {
            let entry = entry.map_err(LedgerError::io(&path))?;
            let is_own = whole
                .iter()
                .any(|root| entry.path() == self.checkpoint(*root).dir())
                || is_unfinished(&entry.file_name());
            if !is_own {
                return Err(LedgerError::Exists(self.path().to_owned()));
            }
            found.push(entry.path());
        }
        Ok(found)
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
        // The owner's file goes with its writer, unless that could not remove it. Few runs
        // have a table.
        let may_be = [self.owner(), self.order_table()];
        let unused = || {
            for entry in std::fs::read_dir(self.path())? {
                let path = entry?.path();
                let is_own =
                    path == self.checkpoints() || own.contains(&path) || may_be.contains(&path);
                if !is_own && path.file_name() != Some(OsStr::new(LOST_AND_FOUND)) {
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
        for path in &may_be {
            remove_left(path)?;
        }
        let checkpoints = self.checkpoints();
        std::fs::remove_dir(&checkpoints).map_err(LedgerError::io(&checkpoints))?;
        match std::fs::remove_dir(self.path()).map_err(|error| error.kind()) {
            // A mount point, or a link to a directory. It was there before the run.
            Err(
                ErrorKind::ResourceBusy
                | ErrorKind::NotADirectory
                | ErrorKind::DirectoryNotEmpty
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::PermissionDenied,
            )
            | Ok(()) => Ok(()),
            Err(kind) => Err(LedgerError::io(self.path())(kind.into())),
        }
    }

    /// Removes the first files, which could not all be written, and the directory if it
    /// is new. Errors are ignored: the caller already has one to report.
    fn discard(&self, is_new: bool, owner: Arc<Ownership>) {
        let config = self.config();
        for path in [&staging_path(&config), &config, &self.chain(), &self.lock()] {
            let _ = std::fs::remove_file(path);
        }
        let _ = std::fs::remove_dir(self.checkpoints());
        drop(owner);
        if is_new {
            let _ = std::fs::remove_dir(self.path());
        }
    }
}

/// Removes what may be missing: a file, or an empty directory.
fn remove_left(path: &Path) -> Result<(), LedgerError> {
    let removed = match kind_at(path)? {
        None => return Ok(()),
        Some(FileKind::Directory) => std::fs::remove_dir(path),
        Some(_) => std::fs::remove_file(path),
    };
    removed.map_err(LedgerError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::names;
    use crate::format::FILE_HEADER;
    use pow_core::order::OrderTable;
    use std::fs::{create_dir, read, read_dir, write};

    const GROUPED: Durability = Durability::Grouped;

    fn place() -> (tempfile::TempDir, RunDir) {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path().join("run"));
        (place, run)
    }

    /// Every file below a directory, and what is in it.
    fn everything(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        for entry in read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => found.extend(everything(&path)),
                false => found.push((path.clone(), read(&path).unwrap())),
            }
        }
        found.sort();
        found
    }

    fn has_exists(created: Result<impl Sized, LedgerError>, run: &RunDir) {
        match created.map(drop).unwrap_err() {
            LedgerError::Exists(path) => assert_eq!(path, run.path()),
            error => panic!("{error}"),
        }
    }

    #[test]
    fn an_empty_directory_is_taken() {
        let (_place, run) = place();
        create_dir(run.path()).unwrap();
        create_dir(run.path().join("lost+found")).unwrap();
        let (files, mut chain) = run.create(b"{}", GROUPED).unwrap();
        chain.append(&[1; 80], &[2; 100]).unwrap();
        drop((chain, files));
        has_exists(run.create(b"{}", GROUPED), &run);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_an_empty_directory_is_taken() {
        let (place, run) = place();
        create_dir(place.path().join("scratch")).unwrap();
        std::os::unix::fs::symlink(place.path().join("scratch"), run.path()).unwrap();
        drop(run.create(b"{}", GROUPED).unwrap());
        assert!(place.path().join("scratch/chain.pow").is_file());
    }

    #[cfg(unix)]
    #[test]
    fn an_unused_run_leaves_the_link_and_the_directory_it_was_given() {
        let (place, run) = place();
        let scratch = place.path().join("scratch");
        create_dir(&scratch).unwrap();
        create_dir(scratch.join(LOST_AND_FOUND)).unwrap();
        std::os::unix::fs::symlink(&scratch, run.path()).unwrap();
        drop(run.create(b"{}", GROUPED).unwrap());
        run.remove_unused().unwrap();
        assert_eq!(names(&scratch), [LOST_AND_FOUND]);
        assert!(run.path().is_symlink());
    }

    #[test]
    fn a_directory_with_something_in_it_stays_as_it_is() {
        for name in ["notes.txt", "lock"] {
            let (_place, run) = place();
            create_dir(run.path()).unwrap();
            write(run.path().join(name), "mine").unwrap();
            has_exists(run.create(b"{}", GROUPED), &run);
            assert_eq!(names(run.path()), [name]);
        }
        let (_place, run) = place();
        write(run.path(), "mine").unwrap();
        has_exists(run.create(b"{}", GROUPED), &run);
        assert_eq!(read(run.path()).unwrap(), b"mine");
    }

    #[test]
    fn a_run_that_began_is_not_created_again() {
        let (_place, run) = place();
        let created = run.create_again(b"{}", GROUPED).unwrap();
        let (files, mut chain) = created.unwrap();
        chain.append(&[1; 80], &[2; 100]).unwrap();
        write(run.path().join("notes.txt"), "mine").unwrap();
        drop((chain, files));
        let before = everything(run.path());
        assert!(run.create_again(b"other", GROUPED).unwrap().is_none());
        assert_eq!(everything(run.path()), before);
    }

    #[test]
    fn what_a_writer_left_before_its_first_block_is_removed() {
        type Left = fn(&RunDir);
        let cases: [Left; 8] = [
            |run| drop(run.create(b"old", GROUPED).unwrap()),
            |_| {},
            |run| write(run.lock(), "").unwrap(),
            // Killed while it became the owner of a run whose owner was killed.
            |run| {
                let (_files, _chain) = run.create(b"old", GROUPED).unwrap();
                let note = read(run.owner()).unwrap();
                write(
                    run.path().join(format!("owner.{}.tmp", "a".repeat(32))),
                    &note,
                )
                .unwrap();
                write(run.owner(), note).unwrap();
            },
            // Killed while the chain file was made.
            |run| {
                drop(run.create(b"old", GROUPED).unwrap());
                write(run.chain(), &FILE_HEADER[..3]).unwrap();
            },
            // Killed while it appended genesis.
            |run| {
                let (files, mut chain) = run.create(b"old", GROUPED).unwrap();
                chain.append(&[1; 80], &[2; 100]).unwrap();
                drop((chain, files));
                let whole = read(run.chain()).unwrap();
                write(run.chain(), &whole[..whole.len() - 1]).unwrap();
            },
            // With the checkpoint of the initial state, and half of another.
            |run| {
                drop(run.create(b"old", GROUPED).unwrap());
                for name in ["7".repeat(64), format!("{}.tmp", "8".repeat(64))] {
                    let checkpoint = run.checkpoints().join(name);
                    create_dir(&checkpoint).unwrap();
                    write(checkpoint.join("state.json"), "{}").unwrap();
                }
                write(staging_path(&run.config()), "half").unwrap();
            },
            // With the table of the order, and half of another.
            |run| {
                let (files, _chain) = run.create(b"old", GROUPED).unwrap();
                files.order_table(&OrderTable::new([1, 2])).unwrap();
                write(staging_path(&run.order_table()), "half").unwrap();
            },
        ];
        for (case, left) in cases.iter().enumerate() {
            let (_place, run) = place();
            create_dir(run.path()).unwrap();
            left(&run);
            let created = run.create_again(b"new", GROUPED).unwrap();
            let (files, mut chain) = created.unwrap_or_else(|| panic!("case {case} began"));
            assert_eq!(read(run.config()).unwrap(), b"new");
            assert_eq!(
                names(run.path()),
                ["chain.pow", "checkpoints", "config.json", "lock", "owner"]
            );
            assert_eq!(names(&run.checkpoints()), [""; 0], "case {case}");
            chain.append(&[1; 80], &[2; 100]).unwrap();
            drop((chain, files));
            assert!(run.create_again(b"new", GROUPED).unwrap().is_none());
        }
    }

    #[test]
    fn what_a_writer_does_not_leave_is_never_removed() {
        type Add = fn(&RunDir);
        let cases: [Add; 4] = [
            |run| write(run.path().join("model.safetensors"), "mine").unwrap(),
            |run| write(run.checkpoints().join("mine"), "mine").unwrap(),
            |run| create_dir(run.checkpoints().join("a".repeat(63))).unwrap(),
            |run| {
                std::fs::remove_file(run.chain())
                    .and(write(run.path().join("data"), ""))
                    .unwrap()
            },
        ];
        for add in cases {
            let (_place, run) = place();
            drop(run.create(b"old", GROUPED).unwrap());
            add(&run);
            let before = everything(run.path());
            has_exists(run.create_again(b"new", GROUPED), &run);
            assert_eq!(everything(run.path()), before);
        }
    }

    #[test]
    fn a_damaged_chain_is_never_removed() {
        let (_place, run) = place();
        drop(run.create(b"old", GROUPED).unwrap());
        write(run.chain(), [0; 100]).unwrap();
        let before = everything(run.path());
        let error = run.create_again(b"new", GROUPED).unwrap_err();
        assert!(matches!(error, LedgerError::Chain { .. }), "{error}");
        assert_eq!(everything(run.path()), before);
    }

    #[test]
    fn two_writers_never_share_a_run() {
        let (_place, run) = place();
        let first = run.create(b"first", GROUPED).unwrap();
        let before = everything(run.path());
        for _ in 0..2 {
            let error = run.create_again(b"second", GROUPED).unwrap_err();
            assert!(matches!(error, LedgerError::Locked(_)), "{error}");
            assert_eq!(everything(run.path()), before);
        }
        drop(first);
        assert!(run.create_again(b"second", GROUPED).unwrap().is_some());
    }
}
