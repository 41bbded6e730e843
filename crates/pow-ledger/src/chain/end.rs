//! The end of a chain file, as its writer left it.

use crate::error::LedgerError;
use crate::open::open_to_write;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How many bytes at the end are compared. A record ends with the last bytes of its body and
/// its checksum, and no two bodies of a chain are equal.
const LOOK: usize = 64;

/// The end of a chain file, as its writer left it.
#[derive(Debug)]
pub(crate) struct End {
    /// A handle of its own: the writer's stands at the end.
    file: File,
    last: Vec<u8>,
}

impl End {
    /// The end of the file at `path`, which has `len` bytes.
    pub(crate) fn of(path: &Path, len: u64) -> Result<Self, LedgerError> {
        let mut file = open_to_write(path, false)?;
        let last = last_bytes(&mut file, len, LOOK).map_err(LedgerError::io(path))?;
        Ok(End { file, last })
    }

    /// Notes a record that was appended.
    pub(crate) fn append(&mut self, record: &[u8]) {
        self.last
            .extend_from_slice(&record[record.len().saturating_sub(LOOK)..]);
        self.last.drain(..self.last.len().saturating_sub(LOOK));
    }

    /// Whether `found`, which is at the chain's path, is the file that is written.
    pub(crate) fn is_same_file(&self, found: &Metadata) -> std::io::Result<bool> {
        Ok(same_file(found, &self.file.metadata()?))
    }

    /// Whether the file ends after `len` bytes with what was written.
    pub(crate) fn is_unchanged(&mut self, len: u64) -> std::io::Result<bool> {
        Ok(last_bytes(&mut self.file, len, self.last.len())? == self.last)
    }
}

/// Up to `count` bytes before the offset `len`.
fn last_bytes(file: &mut File, len: u64, count: usize) -> std::io::Result<Vec<u8>> {
    let from = len.saturating_sub(count as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(len - from).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Elsewhere, the standard library does not tell files apart. Their lengths do.
#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}
