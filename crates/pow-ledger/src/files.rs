//! Files that appear whole and survive a power cut.

use crate::error::LedgerError;
use crate::refusal::{is_lacking, patiently};
use std::fs::File;
use std::io::{BufWriter, Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, PathPersistError, TempPath};

/// A file that appears at its path whole or not at all.
///
/// It is written under another name in the same directory and then renamed. If it
/// is dropped before that, it is removed.
///
/// Errors do not name the file.
///
/// ```
/// use pow_ledger::files::StagedFile;
/// use std::io::Write;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("report.json");
/// let mut file = StagedFile::create(&path)?;
/// file.write_all(b"{}")?;
/// assert!(!path.exists());
/// file.publish_new()?;
/// assert_eq!(std::fs::read(&path)?, b"{}");
///
/// let again = StagedFile::create(&path)?;
/// let error = again.publish_new().unwrap_err();
/// assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct StagedFile {
    path: PathBuf,
    staging: TempPath,
    file: BufWriter<File>,
}

impl StagedFile {
    /// Starts a file that will be at `path`. Its temporary name is unique, so
    /// several processes may write a file for the same path at the same time.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn create(path: &Path) -> std::io::Result<Self> {
        let dir = match path.parent() {
            // An empty parent means the working directory.
            Some(dir) if dir.as_os_str().is_empty() => Path::new("."),
            Some(dir) => dir,
            None => {
                let reason = "this path cannot name a file";
                return Err(Error::new(ErrorKind::InvalidInput, reason));
            }
        };
        let mut builder = Builder::new();
        builder.prefix(".pow-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any new file: the process's umask is taken off.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let (file, staging) = builder.tempfile_in(dir)?.into_parts();
        Ok(Self::new(path, file, staging))
    }

    /// Starts a file for a path that only one process writes to. Its temporary name
    /// is fixed, so it replaces what a killed writer left there. If that is a link, the
    /// link is removed, and nothing is written through it.
    pub(crate) fn create_exclusive(path: &Path) -> std::io::Result<Self> {
        let staging = staging_path(path);
        match std::fs::remove_file(&staging) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = File::create_new(&staging)?;
        Ok(Self::new(path, file, TempPath::try_from_path(staging)?))
    }

    fn new(path: &Path, file: File, staging: TempPath) -> Self {
        StagedFile {
            path: path.to_owned(),
            staging,
            file: BufWriter::new(file),
        }
    }

    /// Syncs the file and puts it at its path. A file that is there already is
    /// replaced.
    ///
    /// # Errors
    ///
    /// The system's. What was at the path is then unchanged.
    pub fn publish(self) -> std::io::Result<()> {
        let (path, staging) = self.synced()?;
        put(staging, |staging| staging.persist(&path))
    }

    /// Syncs the file and puts it at its path, where nothing may be.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if something is there, or the system's. What was
    /// at the path is then unchanged.
    pub fn publish_new(self) -> std::io::Result<()> {
        let (path, staging) = self.synced()?;
        put(staging, |staging| staging.persist_noclobber(&path))
    }

    fn synced(self) -> std::io::Result<(PathBuf, TempPath)> {
        self.file.into_inner()?.sync_all()?;
        Ok((self.path, self.staging))
    }
}

/// Renames a file that was staged, also if the system refuses it for a moment.
fn put(
    staging: TempPath,
    rename: impl Fn(TempPath) -> Result<(), PathPersistError>,
) -> std::io::Result<()> {
    let mut staging = Some(staging);
    patiently(|| match staging.take().map(&rename) {
        Some(Err(refused)) => {
            staging = Some(refused.path);
            Err(refused.error)
        }
        _ => Ok(()),
    })
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// The temporary name of a file that only one process writes to.
pub(crate) fn staging_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

/// Writes a file of a run, whose one writer is this process. The file appears
/// whole and survives a power cut from then on.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    write_and(path, bytes, StagedFile::publish)
}

/// The same, where nothing may be.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    write_and(path, bytes, StagedFile::publish_new)
}

fn write_and(
    path: &Path,
    bytes: &[u8],
    publish: impl FnOnce(StagedFile) -> std::io::Result<()>,
) -> Result<(), LedgerError> {
    let write = || {
        let mut file = StagedFile::create_exclusive(path)?;
        file.write_all(bytes)?;
        publish(file)
    };
    write().map_err(LedgerError::io(path))?;
    sync_parent(path)
}

