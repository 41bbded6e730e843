//! Bitcoin Core's block files, `blk*.dat`.

use crate::walk::BlockRow;
use std::io::Write;

/// What each block begins with: the magic of Bitcoin's regression-test network,
/// whose target limit is ours.
pub const BLK_MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

/// Writes a block as it stands in a block file: [`BLK_MAGIC`], its length as a
/// little-endian `u32`, its bytes. Such blocks, one after the other, are the
/// file. The body is not a part of the block and is left out.
///
/// # Errors
///
/// What `out` answers.
pub fn write_blk(out: &mut impl Write, row: &BlockRow<'_>) -> std::io::Result<()> {
    let block = &row.record.block;
    out.write_all(&BLK_MAGIC)?;
    // A block has at most 200 bytes.
    out.write_all(&(block.len() as u32).to_le_bytes())?;
    out.write_all(block)
}
