//! Being the owner of a run, until the writers are dropped.

use super::note::{Note, OWNER, beat_line, read};
use crate::error::LedgerError;
use crate::weakness::Weakness;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// This process is the owner of a run. When it is dropped, the owner's file is removed, and
/// then the lock is given back.
#[derive(Debug)]
pub(crate) struct Ownership {
    run: PathBuf,
    line: String,
    /// The file that this process made. If another process put its own at the path, this is
    /// one without a name, and what is written to it does no harm.
    file: Arc<Mutex<File>>,
    heart: Option<(Sender<()>, JoinHandle<()>)>,
    weaknesses: Mutex<Weaknesses>,
    /// Whether the file stays, so that the next process is as careful as this one was.
    stays: AtomicBool,
    /// Absent if the file system has none.
    lock: Option<File>,
}

#[derive(Debug, Default)]
struct Weaknesses {
    all: Vec<Weakness>,
    taken: usize,
}

impl Ownership {
    /// The owner that has made `file` and written its note there.
    pub(super) fn new(
        run: &Path,
        note: &Note,
        file: File,
        lock: Option<File>,
        beat: Duration,
    ) -> Self {
        let file = Arc::new(Mutex::new(file));
        let line = note.line();
        let owner = |heart| Ownership {
            run: run.to_owned(),
            line: line.clone(),
            file: file.clone(),
            heart,
            weaknesses: Mutex::default(),
            stays: AtomicBool::new(false),
            lock,
        };
        match start_heart(file.clone(), line.len() as u64, beat) {
            Ok(heart) => owner(Some(heart)),
            Err(error) => {
                let owner = owner(None);
                owner.note_weakness(Weakness::NoSignOfLife {
                    why: error.to_string(),
                });
                owner
            }
        }
    }

    /// Checks that no other process has become the owner. If somebody removed the owner's
    /// file, it is made again.
    pub(crate) fn check(&self) -> Result<(), LedgerError> {
        match read(&self.run)? {
            Some(found) => self.require_own(&found),
            None => self.restore(),
        }
    }

    /// The error that another process has become the owner, if it has.
    pub(crate) fn taken_over(&self) -> Option<LedgerError> {
        let found = read(&self.run).ok()??;
        self.require_own(&found).err()
    }

    fn require_own(&self, found: &[u8]) -> Result<(), LedgerError> {
        match found.starts_with(self.line.as_bytes()) {
            true => Ok(()),
            false => Err(LedgerError::TakenOver {
                path: self.run.clone(),
                owner: Note::describe(found),
            }),
        }
    }

    fn restore(&self) -> Result<(), LedgerError> {
        match create(&self.run.join(OWNER), &self.line) {
            Ok(file) => {
                *self.file.lock().unwrap_or_else(PoisonError::into_inner) = file;
                Ok(())
            }
            // Another process was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => match read(&self.run)? {
                Some(found) => self.require_own(&found),
                None => Ok(()),
            },
            // Nobody else can make it either. Whatever is wrong, such as a run that was
            // moved, the write that follows says it.
            Err(_) => Ok(()),
        }
    }

    /// Leaves the owner's file when this is dropped.
    pub(super) fn leave_file(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    /// Notes what is weaker, once.
    pub(crate) fn note_weakness(&self, weakness: Weakness) {
        let mut noted = self
            .weaknesses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !noted.all.contains(&weakness) {
            noted.all.push(weakness);
        }
    }

    /// The weaknesses that were not returned before.
    pub(crate) fn take_weaknesses(&self) -> Vec<Weakness> {
        let mut noted = self
            .weaknesses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let new = noted.all[noted.taken..].to_vec();
        noted.taken = noted.all.len();
        new
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.heart.take() {
            drop(stop);
            let _ = thread.join();
        }
        let is_own =
            || matches!(read(&self.run), Ok(Some(found)) if self.require_own(&found).is_ok());
        if !self.stays.load(Ordering::Relaxed) && is_own() {
            // If it cannot be removed, the next process takes it for that of a killed one.
            let _ = std::fs::remove_file(self.run.join(OWNER));
        }
        if let Some(lock) = &self.lock {
            // Closing it is not enough if this process starts another one at this moment, which
            // has the same file open for that long.
            let _ = lock.unlock();
        }
    }
}

/// Makes an owner's file where there is none. If it cannot be written, nothing stays.
pub(super) fn create(path: &Path, line: &str) -> std::io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file
        .write_all(line.as_bytes())
        .and_then(|()| file.write_all(beat_line(0).as_bytes()))
        .and_then(|()| file.sync_all());
    match written {
        Ok(()) => Ok(file),
        Err(error) => {
            let _ = std::fs::remove_file(path);
            Err(error)
        }
    }
}

/// Starts the thread that writes a number behind the note again and again.
fn start_heart(
    file: Arc<Mutex<File>>,
    at: u64,
    beat: Duration,
) -> std::io::Result<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel();
    let beats = move || {
        for count in 1_u64.. {
            if stopped.recv_timeout(beat) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            // A beat that is lost is made up for by the next. Other machines see it only
            // once it is synced.
            let _ = file
                .seek(SeekFrom::Start(at))
                .and_then(|_| file.write_all(beat_line(count).as_bytes()))
                .and_then(|()| file.sync_data());
        }
    };
    let thread = Builder::new().name("pow-owner".into()).spawn(beats)?;
    Ok((stop, thread))
}
