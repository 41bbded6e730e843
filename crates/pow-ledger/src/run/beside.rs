//! Directories beside the chain whose entries are named by what they are.

use crate::error::LedgerError;
use crate::files::StagedFile;
use crate::open::require_directory;
use std::collections::BTreeSet;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// What the names in `dir` stand for. Names for which `named` gives nothing have no meaning.
/// If the directory is missing, there are none.
pub(super) fn named_in<T: Ord>(
    dir: &Path,
    named: impl Fn(&str) -> Option<T>,
) -> Result<BTreeSet<T>, LedgerError> {
    match require_directory(dir) {
        Err(LedgerError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
            return Ok(BTreeSet::new());
        }
        checked => checked?,
    }
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(dir).map_err(LedgerError::io(dir))? {
        let name = entry.map_err(LedgerError::io(dir))?.file_name();
        found.extend(name.to_str().and_then(&named));
    }
    Ok(found)
}

/// Makes the directory, unless it is there.
pub(super) fn make_dir(dir: &Path) -> Result<(), LedgerError> {
    match std::fs::create_dir(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(LedgerError::io(dir)(error)),
        _ => require_directory(dir),
    }
}

/// Writes a file, unless there is one. Returns whether it was written.
pub(super) fn write_once(path: &Path, bytes: &[u8]) -> Result<bool, LedgerError> {
    let write = || {
        let mut file = StagedFile::create(path)?;
        file.write_all(bytes)?;
        file.publish_new()
    };
    match write() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(LedgerError::io(path)(error)),
    }
}
