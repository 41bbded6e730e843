//! Plain second implementations of what the format is made of, written from
//! `docs/format.md` with no regard to speed.

use sha2::{Digest, Sha256};

/// The tagged hash of `data`.
pub fn tagged(name: &str, data: &[u8]) -> [u8; 32] {
    let tag = Sha256::digest(format!("burn-pow/v1/{name}"));
    Sha256::new()
        .chain_update(tag)
        .chain_update(tag)
        .chain_update(data)
        .finalize()
        .into()
}

/// The root over `leaves`, in the shape of RFC 6962.
pub fn tree_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => tagged("empty", b""),
        [leaf] => *leaf,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            let (left, right) = leaves.split_at(split);
            tagged("node", &[tree_root(left), tree_root(right)].concat())
        }
    }
}

/// CRC-32C, bit by bit.
pub fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 * (crc & 1))
        })
    })
}

/// A little-endian word of a byte string.
pub fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Takes `N` bytes off the front of what a fuzzer gave; zeros where it gave
/// too few.
pub fn take<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let len = N.min(data.len());
    out[..len].copy_from_slice(&data[..len]);
    *data = &data[len..];
    out
}
