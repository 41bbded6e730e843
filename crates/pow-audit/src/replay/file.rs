//! A replay report as a file.

use super::error::{MAX_REPORT_LEN, ReportError};
use super::report::ReplayReport;
use pow_ledger::files::{StagedFile, open_regular};
use std::io::{Read, Write};
use std::path::Path;

impl ReplayReport {
    /// Reads a report from a file.
    ///
    /// # Errors
    ///
    /// [`ReportError`], which names the file.
    pub fn read(path: &Path) -> Result<ReplayReport, ReportError> {
        let mut bytes = Vec::new();
        open_regular(path)
            .and_then(|file| file.take(MAX_REPORT_LEN as u64 + 1).read_to_end(&mut bytes))
            .map_err(ReportError::io(path))?;
        ReplayReport::from_json(&bytes).map_err(|source| ReportError::In {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    /// Writes the report. The file appears whole or not at all. A file that is
    /// there already is replaced: a part that is executed twice leaves one file.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if it could not be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let text = self.to_json()?;
        // Another process may be writing the same part.
        let write = || {
            let mut file = StagedFile::create(path)?;
            file.write_all(text.as_bytes())?;
            file.publish()
        };
        write().map_err(ReportError::io(path))
    }
}
