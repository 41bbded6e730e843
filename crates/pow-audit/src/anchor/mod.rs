//! Anchors: proofs by others of when a block was there.
//!
//! What is stamped is the 80-byte header of a block. Its digest is the SHA-256 of these
//! bytes, which anybody computes with `sha256sum`. A proof over it covers the block and
//! all blocks before it, because each header commits to the one before. The level `time`
//! says what the proofs in a run's `anchors/` are worth.

mod accept;
mod bitcoin;
mod ots;
pub mod tsp;

pub use accept::{AcceptError, Accepted, AnchorProof, Stamp, StampError, accept, stamp};
pub use bitcoin::{BitcoinHeaders, BitcoinHeadersError, MAINNET_LIMIT};
pub use ots::{MAX_OTS, OtsAttestation, OtsError, OtsPath, OtsProof};

pub(crate) use bitcoin::{SuppliedHeader, is_hard_enough, meets};

use pow_core::header::HEADER_LEN;
use sha2::{Digest, Sha256};

/// The digest that is stamped: the SHA-256 of a block's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StampDigest(pub [u8; 32]);

impl StampDigest {
    /// The digest of the header with which a block's bytes begin. `None` if they are
    /// shorter than a header.
    pub fn of_block(block: &[u8]) -> Option<Self> {
        block
            .first_chunk::<HEADER_LEN>()
            .map(|header| StampDigest(sha256(header)))
    }
}

impl std::fmt::Display for StampDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::hex::to_hex(&self.0))
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
