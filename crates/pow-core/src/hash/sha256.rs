//! SHA-256 from any midstate, with the `sha2` crate's compression function.
//!
//! Most messages of a chain are one or two blocks long. For these, `sha2`'s own
//! hasher spends as much time on its buffer as on a block. It also cannot start
//! from a midstate, so every tag would be hashed again for each message.

use sha2::block_api::compress256;

/// Length of a SHA-256 block, in bytes.
const BLOCK: usize = 64;

/// Offset of the message's bit length in its last block.
const LENGTH: usize = BLOCK - 8;

/// The state of SHA-256 between two blocks.
pub(super) type State = [u32; 8];

/// The initial state (FIPS 180-4, 5.3.3).
pub(super) const INITIAL: State = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// A hash in progress.
#[derive(Clone)]
pub(super) struct Hasher {
    state: State,
    /// Bytes that do not yet fill a block: the first `len % BLOCK` bytes.
    block: [u8; BLOCK],
    /// Bytes hashed so far, including those before the midstate.
    len: u64,
}

impl Hasher {
    pub(super) fn new() -> Self {
        Hasher::after(INITIAL, 0)
    }

    /// Starts from the state after `blocks` whole blocks.
    pub(super) fn after(midstate: State, blocks: u64) -> Self {
        Hasher {
            state: midstate,
            block: [0; BLOCK],
            len: blocks * BLOCK as u64,
        }
    }

    #[inline]
    pub(super) fn update(&mut self, mut data: &[u8]) {
        let filled = self.filled();
        self.len += data.len() as u64;
        if filled > 0 {
            let (head, rest) = data.split_at(data.len().min(BLOCK - filled));
            self.block[filled..filled + head.len()].copy_from_slice(head);
            if filled + head.len() < BLOCK {
                return;
            }
            compress256(&mut self.state, &[self.block]);
            data = rest;
        }
        let (blocks, rest) = data.as_chunks::<BLOCK>();
        if !blocks.is_empty() {
            compress256(&mut self.state, blocks);
        }
        self.block[..rest.len()].copy_from_slice(rest);
    }

    #[inline]
    pub(super) fn finish(mut self) -> [u8; 32] {
        let filled = self.filled();
        self.block[filled] = 0x80;
        self.block[filled + 1..].fill(0);
        if filled >= LENGTH {
            compress256(&mut self.state, &[self.block]);
            self.block = [0; BLOCK];
        }
        self.block[LENGTH..].copy_from_slice(&(self.len * 8).to_be_bytes());
        compress256(&mut self.state, &[self.block]);
        digest(self.state)
    }

    fn filled(&self) -> usize {
        (self.len % BLOCK as u64) as usize
    }
}

/// The hash of a message. `midstate` is the state after its first blocks, and
/// `blocks` are the others. The last one ends with the message's padding.
#[inline]
pub(super) fn finish_blocks(midstate: State, blocks: &[[u8; BLOCK]]) -> [u8; 32] {
    digest(after_blocks(midstate, blocks))
}

/// The state after more whole blocks.
#[inline]
pub(super) fn after_blocks(midstate: State, blocks: &[[u8; BLOCK]]) -> State {
    let mut state = midstate;
    compress256(&mut state, blocks);
    state
}

/// The last block of a message of `len` bytes. Its first `len % 64` bytes are
/// zero, and the caller writes the end of the message there.
pub(super) const fn padding(len: usize) -> [u8; BLOCK] {
    assert!(len % BLOCK < LENGTH, "the length needs a block of its own");
    let mut block = [0; BLOCK];
    block[len % BLOCK] = 0x80;
    let bits = (len as u64 * 8).to_be_bytes();
    let mut i = 0;
    while i < 8 {
        block[LENGTH + i] = bits[i];
        i += 1;
    }
    block
}

#[inline]
fn digest(state: State) -> [u8; 32] {
    let mut out = [0; 32];
    for (bytes, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use sha2::{Digest, Sha256};

    #[test]
    fn equals_sha2_at_every_length_and_every_cut() {
        let data: Vec<u8> = (0..=255).collect();
        for len in 0..=data.len() {
            let expected: [u8; 32] = Sha256::digest(&data[..len]).into();
            for cut in 0..=len {
                let mut hasher = Hasher::new();
                hasher.update(&data[..cut]);
                hasher.update(&data[cut..len]);
                assert_eq!(hasher.finish(), expected, "{cut} of {len}");
            }
        }
    }
}
