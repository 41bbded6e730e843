//! What a chain's writer asks of its file.

use std::fmt::Debug;
use std::fs::File;
use std::io::Write;

/// What a writer asks of its file. Tests have files that fail, and disks that
/// lose what was not synced; see [`ChainWriter::through`](crate::ChainWriter::through).
pub trait Disk: Debug + Send + Sync {
    /// Writes behind what was written before.
    ///
    /// # Errors
    ///
    /// The system's. A part of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()>;

    /// Returns once everything that was written will survive a power cut.
    ///
    /// # Errors
    ///
    /// The system's. What of the bytes is on the disk is then unknown.
    fn sync(&mut self) -> std::io::Result<()>;
}

impl Disk for File {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.sync_data()
    }
}
