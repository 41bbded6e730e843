//! A block, serialised as in Bitcoin: header, transaction count, coinbase.

use crate::codec::{DecodeError, DecodeErrorKind, Reader};
use crate::coinbase::{Coinbase, ExtraNonce, Height};
use crate::hash::{BlockHash, BodyCommitment};
use crate::header::{Header, HeaderTime, Nonce, Version};
use crate::target::CompactTarget;
use alloc::vec::Vec;

/// The format's limit on the length of a serialised block, in bytes. Real
/// blocks have 189 to 193 bytes.
pub const MAX_BLOCK_LEN: usize = 200;

/// A block: header and coinbase. This type does not check that the header
/// commits to the coinbase; [`crate::chain`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The only transaction.
    pub coinbase: Coinbase,
}

impl Block {
    /// Reads a whole block.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] unless the bytes are exactly a header and one coinbase
    /// of our form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Block, DecodeError> {
        let mut reader = Reader::new(bytes);
        let header = Header::from_bytes(&reader.array("header")?);
        let at = reader.clone();
        match reader.u8("transaction count")? {
            1 => {}
            found => {
                return Err(at.error(DecodeErrorKind::Value {
                    field: "transaction count",
                    found: found.into(),
                    expected: "1",
                }));
            }
        }
        let coinbase = Coinbase::read(&mut reader)?;
        reader.finish()?;
        Ok(Block { header, coinbase })
    }

    /// The block's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MAX_BLOCK_LEN);
        out.extend_from_slice(&self.header.to_bytes());
        out.push(1);
        out.extend_from_slice(&self.coinbase.to_bytes());
        out
    }
}

/// A block without extranonce and nonce: what a miner gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Height.
    pub height: Height,
    /// Hash of the previous block.
    pub prev: BlockHash,
    /// Header time, in seconds since the Unix epoch.
    pub time: HeaderTime,
    /// Target.
    pub bits: CompactTarget,
    /// The body commitment for the coinbase.
    pub commitment: BodyCommitment,
}

impl Template {
    /// The block with this extranonce and nonce zero. A search then changes
    /// only the header's nonce.
    ///
    /// ```
    /// # use pow_core::{block::*, coinbase::*, hash::*, header::*, target::*};
    /// let template = Template {
    ///     height: Height::GENESIS,
    ///     prev: BlockHash::ZERO,
    ///     time: HeaderTime(0),
    ///     bits: MAX_TARGET,
    ///     commitment: BodyCommitment([0; 32]),
    /// };
    /// let block = template.block(ExtraNonce::default());
    /// assert_eq!(Block::from_bytes(&block.to_bytes()), Ok(block));
    /// ```
    pub fn block(&self, extranonce: ExtraNonce) -> Block {
        let coinbase = Coinbase {
            height: self.height,
            extranonce,
            commitment: self.commitment,
        };
        Block {
            header: Header {
                version: Version::BASE,
                prev: self.prev,
                tx_root: coinbase.txid(),
                time: self.time,
                bits: self.bits,
                nonce: Nonce(0),
            },
            coinbase,
        }
    }
}
