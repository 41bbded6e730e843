//! The operations that the chain's writer needs from its file.

use std::fmt::Debug;
use std::fs::File;
use std::io::Write;

/// The operations that the chain's writer needs from its file. Tests put in files
/// that fail, and disks that lose what was not synced; see
/// [`ChainWriter::through`](crate::ChainWriter::through).
pub trait Disk: Debug + Send + Sync {
    /// Writes after everything that was written before.
    ///
    /// # Errors
    ///
    /// The system's. Part of the bytes may have been written.
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()>;

    /// Returns once everything that was written will survive a power cut.
    ///
    /// # Errors
    ///
    /// The system's. It is then unknown which bytes are on the disk.
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
