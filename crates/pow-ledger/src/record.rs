//! The chain file's bytes.
//!
//! ```text
//! file header   "POWCHAIN" ‖ format u32 = 1 ‖ zero u32
//! record        "PREC" ‖ block length u32 ‖ body length u32 ‖ crc32c of these 12 bytes
//!               ‖ block ‖ body ‖ crc32c of block ‖ body
//! ```
//!
//! The checksums find damage; they are no protection against intent.

use crate::ReadError;
use pow_core::block::MAX_BLOCK_LEN;
use pow_core::body::MAX_BODY_LEN;

/// First eight bytes of a chain file.
pub const FILE_MAGIC: [u8; 8] = *b"POWCHAIN";
/// Length of the file header, in bytes.
pub const FILE_HEADER_LEN: usize = 16;
/// First four bytes of a record.
pub const RECORD_MAGIC: [u8; 4] = *b"PREC";
/// Length of a record's header, in bytes.
pub const RECORD_HEADER_LEN: usize = 16;

/// Length of the longest record, in bytes.
pub(crate) const MAX_RECORD_LEN: usize = RECORD_HEADER_LEN + MAX_BLOCK_LEN + MAX_BODY_LEN + 4;

/// Version of the file format.
pub const FILE_FORMAT: u32 = 1;

/// The file header's bytes.
pub(crate) const FILE_HEADER: [u8; FILE_HEADER_LEN] = *b"POWCHAIN\x01\0\0\0\0\0\0\0";

/// One block and its body, as they stand in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Offset of the record in the file, in bytes.
    pub offset: u64,
    /// The serialised block.
    pub block: Vec<u8>,
    /// The serialised body.
    pub body: Vec<u8>,
}

/// The two lengths that a record header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) block: usize,
    pub(crate) body: usize,
}

impl Lengths {
    /// Whether the format allows them.
    pub(crate) fn allowed(self) -> bool {
        self.block <= MAX_BLOCK_LEN && self.body <= MAX_BODY_LEN
    }

    /// Bytes that follow the record header.
    pub(crate) fn rest(self) -> usize {
        self.block + self.body + 4
    }
}

/// A record's bytes; the lengths are [`Lengths::allowed`].
pub(crate) fn encode(block: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(RECORD_HEADER_LEN + block.len() + body.len() + 4);
    out.extend_from_slice(&RECORD_MAGIC);
    out.extend_from_slice(&(block.len() as u32).to_le_bytes());
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
    out.extend_from_slice(block);
    out.extend_from_slice(body);
    let content = crc32c::crc32c(&out[RECORD_HEADER_LEN..]);
    out.extend_from_slice(&content.to_le_bytes());
    out
}

/// Reads a record header.
pub(crate) fn decode_header(
    offset: u64,
    header: &[u8; RECORD_HEADER_LEN],
) -> Result<Lengths, ReadError> {
    let damaged = |reason| ReadError::RecordHeader { offset, reason };
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    if header[..4] != RECORD_MAGIC {
        return Err(damaged("the magic PREC is missing"));
    }
    if word(12) != crc32c::crc32c(&header[..12]) {
        return Err(damaged("its checksum does not fit"));
    }
    let lengths = Lengths {
        block: word(4) as usize,
        body: word(8) as usize,
    };
    if lengths.allowed() {
        Ok(lengths)
    } else {
        Err(damaged("a length exceeds the format's limit"))
    }
}

/// Where in `bytes`, after the first, a whole and valid record header stands.
pub(crate) fn find_header(bytes: &[u8]) -> Option<usize> {
    (1..bytes.len().saturating_sub(RECORD_HEADER_LEN - 1)).find(|&at| {
        bytes[at..]
            .first_chunk()
            .is_some_and(|header| decode_header(0, header).is_ok())
    })
}
