//! Bitcoin Core's block files, `blk*.dat`.

use crate::walk::WalkedBlock;
use std::io::Write;

/// The bytes before each block: the magic of Bitcoin's regression-test network. That
/// network has the same target limit as this format.
pub const BLK_MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

/// Writes one block of a block file: [`BLK_MAGIC`], the block's length as a
/// little-endian `u32`, and the block's bytes. A block file is a sequence of these. The
/// body is not part of the block and is left out.
///
/// # Errors
///
/// The errors of `out`.
pub fn write_blk(out: &mut impl Write, walked: &WalkedBlock<'_>) -> std::io::Result<()> {
    let block = &walked.record.block;
    out.write_all(&BLK_MAGIC)?;
    // A block has at most 200 bytes.
    out.write_all(&(block.len() as u32).to_le_bytes())?;
    out.write_all(block)
}
