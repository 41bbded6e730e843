//! A file that appears whole or not at all, and replaces no other.

use anyhow::{anyhow, bail};
use std::io::{BufWriter, Error, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// A file under way, beside its place. Dropped, it is removed.
pub struct NewFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl NewFile {
    /// Begins a file at `path`, where nothing may be.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        // Asked now to fail before the work; `keep` makes sure.
        if path.symlink_metadata().is_ok() {
            bail!("{}", exists(path));
        }
        let dir = match path.parent() {
            // An empty parent means the working directory.
            Some(dir) if dir.as_os_str().is_empty() => Path::new("."),
            Some(dir) => dir,
            None => bail!("{} is no file", path.display()),
        };
        let mut builder = Builder::new();
        builder.prefix(".pow-export-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: the process's umask is taken off.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(dir)
            .map_err(|error| named(path, error))?;
        Ok(NewFile {
            path: path.to_owned(),
            file: BufWriter::new(file),
        })
    }

    /// Syncs the file and puts it in its place.
    pub fn keep(self) -> anyhow::Result<()> {
        let path = self.path;
        let file = self
            .file
            .into_inner()
            .map_err(|error| named(&path, error.into()))?;
        file.as_file()
            .sync_all()
            .map_err(|error| named(&path, error))?;
        file.persist_noclobber(&path)
            .map_err(|error| match error.error.kind() {
                ErrorKind::AlreadyExists => anyhow!(exists(&path)),
                _ => named(&path, error.error).into(),
            })?;
        Ok(())
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
