//! SHA-256, tagged as BIP-340 does it, and the digest newtypes.

mod midstate;
mod sha256;

use core::fmt;
use sha256::{Hasher, INITIAL, finish_blocks, padding};

/// Prefix of every tag: a digest made under one format version means nothing
/// under another.
pub const TAG_PREFIX: &str = "burn-pow/v1/";

/// What a tagged hash commits to; each purpose has its own tag, so that no
/// digest can be passed off as one of another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A 4 KiB piece of a tensor's bytes.
    Chunk,
    /// An inner node of any tree.
    Node,
    /// The root of a tree without leaves.
    Empty,
    /// A tensor: path, dtype, dims, length and data root.
    Tensor,
    /// A set of named tensors.
    Tensors,
    /// Everything of a training state but the parameters.
    Rest,
    /// A whole training state.
    State,
    /// One entry of a body.
    Entry,
    /// A block hash, as a leaf of the tree over previous blocks.
    BlockHash,
    /// A block body.
    Body,
    /// One item of a dataset.
    Item,
    /// A whole dataset.
    Dataset,
    /// The sample indices of one optimizer step.
    Batch,
    /// The sort key of one sample in one epoch.
    Order,
    /// The sort key of one sample in one epoch of an order bound to the chain.
    Bound,
    /// The seed of the device's random numbers in one micro-batch.
    Seed,
    /// The bytes of a file, such as `config.json`.
    File,
    /// A challenge: head, source and value.
    Challenge,
    /// The sort key of a segment under a challenge.
    Pick,
}

impl Tag {
    /// The tag's full text, prefix and name.
    ///
    /// ```
    /// use pow_core::hash::Tag;
    /// assert_eq!(Tag::Node.text(), ("burn-pow/v1/", "node"));
    /// ```
    pub const fn text(self) -> (&'static str, &'static str) {
        let name = match self {
            Tag::Chunk => "chunk",
            Tag::Node => "node",
            Tag::Empty => "empty",
            Tag::Tensor => "tensor",
            Tag::Tensors => "tensors",
            Tag::Rest => "rest",
            Tag::State => "state",
            Tag::Entry => "entry",
            Tag::BlockHash => "block-hash",
            Tag::Body => "body",
            Tag::Item => "item",
            Tag::Dataset => "dataset",
            Tag::Batch => "batch",
            Tag::Order => "order",
            Tag::Bound => "bound",
            Tag::Seed => "seed",
            Tag::File => "file",
            Tag::Challenge => "challenge",
            Tag::Pick => "pick",
        };
        (TAG_PREFIX, name)
    }

    /// A hasher that has already taken in `SHA256(tag) ‖ SHA256(tag)`, 64
    /// bytes, so that the data that follow stay aligned to SHA-256 blocks
    /// ([BIP-340](https://github.com/bitcoin/bips/blob/master/bip-0340.mediawiki)).
    /// Those 64 bytes cost nothing: the state after them is a constant.
    #[inline]
    pub fn hasher(self) -> TaggedHasher {
        TaggedHasher(Hasher::after(*self.midstate(), 1))
    }

    /// The tagged hash of `data`.
    ///
    /// ```
    /// use pow_core::hash::Tag;
    /// assert_ne!(Tag::Chunk.hash(b"x"), Tag::File.hash(b"x"));
    /// ```
    pub fn hash(self, data: &[u8]) -> [u8; 32] {
        self.hasher().chain(data).finish()
    }

    /// The 64 bytes `SHA256(tag) ‖ SHA256(tag)`: the tagged hash of data is the
    /// plain SHA-256 of these and the data. For formats that know plain
    /// SHA-256 only.
    ///
    /// ```
    /// use pow_core::hash::Tag;
    /// use sha2::{Digest, Sha256};
    /// let plain = Sha256::new().chain_update(Tag::File.prefix()).chain_update(b"x");
    /// assert_eq!(Tag::File.hash(b"x"), <[u8; 32]>::from(plain.finalize()));
    /// ```
    pub fn prefix(self) -> [u8; 64] {
        use sha2::{Digest, Sha256};
        let (prefix, name) = self.text();
        let tag = Sha256::new().chain_update(prefix).chain_update(name);
        let tag: [u8; 32] = tag.finalize().into();
        let mut out = [0; 64];
        out[..32].copy_from_slice(&tag);
        out[32..].copy_from_slice(&tag);
        out
    }
}

