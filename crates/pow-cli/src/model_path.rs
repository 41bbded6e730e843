//! A published model on the command line.

use crate::output::complain;
use pow_ledger::published::{PublishedError, PublishedModel};
use std::path::Path;

/// The result of something, or nothing if the model is at fault. What is wrong with it is then
/// on stderr, and the exit code is 1.
pub fn or_verdict<T>(result: Result<T, PublishedError>) -> anyhow::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_verdict() => {
            complain(&error);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Opens a model. It may be a link, and no pipe.
pub fn open(path: &Path) -> anyhow::Result<Option<PublishedModel>> {
    if is_pipe(path) {
        anyhow::bail!("{}: not a file or a directory", path.display());
    }
    or_verdict(PublishedModel::open(path))
}

/// Whether something that is no file and no directory is at `path`.
pub fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}
