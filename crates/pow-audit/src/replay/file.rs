//! A replay report as a file.

use super::error::{MAX_REPORT_LEN, ReportError};
use super::report::ReplayReport;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};
use std::path::Path;
use tempfile::Builder;

impl ReplayReport {
    /// Reads a report from a file.
    ///
    /// # Errors
    ///
    /// [`ReportError`], which names the file.
    pub fn read(path: &Path) -> Result<ReplayReport, ReportError> {
        let io = |source| ReportError::Io {
            path: path.to_owned(),
            source,
        };
        // A pipe would never open, and a device never end.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            let words = "not a regular file";
            return Err(io(Error::new(ErrorKind::InvalidInput, words)));
        }
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(MAX_REPORT_LEN as u64 + 1).read_to_end(&mut bytes))
            .map_err(io)?;
        ReplayReport::from_json(&bytes).map_err(|source| ReportError::In {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Writes the report. The file appears whole or not at all, and replaces
    /// one that is there: a part that is executed twice leaves one file.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if it could not be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let io = |source| ReportError::Io {
            path: path.to_owned(),
            source,
        };
        let text = self.to_json()?;
        let dir = match path.parent() {
            // An empty parent means the working directory.
            Some(dir) if dir.as_os_str().is_empty() => Path::new("."),
            Some(dir) => dir,
            None => return Err(io(Error::new(ErrorKind::InvalidInput, "no file"))),
        };
        let mut builder = Builder::new();
        // A name of its own: another process may be writing the same part.
        builder.prefix(".replay-").suffix(".tmp");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file: the process's umask is taken off.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(dir).map_err(io)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(io)?;
        file.persist(path).map_err(|error| io(error.error))?;
        Ok(())
    }
}
