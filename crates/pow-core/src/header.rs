//! The 80-byte block header. It is Bitcoin's.

use crate::hash::{BlockHash, TxRoot, sha256d_header};
use crate::target::CompactTarget;

/// Length of a serialised header, in bytes.
pub const HEADER_LEN: usize = 80;

/// Header version. The bits of [`Version::MASK`] are checked: bits 29 to 31
/// must be `001` (BIP 9), and bits 0 to 12 must be zero. Bits 13 to 28 have no
/// meaning, because miners roll them (BIP 320).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u32);

impl Version {
    /// The version of our own blocks.
    pub const BASE: Version = Version(0x2000_0000);
    /// The bits that must be those of [`Version::BASE`].
    pub const MASK: u32 = 0xe000_1fff;

    /// Whether all checked bits are those of [`Version::BASE`].
    pub fn is_allowed(self) -> bool {
        self.0 & Version::MASK == Version::BASE.0
    }
}

/// The 32-bit nonce, as a number. The header has it in little-endian order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub u32);

/// Header time, in seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderTime(pub u32);

/// A block header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Version.
    pub version: Version,
    /// Hash of the previous block; [`BlockHash::ZERO`] in a genesis block.
    pub prev: BlockHash,
    /// Merkle root of the transactions. As there is only one, it is the
    /// coinbase's txid.
    pub tx_root: TxRoot,
    /// Time, in seconds since the Unix epoch.
    pub time: HeaderTime,
    /// Target, in compact form.
    pub bits: CompactTarget,
    /// Nonce.
    pub nonce: Nonce,
}

impl Header {
    /// Reads a header. Any 80 bytes are a header.
    pub fn from_bytes(bytes: &[u8; HEADER_LEN]) -> Header {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let digest = |at: usize| {
            let mut out = [0u8; 32];
            out.copy_from_slice(&bytes[at..at + 32]);
            out
        };
        Header {
            version: Version(word(0)),
            prev: BlockHash(digest(4)),
            tx_root: TxRoot(digest(36)),
            time: HeaderTime(word(68)),
            bits: CompactTarget(word(72)),
            nonce: Nonce(word(76)),
        }
    }

    /// The header's 80 bytes.
    ///
    /// ```
    /// use pow_core::header::Header;
    /// let bytes = [7u8; 80];
    /// assert_eq!(Header::from_bytes(&bytes).to_bytes(), bytes);
    /// ```
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut out = [0u8; HEADER_LEN];
        out[..4].copy_from_slice(&self.version.0.to_le_bytes());
        out[4..36].copy_from_slice(&self.prev.0);
        out[36..68].copy_from_slice(&self.tx_root.0);
        out[68..72].copy_from_slice(&self.time.0.to_le_bytes());
        out[72..76].copy_from_slice(&self.bits.0.to_le_bytes());
        out[76..].copy_from_slice(&self.nonce.0.to_le_bytes());
        out
    }

    /// `SHA256(SHA256(header))`.
    pub fn hash(&self) -> BlockHash {
        BlockHash(sha256d_header(&self.to_bytes()))
    }
}
