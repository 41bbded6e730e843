//! Tagged hashes.

use super::midstate::after_tag;
use super::sha256::Hasher;

/// The prefix of every tag. It contains the format version, so a digest of one
/// version means nothing in another.
pub const TAG_PREFIX: &str = "burn-pow/v1/";

/// SHA-256's state after the 64 bytes of the tag `prefix ‖ name`.
pub(crate) const fn midstate_of(prefix: &str, name: &str) -> [u32; 8] {
    after_tag(prefix, name)
}

macro_rules! tags {
    ($($(#[$doc:meta])* $tag:ident $name:literal,)*) => {
        /// What a tagged hash commits to. Each purpose has its own tag, so no
        /// digest can be mistaken for one of another kind.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Tag {
            $($(#[$doc])* $tag,)*
        }

        impl Tag {
            const fn name(self) -> &'static str {
                match self { $(Tag::$tag => $name,)* }
            }

            /// SHA-256's state after the [prefix](Self::prefix), which fills
            /// one block. A custom hashing engine starts from this state.
            ///
            /// ```
            /// use pow_core::hash::Tag;
            /// use sha2::block_api::compress256;
            /// // SHA-256's initial state begins with the root of 2.
            /// let roots = [2u32, 3, 5, 7, 11, 13, 17, 19].map(|prime| f64::from(prime).sqrt());
            /// let mut state = roots.map(|root| (root.fract() * 2f64.powi(32)) as u32);
            /// compress256(&mut state, &[Tag::Node.prefix()]);
            /// assert_eq!(state, *Tag::Node.midstate());
            /// ```
            #[inline]
            pub const fn midstate(self) -> &'static [u32; 8] {
                match self { $(Tag::$tag => const { &after_tag(TAG_PREFIX, $name) },)* }
            }
        }

        #[cfg(test)]
        const ALL: &[Tag] = &[$(Tag::$tag),*];
    };
}

tags! {
    /// A chunk: 4 KiB of a tensor's bytes.
    Chunk "chunk",
    /// An inner node of any tree.
    Node "node",
    /// The root of a tree without leaves.
    Empty "empty",
    /// A tensor: path, dtype, dims, length and data root.
    Tensor "tensor",
    /// A set of named tensors.
    Tensors "tensors",
    /// A training state without its parameters.
    Rest "rest",
    /// A whole training state.
    State "state",
    /// One entry of a body.
    Entry "entry",
    /// A block hash, as a leaf of the tree over previous blocks.
    BlockHash "block-hash",
    /// A block body.
    Body "body",
    /// One item of a dataset.
    Item "item",
    /// A whole dataset.
    Dataset "dataset",
    /// The sample indices of one optimizer step.
    Batch "batch",
    /// The sort key of one sample in one epoch.
    Order "order",
    /// The sort key of one sample in one epoch of an order that is bound to the
    /// chain.
    Bound "bound",
    /// One draw of a sampled order in one epoch.
    Draw "draw",
    /// The sort key of one micro-batch in one epoch of a bucketed order.
    Bucket "bucket",
    /// The seed under which one sample is changed at random in one epoch.
    Augment "augment",
    /// The seed of the device's random number generator in one micro-batch.
    Seed "seed",
    /// The bytes of a file, such as `config.json`.
    File "file",
    /// A challenge: head, source and value ([`crate::challenge`]).
    Challenge "challenge",
    /// The sort key of a segment under a challenge.
    Pick "pick",
}

impl Tag {
    /// The tag's full text, in two parts: prefix and name.
    ///
    /// ```
    /// use pow_core::hash::Tag;
    /// assert_eq!(Tag::Node.text(), ("burn-pow/v1/", "node"));
    /// ```
    pub const fn text(self) -> (&'static str, &'static str) {
        (TAG_PREFIX, self.name())
    }

    /// A hasher that has already hashed the 64 bytes `SHA256(tag) ‖
    /// SHA256(tag)`. So the data after them stay aligned to SHA-256 blocks
    /// ([BIP-340](https://github.com/bitcoin/bips/blob/master/bip-0340.mediawiki)).
    /// These 64 bytes cost no time, because the state after them is a constant.
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

    /// The 64 bytes `SHA256(tag) ‖ SHA256(tag)`. The tagged hash of data is the
    /// plain SHA-256 of these bytes followed by the data. Formats that only
    /// know plain SHA-256 need this.
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

/// A tagged SHA-256 in progress. [`Tag::hasher`] makes it.
#[derive(Clone)]
pub struct TaggedHasher(Hasher);

impl TaggedHasher {
    /// A hasher for a tag that is not one of version 1, from [`midstate_of`] it.
    pub(crate) fn after(midstate: [u32; 8]) -> Self {
        TaggedHasher(Hasher::after(midstate, 1))
    }

    /// Adds bytes.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// Adds bytes and returns the hasher.
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

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    /// BIP-340's definition, literally, with `sha2` alone.
    #[test]
    fn every_tag_hashes_as_bip_340_defines_it() {
        for tag in ALL {
            let (prefix, name) = tag.text();
            let text = Sha256::new()
                .chain_update(prefix)
                .chain_update(name)
                .finalize();
            for data in [&b""[..], b"x", &[7; 64], &[9; 4097]] {
                let expected: [u8; 32] = Sha256::new()
                    .chain_update(text)
                    .chain_update(text)
                    .chain_update(data)
                    .finalize()
                    .into();
                let mut hasher: TaggedHasher = tag.hasher();
                hasher.update(data);
                assert_eq!(hasher.finish(), expected, "{tag:?}");
            }
        }
    }
}
