//! Plain second implementations, written from `docs/format.md` with no regard to
//! speed, and bytes to try them on. Nothing of the crates under test takes part.

use crate::model::mix;
use sha2::{Digest, Sha256};

/// The tagged hash of `data`.
pub fn tagged(name: &str, data: &[u8]) -> [u8; 32] {
    tagged_by(&format!("burn-pow/v1/{name}"), data)
}

/// The tagged hash of `data` in the draft of version 2.
pub fn tagged_draft(name: &str, data: &[u8]) -> [u8; 32] {
    tagged_by(&format!("burn-pow/v2-draft/{name}"), data)
}

fn tagged_by(text: &str, data: &[u8]) -> [u8; 32] {
    let tag = Sha256::digest(text);
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

/// Arbitrary bytes, the same for the same seed.
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let byte = || {
        state = mix(state);
        state as u8
    };
    std::iter::repeat_with(byte).take(len).collect()
}

/// A header of arbitrary bytes, the same for the same seed.
pub fn header(seed: u64) -> [u8; 80] {
    bytes(seed, 80).try_into().unwrap()
}

/// A target that one hash in `one_in` meets, as little-endian bytes.
pub fn target(one_in: u32) -> [u8; 32] {
    let mut target = [0xff; 32];
    target[28..].copy_from_slice(&(u32::MAX / one_in).to_le_bytes());
    target
}

/// Whether the header with this nonce has a hash of at most `target`.
pub fn is_hit(header: &[u8; 80], nonce: u32, target: &[u8; 32]) -> bool {
    let mut header = *header;
    header[76..].copy_from_slice(&nonce.to_le_bytes());
    let hash: [u8; 32] = Sha256::digest(Sha256::digest(header)).into();
    // The last byte weighs most.
    hash.iter().rev().le(target.iter().rev())
}

/// The hits among `len` nonces from `start` on, wrapping, in search order.
pub fn hits(header: &[u8; 80], start: u32, len: u64, target: &[u8; 32]) -> Vec<u32> {
    let nonces = (0..len).map(|position| start.wrapping_add(position as u32));
    nonces
        .filter(|nonce| is_hit(header, *nonce, target))
        .collect()
}

/// Bytes as lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hex digits; `None` if the text is anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = (0..text.len()).step_by(2);
    let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    pairs.map(byte).collect()
}
