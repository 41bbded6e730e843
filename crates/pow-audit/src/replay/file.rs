//! A replay report as a file.

use super::error::{MAX_REPORT_LEN, ReportError};
use super::report::ReplayReport;
use pow_ledger::LedgerError;
use pow_ledger::files::StagedFile;
use pow_ledger::open::read_named;
use std::io::Write;
use std::path::Path;

impl ReplayReport {
    /// Reads a report from a file, which may be a pipe.
    ///
    /// # Errors
    ///
    /// [`ReportError`], which names the file.
    pub fn read(path: &Path) -> Result<ReplayReport, ReportError> {
        let within = |source| ReportError::In {
            path: path.to_owned(),
            source: Box::new(source),
        };
        let bytes = match read_named(path, MAX_REPORT_LEN as u64) {
            Err(LedgerError::TooLong { .. }) => return Err(within(ReportError::TooLong)),
            read => read?,
        };
        ReplayReport::from_json(&bytes).map_err(within)
    }

    /// Writes the report. The file appears whole or not at all. A file that is
    /// there already is replaced: a part that is executed twice leaves one file.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if it could not be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        self.write_and(path, StagedFile::publish)
    }

    /// Writes the report where nothing may be. The file appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`ReportError`] if something is there, or if it could not be written.
    pub fn write_new(&self, path: &Path) -> Result<(), ReportError> {
        self.write_and(path, StagedFile::publish_new)
    }

    fn write_and(
        &self,
        path: &Path,
        publish: impl FnOnce(StagedFile) -> std::io::Result<()>,
    ) -> Result<(), ReportError> {
        let text = self.to_json()?;
        // Another process may be writing the same part.
        let write = || {
            let mut file = StagedFile::create(path)?;
            file.write_all(text.as_bytes())?;
            publish(file)
        };
        write().map_err(ReportError::io(path))
    }
}
