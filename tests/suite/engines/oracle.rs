//! Which nonces are hits, found with `sha2` alone: nothing of the crates under
//! test takes part.

use sha2::{Digest, Sha256};

/// Whether the header with this nonce has a hash of at most `target`
/// (little-endian bytes).
pub fn is_hit(header: &[u8; 80], nonce: u32, target: &[u8; 32]) -> bool {
    let mut header = *header;
    header[76..].copy_from_slice(&nonce.to_le_bytes());
    let hash: [u8; 32] = Sha256::digest(Sha256::digest(header)).into();
    // The last byte weighs most.
    hash.iter().rev().le(target.iter().rev())
}

/// The hits among `len` nonces from `start` on, wrapping, in search order.
pub fn hits(header: &[u8; 80], start: u32, len: u64, target: &[u8; 32]) -> Vec<u32> {
    (0..len)
        .map(|position| start.wrapping_add(position as u32))
        .filter(|nonce| is_hit(header, *nonce, target))
        .collect()
}

/// A target that one hash in `one_in` meets.
pub fn target(one_in: u32) -> [u8; 32] {
    let mut target = [0xff; 32];
    target[28..].copy_from_slice(&(u32::MAX / one_in).to_le_bytes());
    target
}

/// A header of arbitrary bytes, the same for the same seed.
pub fn header(seed: u64) -> [u8; 80] {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = pow_tests::model::mix(state);
        state as u8
    })
}
