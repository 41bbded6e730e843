//! Opening files that strangers made.
//!
//! A run may come from anybody, so nothing in it is trusted to be what its name says. A
//! file inside a run is opened without waiting, and no link is followed on the way to it
//! or at its end. What was opened is looked at through its handle: only a regular file is
//! read. The path of the run itself belongs to whoever typed it, and may be a link.
//!
//! A file that somebody names on a command line may be a link or a pipe. It is read up to
//! a limit, or as a stream.

pub use crate::file_kind::FileKind;

use crate::error::LedgerError;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::path::{Component, Path};

#[cfg(unix)]
#[path = "unix.rs"]
mod system;

#[cfg(not(unix))]
#[path = "other.rs"]
mod system;

/// Opens a file inside the directory `run` for reading. `inside` is its path there.
///
/// # Errors
///
/// [`LedgerError::Kind`] if it is not a regular file, or if it is reached through a link
/// inside the run. [`LedgerError::Io`] if the system refuses.
pub fn open_inside(run: &Path, inside: &Path) -> Result<File, LedgerError> {
    let path = run.join(inside);
    let opened = system::open_inside(run, inside).map_err(|source| {
        wrong_kind(run, inside).unwrap_or(LedgerError::Io {
            path: path.clone(),
            source,
        })
    })?;
    regular(opened, &path)
}

/// Opens the regular file at `path`, which may be a link to one. It never waits.
///
/// # Errors
///
/// [`LedgerError::Kind`] if it is not a regular file, [`LedgerError::Io`] if the system
/// refuses.
pub fn open_regular(path: &Path) -> Result<File, LedgerError> {
    let mut options = OpenOptions::new();
    system::never_wait(options.read(true));
    open_by(&options, path, |path| std::fs::metadata(path))
}

/// Opens a file that somebody named on a command line. It may be a link, a pipe or a
/// device. A pipe without a writer is waited for, as `cat` does.
///
/// # Errors
///
/// [`LedgerError::Kind`] if it is a directory, [`LedgerError::Io`] if the system refuses.
pub fn open_named(path: &Path) -> Result<File, LedgerError> {
    let file = File::open(path).map_err(LedgerError::io(path))?;
    let found = kind(&file.metadata().map_err(LedgerError::io(path))?);
    if found == FileKind::Directory {
        return Err(LedgerError::Kind {
            path: path.to_owned(),
            expected: FileKind::Regular,
            found,
        });
    }
    Ok(file)
}

/// Reads a file that somebody named on a command line, as [`open_named`] opens it.
///
/// # Errors
///
/// [`LedgerError::TooLong`] if it has more than `limit` bytes. No more than one byte
/// beyond the limit is read. Otherwise as [`open_named`].
pub fn read_named(path: &Path, limit: u64) -> Result<Vec<u8>, LedgerError> {
    read_limited(open_named(path)?, path, limit)
}

/// Reads an open file to its end. `path` is its name in errors.
///
/// # Errors
///
/// [`LedgerError::TooLong`] if it has more than `limit` bytes, [`LedgerError::Io`] if it
/// cannot be read.
pub fn read_limited(file: impl Read, path: &Path, limit: u64) -> Result<Vec<u8>, LedgerError> {
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(LedgerError::io(path))?;
    if bytes.len() as u64 > limit {
        return Err(LedgerError::TooLong {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

/// Opens the regular file at `path` for writing, and for reading too. Its last component
/// is not a link, and nothing is cut off. If `create` is set, a missing file is made.
pub(crate) fn open_to_write(path: &Path, create: bool) -> Result<File, LedgerError> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create(create)
        .truncate(false);
    system::follow_no_link(&mut options);
    open_by(&options, path, |path| std::fs::symlink_metadata(path))
}

/// Opens a regular file. If the system refuses, `look` tells whether something else is
/// at `path`, which explains it.
fn open_by(
    options: &OpenOptions,
    path: &Path,
    look: impl FnOnce(&Path) -> std::io::Result<Metadata>,
) -> Result<File, LedgerError> {
    let opened = options
        .open(path)
        .map_err(|source| match look(path).map(|meta| kind(&meta)) {
            Ok(found) if found != FileKind::Regular => LedgerError::Kind {
                path: path.to_owned(),
                expected: FileKind::Regular,
                found,
            },
            _ => LedgerError::io(path)(source),
        })?;
    regular(opened, path)
}

/// What is at `path`, itself: a link is not followed. `None` if nothing is there.
pub(crate) fn kind_at(path: &Path) -> Result<Option<FileKind>, LedgerError> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) => Ok(Some(kind(&meta))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LedgerError::io(path)(source)),
    }
}

/// Checks that a directory, and no link to one, is at `path`. A missing one is the
/// system's error.
pub(crate) fn require_directory(path: &Path) -> Result<(), LedgerError> {
    let meta = std::fs::symlink_metadata(path).map_err(LedgerError::io(path))?;
    match kind(&meta) {
        FileKind::Directory => Ok(()),
        found => Err(LedgerError::Kind {
            path: path.to_owned(),
            expected: FileKind::Directory,
            found,
        }),
    }
}

/// The file, if its handle is that of a regular one.
fn regular(file: File, path: &Path) -> Result<File, LedgerError> {
    match kind(&file.metadata().map_err(LedgerError::io(path))?) {
        FileKind::Regular => Ok(file),
        found => Err(LedgerError::Kind {
            path: path.to_owned(),
            expected: FileKind::Regular,
            found,
        }),
    }
}

/// The first component inside the run that is not what it must be. It explains why a
/// file was not opened, so errors on the way are no news.
fn wrong_kind(run: &Path, inside: &Path) -> Option<LedgerError> {
    let mut path = run.to_owned();
    let mut parts = inside.components().peekable();
    while let Some(Component::Normal(part)) = parts.next() {
        path.push(part);
        let expected = match parts.peek() {
            Some(_) => FileKind::Directory,
            None => FileKind::Regular,
        };
        let found = kind(&std::fs::symlink_metadata(&path).ok()?);
        if found != expected {
            return Some(LedgerError::Kind {
                path,
                expected,
                found,
            });
        }
    }
    None
}

fn kind(meta: &Metadata) -> FileKind {
    FileKind::of(meta.file_type())
}

#[cfg(test)]
mod tests;