/// Creates a directory and the missing ones above it. They survive a power cut.
pub(crate) fn create_dirs(path: &Path) -> Result<(), LedgerError> {
    let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    std::fs::create_dir_all(path).map_err(LedgerError::io(path))?;
    missing.into_iter().try_for_each(sync_parent)
}

/// Makes the name of a file or directory survive a power cut.
pub(crate) fn sync_parent(path: &Path) -> Result<(), LedgerError> {
    path.parent().map_or(Ok(()), sync_dir)
}

/// Makes what was created, renamed or removed in a directory survive a power cut.
///
/// Windows cannot sync a directory. There we rely on the journal of NTFS. If the file system
/// cannot, this is no error: the run's owner has noted it ([`crate::Weakness`]).
pub(crate) fn sync_dir(path: &Path) -> Result<(), LedgerError> {
    if cfg!(windows) {
        return Ok(());
    }
    // An empty path means the working directory.
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    tolerate(File::open(path).and_then(|dir| dir.sync_all())).map_err(LedgerError::io(path))
}

/// Takes a sync that the file system lacks for one that was done.
fn tolerate(synced: std::io::Result<()>) -> std::io::Result<()> {
    match synced {
        Err(error) if is_lacking(&error) => Ok(()),
        synced => synced,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn a_directory_that_cannot_be_synced_is_no_error_and_a_failed_sync_is() {
        for (kind, is_tolerated) in [
            (ErrorKind::InvalidInput, true),
            (ErrorKind::Unsupported, true),
            (ErrorKind::StorageFull, false),
            (ErrorKind::Other, false),
        ] {
            assert_eq!(
                tolerate(Err(Error::from(kind))).is_ok(),
                is_tolerated,
                "{kind}"
            );
        }
    }

    #[test]
    fn a_rename_that_is_refused_for_a_moment_is_tried_again() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a");
        let mut file = StagedFile::create(&path).unwrap();
        file.write_all(b"whole").unwrap();
        let (_, staging) = file.synced().unwrap();
        let refusals = std::cell::Cell::new(2);
        put(staging, |staging| match refusals.get() {
            0 => staging.persist(&path),
            left => {
                refusals.set(left - 1);
                let error = Error::from(ErrorKind::PermissionDenied);
                Err(PathPersistError {
                    error,
                    path: staging,
                })
            }
        })
        .unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(place.path()), ["a"]);
    }

    /// The names in a directory, sorted.
    pub(crate) fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_not_published_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a");
        for create in [StagedFile::create, StagedFile::create_exclusive] {
            let mut file = create(&path).unwrap();
            file.write_all(b"half").unwrap();
            assert_eq!(names(place.path()).len(), 1);
            drop(file);
            assert_eq!(names(place.path()), [""; 0]);
        }
    }

    #[test]
    fn a_published_file_replaces_another_only_if_it_may() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a");
        let written = |bytes: &[u8]| {
            let mut file = StagedFile::create(&path).unwrap();
            file.write_all(bytes).unwrap();
            file
        };
        written(b"first").publish_new().unwrap();
        let error = written(b"second").publish_new().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        written(b"third").publish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"third");
        assert_eq!(names(place.path()), ["a"]);
    }

    #[test]
    fn what_a_killed_writer_left_is_replaced() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("config.json");
        std::fs::write(staging_path(&path), "a long rest").unwrap();
        write_atomically(&path, b"{}").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"{}");
        assert_eq!(names(place.path()), ["config.json"]);
        // A directory is not, and the error does not say that the file exists.
        std::fs::create_dir(staging_path(&path)).unwrap();
        let error = write_atomically(&path, b"{}").unwrap_err();
        assert!(matches!(error, LedgerError::Io { source, .. }
            if source.kind() != ErrorKind::AlreadyExists));
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        let (usual, staged) = (place.path().join("a"), place.path().join("b"));
        drop(File::create(&usual).unwrap());
        StagedFile::create(&staged).unwrap().publish().unwrap();
        assert_eq!(mode(&staged), mode(&usual));
    }
    #[test]
    fn what_is_flushed_is_in_the_file() {
        let place = tempfile::tempdir().unwrap();
        let mut file = StagedFile::create(&place.path().join("a")).unwrap();
        file.write_all(b"half").unwrap();
        file.flush().unwrap();
        assert_eq!(std::fs::read(&file.staging).unwrap(), b"half");
    }
}
