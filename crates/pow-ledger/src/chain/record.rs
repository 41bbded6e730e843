//! Records: their bytes, and how they are found.

use crate::error::ReadError;
use crate::format::{RECORD_HEADER_LEN, RECORD_MAGIC};
use pow_core::block::MAX_BLOCK_LEN;
use pow_core::body::MAX_BODY_LEN;

/// One block and its body, as the file holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Offset of the record in the file, in bytes.
    pub offset: u64,
    /// The serialised block.
    pub block: Vec<u8>,
    /// The serialised body.
    pub body: Vec<u8>,
}

/// The two lengths in a record header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) block: usize,
    pub(crate) body: usize,
}

impl Lengths {
    /// Whether the format allows these lengths.
    pub(crate) fn allowed(self) -> bool {
        self.block <= MAX_BLOCK_LEN && self.body <= MAX_BODY_LEN
    }

    /// Number of bytes that follow the record header.
    pub(crate) fn rest(self) -> usize {
        self.block + self.body + 4
    }
}

/// The bytes of a record. The caller has checked the lengths with
/// [`Lengths::allowed`].
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
        return Err(damaged("its checksum is wrong"));
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

/// Where a whole and valid record header is in `bytes`. The first byte is skipped.
pub(crate) fn find_header(bytes: &[u8]) -> Option<usize> {
    (1..bytes.len().saturating_sub(RECORD_HEADER_LEN - 1)).find(|&at| {
        bytes[at..]
            .first_chunk()
            .is_some_and(|header| decode_header(0, header).is_ok())
    })
}
