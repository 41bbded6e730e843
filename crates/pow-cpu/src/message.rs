//! What messages of one kind have in common, computed when this crate is
//! compiled.

use pow_core::hash::Tag;
use pow_core::header::HEADER_LEN;
use pow_core::tensor::CHUNK_LEN;
#[cfg(target_arch = "x86_64")]
use pow_kernels::sha256::{ROUND_CONSTANTS, small_sigma_0, small_sigma_1};

/// Length of a SHA-256 block, in bytes.
pub const BLOCK: usize = 64;

/// Messages of one tag and one length. The length is a whole number of blocks.
pub struct MessageShape {
    /// SHA-256's state after the tag.
    pub midstate: [u32; 8],
    /// The last block, which has only padding.
    pub padding: [u8; BLOCK],
    /// The inputs of its rounds: schedule word plus constant.
    #[cfg(target_arch = "x86_64")]
    pub ending: [u32; 64],
}

/// A tensor's chunks.
pub static CHUNKS: MessageShape = MessageShape::new(Tag::Chunk, CHUNK_LEN);

/// Pairs of digests, for the inner nodes of a tree.
pub static NODES: MessageShape = MessageShape::new(Tag::Node, 2 * 32);

/// A header of zeros with its padding, for SHA-256 from the beginning.
pub const PADDED_HEADER: [u8; 2 * BLOCK] = {
    let mut message = [0; 2 * BLOCK];
    message[HEADER_LEN] = 0x80;
    let [high, low] = (8 * HEADER_LEN as u16).to_be_bytes();
    message[2 * BLOCK - 2] = high;
    message[2 * BLOCK - 1] = low;
    message
};

/// Writes `bytes` and their padding to a message for SHA-256 from the
/// beginning. False, and nothing is written, if that needs more or fewer blocks.
pub fn pad(message: &mut [u8; 2 * BLOCK], bytes: &[u8]) -> bool {
    const LENGTH: usize = 8;
    if !(BLOCK - LENGTH..2 * BLOCK - LENGTH).contains(&bytes.len()) {
        return false;
    }
    let (start, rest) = message.split_at_mut(bytes.len());
    start.copy_from_slice(bytes);
    rest.fill(0);
    rest[0] = 0x80;
    let bits = 8 * bytes.len() as u64;
    message[2 * BLOCK - LENGTH..].copy_from_slice(&bits.to_be_bytes());
    true
}

impl MessageShape {
    const fn new(tag: Tag, len: usize) -> Self {
        assert!(len.is_multiple_of(BLOCK), "data in the last block");
        // The tag also fills a block.
        let bits = 8 * (BLOCK + len) as u64;
        let mut padding = [0; BLOCK];
        padding[0] = 0x80;
        let mut i = 0;
        while i < 8 {
            padding[BLOCK - 8 + i] = bits.to_be_bytes()[i];
            i += 1;
        }
        MessageShape {
            midstate: *tag.midstate(),
            padding,
            #[cfg(target_arch = "x86_64")]
            ending: round_inputs(&padding),
        }
    }
}

/// The schedule of a block (FIPS 180-4, 6.2.2), plus the round constants.
#[cfg(target_arch = "x86_64")]
const fn round_inputs(block: &[u8; BLOCK]) -> [u32; 64] {
    let mut words = [0; 64];
    let mut t = 0;
    while t < 64 {
        words[t] = if t < 16 {
            let at = 4 * t;
            u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
        } else {
            small_sigma_1(words[t - 2])
                .wrapping_add(words[t - 7])
                .wrapping_add(small_sigma_0(words[t - 15]))
                .wrapping_add(words[t - 16])
        };
        t += 1;
    }
    t = 0;
    while t < 64 {
        words[t] = ROUND_CONSTANTS[t].wrapping_add(words[t]);
        t += 1;
    }
    words
}
