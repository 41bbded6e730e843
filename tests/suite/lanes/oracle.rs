//! What the hashes are, found with `sha2` alone, and bytes to hash.

use pow_tests::model::mix;
use sha2::{Digest, Sha256};

/// The tagged hash of `data`.
pub fn tagged(name: &str, data: &[u8]) -> [u8; 32] {
    let tag = Sha256::digest(format!("burn-pow/v1/{name}"));
    let message = [&tag[..], &tag[..], data].concat();
    Sha256::digest(message).into()
}

/// The root over `leaves`, in the shape of RFC 6962.
pub fn tree_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => tagged("empty", b""),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            tagged("node", &[tree_root(left), tree_root(right)].concat())
        }
    }
}

/// Arbitrary bytes, the same for the same seed.
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    (0..len)
        .map(|_| {
            state = mix(state);
            state as u8
        })
        .collect()
}
