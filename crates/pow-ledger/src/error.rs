//! What can go wrong with a run directory.

use crate::file_kind::FileKind;
use crate::format::FILE_FORMAT;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Why a run directory could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// Something else than a regular file or directory is there, or a link to one. Nothing
    /// in a run is reached through a link.
    #[error("{}: not {expected}: it is {found}", path.display())]
    Kind {
        /// Where it is.
        path: PathBuf,
        /// What must be there.
        expected: FileKind,
        /// What is there.
        found: FileKind,
    },
    /// A file is longer than it may be.
    #[error("{}: longer than {limit} bytes, the most that is read of it", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes.
        limit: u64,
    },
    /// There is not enough memory.
    #[error("{}: no memory for the {len} bytes of tensor {tensor}", path.display())]
    NoMemory {
        /// The file.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its length in bytes.
        len: u64,
    },
    /// A run directory is never overwritten.
    #[error("{} exists already. A run is never overwritten: choose another directory", .0.display())]
    Exists(PathBuf),
    /// Another process writes to this run.
    #[error("{} is held by another writer", .0.display())]
    Locked(PathBuf),
    /// Another process is the owner of this run, and it lives.
    #[error(
        "{}: another process writes to this run: {owner}. Two jobs cannot write to one run",
        path.display()
    )]
    Owned {
        /// The run's directory.
        path: PathBuf,
        /// The process, for people.
        owner: String,
    },
    /// Another process took this one for a killed one, and has become the owner of the run.
    #[error(
        "{}: {owner} has taken over this run, so this process stops and writes nothing more",
        path.display()
    )]
    TakenOver {
        /// The run's directory.
        path: PathBuf,
        /// The process, for people.
        owner: String,
    },
    /// The chain file is not the one that this process wrote, or its end was changed.
    #[error(
        "{}: this is no longer the file that was written, or its end was changed: something          else writes to the run, so this process stops",
        path.display()
    )]
    Changed {
        /// The chain file.
        path: PathBuf,
    },
    /// An earlier write or sync failed. It is unknown which bytes reached the disk.
    #[error("{}: an earlier write failed, so nothing more is written", .0.display())]
    Poisoned(PathBuf),
    /// The file at the chain's path is not the one that was written: it belongs to
    /// another run, or somebody else changed it.
    #[error(
        "{}: the file has {found} bytes, but {written} bytes were written: somebody replaced or changed the run",
        path.display()
    )]
    Replaced {
        /// The path.
        path: PathBuf,
        /// Length of what is there, in bytes.
        found: u64,
        /// Length of what was written, in bytes.
        written: u64,
    },
    /// A chain file could not be read.
    #[error("{}: {source}", path.display())]
    Chain {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
    /// A tensor file is malformed, or a tensor cannot be written.
    #[error("{}: {reason}", path.display())]
    Tensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint's state.json is malformed.
    #[error("{}: {reason}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A block or body is longer than a record may hold.
    #[error("a record of a {block}-byte block and a {body}-byte body exceeds the format's limits")]
    RecordTooLong {
        /// Length of the block.
        block: usize,
        /// Length of the body.
        body: usize,
    },
}

impl LedgerError {
    /// Whether this says nothing about the run: the system could not read a file that is
    /// there, for example for lack of permission or memory, or because of a bad disk. A
    /// missing file, or something else in its place, is a fact about the run.
    pub fn could_not_read(&self) -> bool {
        match self {
            LedgerError::NoMemory { .. } => true,
            LedgerError::Io { source, .. }
            | LedgerError::Chain {
                source: ReadError::Io { source, .. },
                ..
            } => source.kind() != ErrorKind::NotFound,
            _ => false,
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError + '_ {
        move |source| LedgerError::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Why a chain file could not be read, and at which byte.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The operating system refused.
    #[error("byte {offset}: {source}")]
    Io {
        /// Offset in the file.
        offset: u64,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file does not start with the header of a chain file.
    #[error("byte 0: not a chain file (expected the magic POWCHAIN and format {FILE_FORMAT})")]
    Foreign,
    /// The file has another format version. Version 0 was never frozen.
    #[error("byte 8: a chain file of format {0}; this program reads format {FILE_FORMAT}")]
    Format(u32),
    /// The file is shorter than its own header.
    #[error("byte {0}: the file ends within its header of 16 bytes")]
    NoHeader(u64),
    /// A record's header is damaged.
    #[error("byte {offset}: damaged record header ({reason})")]
    RecordHeader {
        /// Offset of the record.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A record's content is damaged.
    #[error(
        "byte {offset}: record checksum is {found:#010x} in the file, but {expected:#010x} as computed"
    )]
    Checksum {
        /// Offset of the record.
        offset: u64,
        /// Checksum in the file.
        found: u32,
        /// Checksum of the content.
        expected: u32,
    },
    /// The record reaches past the end of the file, but a later record starts inside
    /// it: its length is wrong, or bytes are missing in the middle.
    #[error("byte {offset}: record is cut short, yet another begins at byte {next}")]
    MissingBytes {
        /// Offset of the record.
        offset: u64,
        /// Offset of the record found inside it.
        next: u64,
    },
}
