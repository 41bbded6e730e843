//! Where bytes come from: in a page, the files that somebody dropped on it.

use serde::Deserialize;
use std::io::{Error, Read, Result};

/// The number by which the host knows a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub u32);

/// Gives the bytes of files.
pub trait Host: Clone + Send + Sync + 'static {
    /// Bytes `offset` to `offset + len` (exclusive) of a file. There are as many.
    ///
    /// # Errors
    ///
    /// If they cannot be read.
    fn read(&self, file: FileId, offset: u64, len: u32) -> Result<Vec<u8>>;
}

/// A file, as the host names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct HostFile {
    /// Its number.
    pub id: FileId,
    /// Its length in bytes.
    pub len: u64,
}

impl HostFile {
    /// The whole file, if it has at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// If it is longer, or cannot be read.
    pub fn read_all(self, host: &impl Host, limit: usize) -> Result<Vec<u8>> {
        match u32::try_from(self.len) {
            Ok(len) if len as usize <= limit => host.read(self.id, 0, len),
            _ => Err(Error::other(format!(
                "longer than {limit} bytes, the most that is read of it"
            ))),
        }
    }
}

/// The most bytes that are asked for at once.
const CHUNK: u32 = 1 << 20;

/// Reads a file from a place on, a chunk at a time.
#[derive(Debug)]
pub struct HostReader<H> {
    host: H,
    file: HostFile,
    next: u64,
    chunk: Vec<u8>,
    used: usize,
}

impl<H: Host> HostReader<H> {
    /// Reads from byte `offset` on.
    pub fn new(host: H, file: HostFile, offset: u64) -> Self {
        HostReader {
            host,
            file,
            next: offset,
            chunk: Vec::new(),
            used: 0,
        }
    }
}

impl<H: Host> Read for HostReader<H> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if self.used == self.chunk.len() {
            let left = self.file.len.saturating_sub(self.next);
            let len = u32::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            if len == 0 {
                return Ok(0);
            }
            self.chunk = self.host.read(self.file.id, self.next, len)?;
            if self.chunk.len() != len as usize {
                return Err(Error::other("the file has changed while it was read"));
            }
            self.next += u64::from(len);
            self.used = 0;
        }
        let chunk = &self.chunk[self.used..];
        let len = chunk.len().min(out.len());
        out[..len].copy_from_slice(&chunk[..len]);
        self.used += len;
        Ok(len)
    }
}