/// One message after another, with the `sha2` crate's compression function: what
/// every engine that hashes several at once is compared with
/// ([`HeaderHasher`](crate::chain::headers::HeaderHasher),
/// [`TensorHasher`](crate::tensor::TensorHasher)).
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainSha2;

/// A tagged SHA-256 under way; made by [`Tag::hasher`].
#[derive(Clone)]
pub struct TaggedHasher(Hasher);

impl TaggedHasher {
    /// Takes in more bytes.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// Takes in more bytes and passes the hasher on.
    #[must_use]
    pub fn chain(mut self, data: &[u8]) -> Self {
        self.0.update(data);
        self
    }

    /// The digest.
    pub fn finish(self) -> [u8; 32] {
        self.0.finish()
    }
}

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

/// [`sha256d`] of a header's bytes, which need no buffer.
#[inline]
pub(crate) fn sha256d_header(bytes: &[u8; 80]) -> [u8; 32] {
    let mut blocks = [[0; 64], const { padding(80) }];
    blocks[0].copy_from_slice(&bytes[..64]);
    blocks[1][..16].copy_from_slice(&bytes[64..]);
    second(&finish_blocks(INITIAL, &blocks))
}

/// The tagged hash of two digests.
#[inline]
pub(crate) fn tagged_pair(tag: Tag, left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    // The tag is a block, and so are the two digests.
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

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: impl Iterator<Item = u8>) -> fmt::Result {
    for byte in bytes {
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

/// Why a text is not the hex of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HexError {
    /// The text has another length than 64 characters.
    #[error("expected 64 hex digits, found {found} bytes")]
    Length {
        /// Length found, in bytes.
        found: usize,
    },
    /// A character is not a hex digit.
    #[error("byte {offset} is not a hex digit")]
    Digit {
        /// Offset of the character, in bytes.
        offset: usize,
    },
}

fn parse_hex(text: &str) -> Result<[u8; 32], HexError> {
    let text = text.as_bytes();
    if text.len() != 64 {
        return Err(HexError::Length { found: text.len() });
    }
    let digit = |offset: usize| {
        (text[offset] as char)
            .to_digit(16)
            .ok_or(HexError::Digit { offset })
    };
    let mut out = [0u8; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = (digit(2 * i)? * 16 + digit(2 * i + 1)?) as u8;
    }
    Ok(out)
}

macro_rules! digest_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, self.0.iter().copied())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl core::str::FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<Self, HexError> {
                parse_hex(text).map($name)
            }
        }
    };
}

digest_newtype!(
    /// Root of a Merkle tree.
    TreeRoot
);
digest_newtype!(
    /// Root over all named parameters of a model ([`crate::tensor`]).
    ParameterRoot
);
digest_newtype!(
    /// Root over everything of a training state but the parameters
    /// ([`crate::state`]).
    RestRoot
);
digest_newtype!(
    /// Root of a whole training state ([`crate::state`]).
    StateRoot
);
digest_newtype!(
    /// Commitment to a block body; the coinbase carries it.
    BodyCommitment
);
digest_newtype!(
    /// Root over the items of a dataset, in index order.
    DatasetRoot
);
digest_newtype!(
    /// Digest of the sample indices of one optimizer step.
    BatchDigest
);
digest_newtype!(
    /// Tagged digest of a file's exact bytes.
    FileDigest
);
digest_newtype!(
    /// What a challenge's picks derive from ([`crate::challenge`]).
    ChallengeSeed
);
digest_newtype!(
    /// Merkle root of a block's transactions (here: the coinbase's txid), in
    /// internal byte order.
    TxRoot
);

impl FileDigest {
    /// The digest of a file's exact bytes.
    pub fn of(bytes: &[u8]) -> Self {
        FileDigest(Tag::File.hash(bytes))
    }
}

/// Hash of a block header, in internal byte order; `Display` and `FromStr` use
/// Bitcoin's reversed order, so that leading zeros stand in front.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockHash(pub [u8; 32]);

impl BlockHash {
    /// What a genesis block names as its parent.
    pub const ZERO: BlockHash = BlockHash([0; 32]);
}

impl fmt::Display for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.0.iter().rev().copied())
    }
}

impl fmt::Debug for BlockHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockHash({self})")
    }
}

impl core::str::FromStr for BlockHash {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        let mut bytes = parse_hex(text)?;
        bytes.reverse();
        Ok(BlockHash(bytes))
    }
}
