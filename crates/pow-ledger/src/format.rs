//! The fixed bytes and lengths of a chain file.
//!
//! ```text
//! file header   "POWCHAIN" ‖ format u32 = 1 ‖ zero u32
//! record        "PREC" ‖ block length u32 ‖ body length u32 ‖ crc32c of these 12 bytes
//!               ‖ block ‖ body ‖ crc32c of block ‖ body
//! ```
//!
//! The checksums find damage; they are no protection against intent.

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
