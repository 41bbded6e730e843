//! A file that appears whole or not at all, and replaces no other.

use anyhow::{anyhow, bail};
use pow_ledger::files::StagedFile;
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A file under way, beside its place. Dropped, it is removed.
pub struct NewFile {
    path: PathBuf,
    file: StagedFile,
}

impl NewFile {
    /// Begins a file at `path`, where nothing may be.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        // Asked now to fail before the work; `keep` makes sure.
        if path.symlink_metadata().is_ok() {
            bail!("{}", exists(path));
        }
        let file = StagedFile::create(path).map_err(|error| named(path, error))?;
        Ok(NewFile {
            path: path.to_owned(),
            file,
        })
    }

    /// Syncs the file and puts it in its place.
    pub fn keep(self) -> anyhow::Result<()> {
        let path = self.path;
        self.file.publish_new().map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => anyhow!(exists(&path)),
            _ => named(&path, error).into(),
        })
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file
            .write(bytes)
            .map_err(|error| named(&self.path, error))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush().map_err(|error| named(&self.path, error))
    }
}

/// The error, which then says which file it is about.
fn named(path: &Path, error: Error) -> Error {
    Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn exists(path: &Path) -> String {
    format!("{} exists already and is not overwritten", path.display())
}
