//! Becoming the owner of a run.

use super::note::{Note, OWNER, read};
use super::ownership::{Ownership, create};
use crate::error::LedgerError;
use crate::files::{StagedFile, sync_parent};
use crate::open::open_to_write;
use crate::refusal::{is_lacking, patiently};
use crate::run::surroundings::Surroundings;
use crate::weakness::Weakness;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::thread::sleep;
use std::time::Instant;

/// The lock of a run, or why there is none.
pub(crate) enum Lock {
    Held(File),
    /// The file system has none.
    Lacking(std::io::Error),
}

/// What to do about the file of another owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rival {
    /// It is a process that begins a run at this moment.
    Refuse,
    /// It may be that of a killed process.
    Watch,
}

/// The owner of a run, and whether a former one may still live.
pub(crate) struct Claimed {
    pub(crate) ownership: Ownership,
    /// Whether a file was replaced that was only watched: see [`renew`].
    pub(crate) is_guess: bool,
}

/// Takes the lock of a run. The lock file is made if it is missing, and its content is
/// never touched: a stranger's run can have anything there.
pub(crate) fn take_lock(path: &Path, around: &Surroundings) -> Result<Lock, LedgerError> {
    let file = open_to_write(path, true)?;
    match (around.try_lock)(&file) {
        Ok(()) => Ok(Lock::Held(file)),
        Err(TryLockError::WouldBlock) => Err(LedgerError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) if is_lacking(&error) => Ok(Lock::Lacking(error)),
        Err(TryLockError::Error(source)) => Err(LedgerError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Makes this process the owner of the run in `run`.
pub(crate) fn claim(
    run: &Path,
    lock: Lock,
    rival: Rival,
    around: &Surroundings,
) -> Result<Claimed, LedgerError> {
    let path = run.join(OWNER);
    let (lock, why_none) = match lock {
        Lock::Held(file) => (Some(file), None),
        Lock::Lacking(error) => (None, Some(error)),
    };
    let note = Note::new(&around.machine);
    let mut is_guess = false;
    let file = loop {
        match create(&path, &note.line()) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => break created.map_err(LedgerError::io(&path))?,
        }
        let Some(found) = read(run)? else {
            continue;
        };
        if rival == Rival::Refuse {
            return Err(in_use(run, &found));
        }
        let is_here = Note::parse(&found).is_some_and(|note| note.machine == around.machine);
        if lock.is_some() && is_here {
            // Its process would hold the lock.
            break replace(&path, &note)?;
        }
        if watch(run, &found, around)? {
            let file = replace(&path, &note)?;
            sleep(around.settle);
            is_guess = true;
            break file;
        }
    };
    let ownership = Ownership::new(run, &note, file, lock, around.beat);
    if is_guess {
        // Another process may have replaced the same file at the same moment.
        if let Some(error) = ownership.taken_over() {
            return Err(error);
        }
    }
    if let Some(error) = why_none {
        ownership.note_weakness(Weakness::NoLocks {
            why: error.to_string(),
        });
    }
    note_directory_sync(run, &ownership, around).inspect_err(|_| {
        if is_guess {
            // The next process must be as careful as this one.
            ownership.leave_file();
        }
    })?;
    Ok(Claimed {
        ownership,
        is_guess,
    })
}

impl Claimed {
    /// The owner, where nothing that a former one still writes can reach the chain file.
    pub(crate) fn with_chain_of_its_own(self, chain: &Path) -> Result<Ownership, LedgerError> {
        if self.is_guess {
            renew(chain).inspect_err(|_| self.ownership.leave_file())?;
        }
        Ok(self.ownership)
    }
}

/// Puts a copy of the chain file in its place. Whoever has the file open, and may have
/// been about to write when it was suspended, then writes to a file without a name.
fn renew(chain: &Path) -> Result<(), LedgerError> {
    let copied = || {
        let io = LedgerError::io;
        let mut new = StagedFile::create_exclusive(chain).map_err(io(chain))?;
        // Windows replaces no file that is open.
        let permissions = {
            let mut old = open_to_write(chain, false)?;
            std::io::copy(&mut old, &mut new).map_err(io(chain))?;
            old.metadata().map_err(io(chain))?.permissions()
        };
        new.publish().map_err(io(chain))?;
        // Not every file system has them.
        let _ = std::fs::set_permissions(chain, permissions);
        sync_parent(chain)
    };
    copied()
}

/// Whether nothing changes in the owner's file for as long as `around` is patient. Returns
/// false if it goes, and an error as soon as it changes: its process lives.
fn watch(run: &Path, found: &[u8], around: &Surroundings) -> Result<bool, LedgerError> {
    let began = Instant::now();
    // Several looks for each sign of life.
    let pause = around.beat.min(around.patience) / 4;
    while began.elapsed() < around.patience {
        sleep(pause);
        match read(run)? {
            None => return Ok(false),
            Some(now) if now != found => return Err(in_use(run, &now)),
            Some(_) => {}
        }
    }
    Ok(true)
}

/// Puts the file of this process in the place of another's.
fn replace(path: &Path, note: &Note) -> Result<File, LedgerError> {
    let staged = path.with_file_name(format!("{OWNER}.{}.tmp", note.token));
    let file = create(&staged, &note.line()).map_err(LedgerError::io(&staged))?;
    match patiently(|| std::fs::rename(&staged, path)) {
        Ok(()) => Ok(file),
        Err(source) => {
            let _ = std::fs::remove_file(&staged);
            Err(LedgerError::io(path)(source))
        }
    }
}

fn in_use(run: &Path, found: &[u8]) -> LedgerError {
    LedgerError::Owned {
        path: run.to_owned(),
        owner: Note::describe(found),
    }
}

/// Notes whether the file system can sync a directory.
fn note_directory_sync(
    run: &Path,
    ownership: &Ownership,
    around: &Surroundings,
) -> Result<(), LedgerError> {
    if cfg!(windows) {
        // A directory is opened in another way there, and not synced.
        return Ok(());
    }
    let synced = File::open(run).and_then(|dir| (around.sync_dir)(&dir));
    match synced {
        Err(error) if is_lacking(&error) => ownership.note_weakness(Weakness::NoDirectorySync {
            why: error.to_string(),
        }),
        synced => synced.map_err(LedgerError::io(run))?,
    }
    Ok(())
}

/// Removes what processes left that were killed while they replaced an owner's file or a
/// chain file. What cannot be removed has no meaning, and stays.
pub(crate) fn remove_unplaced(run: &Path, chain_copy: &Path) {
    let entries = std::fs::read_dir(run).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if is_staged_owner(&path) || path == chain_copy {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whether this is an owner's file that was not put in its place.
pub(crate) fn is_staged_owner(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let token = name.and_then(|name| name.strip_prefix("owner.")?.strip_suffix(".tmp"));
    token.is_some_and(|token| token.len() == 32 && token.bytes().all(|b| b.is_ascii_hexdigit()))
}
