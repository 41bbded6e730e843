//! The kernel for every CPU: the `sha2` crate's compression function, from a
//! midstate.

use crate::job::PreparedJob;
use crate::message::{BLOCK, MessageShape};
use pow_kernels::sha256::INITIAL;
use sha2::block_api::compress256;

/// Searches the nonces from `start` to `start + count - 1`, both inclusive.
/// Appends the offset of each nonce whose hash has most significant 32 bits at
/// or below the target's.
pub fn search(job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
    // The header's last 16 bytes, a one bit, and 640 bits of length.
    let mut block = [0; 64];
    for (bytes, word) in block.chunks_exact_mut(4).zip(job.tail) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
    block[16] = 0x80;
    block[62..].copy_from_slice(&640u16.to_be_bytes());
    // The inner hash's 32 bytes, a one bit, and 256 bits of length.
    let mut outer_block = [0; 64];
    outer_block[32] = 0x80;
    outer_block[62..].copy_from_slice(&256u16.to_be_bytes());

    for offset in 0..count {
        let nonce = start.wrapping_add(offset);
        block[12..16].copy_from_slice(&nonce.to_le_bytes());
        let mut inner = job.midstate;
        compress256(&mut inner, &[block]);
        for (bytes, word) in outer_block.chunks_exact_mut(4).zip(inner) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        let mut outer = INITIAL;
        compress256(&mut outer, &[outer_block]);
        if outer[7].swap_bytes() <= job.top {
            candidates.push(offset);
        }
    }
}

/// Writes the hash of each message to the same index in `digests`.
pub fn hash<const LEN: usize>(
    shape: &MessageShape,
    messages: &[[u8; LEN]],
    digests: &mut [[u8; 32]],
) {
    for (message, digest) in messages.iter().zip(digests) {
        let mut state = shape.midstate;
        compress256(&mut state, message.as_chunks::<BLOCK>().0);
        compress256(&mut state, &[shape.padding]);
        *digest = to_bytes(state);
    }
}

/// Writes SHA-256 of SHA-256 of each message to the same index in `digests`. A
/// message of two blocks ends with its padding.
pub fn hash_twice(messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
    for (message, digest) in messages.iter().zip(digests) {
        let mut inner = INITIAL;
        compress256(&mut inner, message.as_chunks().0);
        // The inner hash's 32 bytes, a one bit, and 256 bits of length.
        let mut block = [0; BLOCK];
        block[..32].copy_from_slice(&to_bytes(inner));
        block[32] = 0x80;
        block[62..].copy_from_slice(&256u16.to_be_bytes());
        let mut outer = INITIAL;
        compress256(&mut outer, &[block]);
        *digest = to_bytes(outer);
    }
}

fn to_bytes(state: [u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    bytes
}
