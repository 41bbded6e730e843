//! SHA-256, tagged hashes as in BIP-340, and a type for each kind of digest.

mod digest;
mod midstate;
mod sha256;
mod tag;

pub use digest::{
    BatchDigest, BlockHash, BodyCommitment, ChallengeSeed, DatasetRoot, FileDigest, HexError,
    ParameterRoot, RestRoot, StateRoot, TreeRoot, TxRoot,
};
pub use tag::{TAG_PREFIX, Tag, TaggedHasher};

pub(crate) use tag::midstate_of;

use sha256::{Hasher, INITIAL, after_blocks, finish_blocks, padding};

/// Hashes one message after another with the `sha2` crate's compression
/// function. Engines that hash several messages at once are tested against it
/// ([`HeaderHasher`](crate::chain::headers::HeaderHasher),
/// [`TensorHasher`](crate::tensor::TensorHasher)).
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainSha2;

/// `SHA256(SHA256(data))`, as Bitcoin hashes headers and transactions.
///
/// ```
/// let empty = pow_core::hash::sha256d(b"");
/// assert_eq!(empty[..4], [0x5d, 0xf6, 0xe0, 0xe2]);
/// ```
pub fn sha256d(data: &[u8]) -> [u8; 32] {
    let mut inner = Hasher::new();
    inner.update(data);
    second(&inner.finish())
}

/// [`sha256d`] of a header's bytes, without a buffer.
#[inline]
pub(crate) fn sha256d_header(bytes: &[u8; 80]) -> [u8; 32] {
    let mut blocks = [[0; 64], const { padding(80) }];
    blocks[0].copy_from_slice(&bytes[..64]);
    blocks[1][..16].copy_from_slice(&bytes[64..]);
    second(&finish_blocks(INITIAL, &blocks))
}

/// SHA-256's state after a header's first 64 bytes.
pub(crate) fn header_midstate(bytes: &[u8; 80]) -> [u32; 8] {
    let mut first = [0; 64];
    first.copy_from_slice(&bytes[..64]);
    after_blocks(INITIAL, &[first])
}

/// The tagged hash of two digests.
#[inline]
pub(crate) fn tagged_pair(tag: Tag, left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    // The tag fills one block, and the two digests fill the next.
    let mut blocks = [[0; 64], const { padding(128) }];
    blocks[0][..32].copy_from_slice(left);
    blocks[0][32..].copy_from_slice(right);
    finish_blocks(*tag.midstate(), &blocks)
}

/// SHA-256 of a digest.
#[inline]
fn second(inner: &[u8; 32]) -> [u8; 32] {
    let mut block = const { padding(32) };
    block[..32].copy_from_slice(inner);
    finish_blocks(INITIAL, &[block])
}
