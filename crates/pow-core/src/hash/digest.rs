//! Digests: one type for each kind.

use crate::hash::Tag;
use core::fmt;

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: impl Iterator<Item = u8>) -> fmt::Result {
    for byte in bytes {
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

/// Why a text is not 32 bytes in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HexError {
    /// The text is not 64 bytes long.
    #[error("expected 64 hex digits, found a text of {found} bytes")]
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
    /// Root of a Merkle tree ([`crate::merkle`]).
    TreeRoot
);
digest_newtype!(
    /// Root over all named tensors of a model ([`crate::tensor`]).
    ParameterRoot
);
digest_newtype!(
    /// Root over a training state without its parameters ([`crate::state`]).
    RestRoot
);
digest_newtype!(
    /// Root of a whole training state ([`crate::state`]).
    StateRoot
);
digest_newtype!(
    /// Commitment to a block's body. The coinbase contains it.
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
    /// The seed that a challenge's segments are picked with
    /// ([`crate::challenge`]).
    ChallengeSeed
);
digest_newtype!(
    /// Merkle root of a block's transactions, in internal byte order. Our
    /// blocks have one transaction, so it is the coinbase's txid.
    TxRoot
);

impl FileDigest {
    /// The digest of a file's exact bytes.
    pub fn of(bytes: &[u8]) -> Self {
        FileDigest(Tag::File.hash(bytes))
    }
}

/// Hash of a block header, in internal byte order. `Display` and `FromStr` use
/// Bitcoin's reversed order, in which the zeros of a small hash come first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlockHash(pub [u8; 32]);

impl BlockHash {
    /// The parent hash in the header of a genesis block.
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

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    const BYTES: [u8; 32] = *b"\x00\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\
                               ABCDEFGHIJKLMNOP";

    #[test]
    fn digests_are_written_in_order_and_block_hashes_in_reverse() {
        let text: String = BYTES.iter().map(|byte| format!("{byte:02x}")).collect();
        let root = TreeRoot(BYTES);
        assert_eq!(root.to_string(), text);
        assert_eq!(format!("{root:?}"), format!("TreeRoot({text})"));
        assert_eq!(text.to_uppercase().parse(), Ok(root));

        let reversed: String = BYTES
            .iter()
            .rev()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let hash = BlockHash(BYTES);
        assert_eq!(hash.to_string(), reversed);
        assert_eq!(format!("{hash:?}"), format!("BlockHash({reversed})"));
        assert_eq!(reversed.parse(), Ok(hash));
    }

    #[test]
    fn a_text_that_is_no_digest_is_refused_at_its_byte() {
        let parse = |text: &str| text.parse::<TreeRoot>();
        for found in [0, 63, 65] {
            assert_eq!(parse(&"0".repeat(found)), Err(HexError::Length { found }));
        }
        for offset in [0, 1, 62, 63] {
            let mut text = "0".repeat(64);
            text.replace_range(offset..offset + 1, "g");
            assert_eq!(parse(&text), Err(HexError::Digit { offset }));
        }
    }
}
