//! The fields of a block: header and coinbase.

use super::fields::{Field, Fields, LayoutError};
use pow_audit::display::utc;
use pow_core::body::UnixMillis;
use pow_core::hash::BlockHash;
use pow_core::target::CompactTarget;

/// The fields of a block's bytes, in order. Every byte belongs to one.
///
/// # Errors
///
/// [`LayoutError`] if the bytes are no block.
pub fn block_fields(bytes: &[u8]) -> Result<Vec<Field>, LayoutError> {
    let mut fields = Fields::new(bytes, 0)?;
    let nothing = |_: &[u8]| String::new();
    fields.number("header: version", 4, |version| format!("{version:#010x}"))?;
    fields.raw("header: hash of the previous block", 32, reversed)?;
    fields.digest("header: transaction root")?;
    fields.number("header: time", 4, |seconds| {
        utc(UnixMillis(seconds.saturating_mul(1000)))
    })?;
    fields.number("header: target in compact form", 4, |bits| {
        CompactTarget(bits as u32).to_string()
    })?;
    fields.plain("header: nonce", 4)?;
    fields.plain("number of transactions", 1)?;
    fields.plain("coinbase: transaction version", 4)?;
    fields.plain("coinbase: inputs", 1)?;
    fields.raw("coinbase: no previous output", 32, nothing)?;
    fields.raw("coinbase: its index", 4, nothing)?;
    let script = fields.plain("coinbase: length of the script", 1)?;
    // The push of the extranonce takes 13 bytes.
    let height = (script as usize).saturating_sub(13);
    fields.raw("coinbase: push of the height", height, nothing)?;
    fields.raw("coinbase: push of 12 bytes", 1, nothing)?;
    fields.raw("coinbase: extranonce", 12, nothing)?;
    fields.raw("coinbase: sequence", 4, nothing)?;
    fields.plain("coinbase: outputs", 1)?;
    fields.plain("coinbase: value", 8)?;
    fields.plain("coinbase: length of the output's script", 1)?;
    fields.raw("coinbase: OP_RETURN, push of 32 bytes", 2, nothing)?;
    fields.digest("coinbase: body commitment")?;
    fields.plain("coinbase: lock time", 4)?;
    Ok(fields.found)
}

fn reversed(bytes: &[u8]) -> String {
    let hash = bytes.first_chunk().map(|hash| BlockHash(*hash));
    hash.map_or_else(String::new, |hash| hash.to_string())
}
