//! Headers alone: their versions, links and work, without coinbases and bodies.
//!
//! Headers alone show that they form a chain, and how much work it would take
//! to make them again. They do not show that the targets are those that genesis
//! demands. That needs the bodies, and a
//! [`ChainVerifier`](super::ChainVerifier).
//!
//! Several parts of a chain can be checked in any order, or at the same time,
//! and then [joined](CheckedHeaders::join). The hashing is a trait, so an
//! engine that hashes many headers at once can do it.

use super::target_cache::TargetCache;
use crate::hash::{BlockHash, PlainSha2, TxRoot, sha256d, sha256d_header};
use crate::header::{HEADER_LEN, Header};
use crate::target::{CompactError, CompactTarget, Work};

/// The most headers in one call of a [`HeaderHasher`].
pub const HASH_BATCH: usize = 64;

/// Hashes block headers and coinbases.
///
/// The check trusts the hasher. A wrong implementation lets bad headers pass,
/// so test yours against [`PlainSha2`].
pub trait HeaderHasher {
    /// Writes SHA-256d of each header to the same index in `hashes`. Both
    /// slices have the same length, 1 to [`HASH_BATCH`].
    fn hash(&self, headers: &[[u8; HEADER_LEN]], hashes: &mut [BlockHash]);

    /// Writes SHA-256d of each coinbase to the same index in `ids`. Both slices
    /// have the same length, 1 to [`HASH_BATCH`]. A coinbase is of any length;
    /// those of a valid chain have 108 to 112 bytes.
    fn coinbases(&self, coinbases: &[&[u8]], ids: &mut [TxRoot]) {
        for (coinbase, id) in coinbases.iter().zip(ids) {
            *id = TxRoot(sha256d(coinbase));
        }
    }
}

impl HeaderHasher for PlainSha2 {
    fn hash(&self, headers: &[[u8; HEADER_LEN]], hashes: &mut [BlockHash]) {
        for (header, hash) in headers.iter().zip(hashes) {
            *hash = BlockHash(sha256d_header(header));
        }
    }
}

/// Consecutive headers. Each has an allowed version, names the header before it
/// as its parent, and meets its own target.
///
/// ```
/// use pow_core::chain::headers::CheckedHeaders;
/// use pow_core::hash::{BlockHash, PlainSha2};
///
/// let mut headers = CheckedHeaders::after(BlockHash::ZERO);
/// let error = headers.extend(&[[0; 80]], &PlainSha2).unwrap_err();
/// assert_eq!(error.position, 0);
/// assert_eq!(headers, CheckedHeaders::after(BlockHash::ZERO));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedHeaders {
    parent: BlockHash,
    head: BlockHash,
    count: u64,
    work: Work,
}

/// The first bad header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("header {position}: {defect}")]
pub struct HeaderError {
    /// Its position, counted from 0 at the first of the [`CheckedHeaders`].
    pub position: u64,
    /// What is wrong with it.
    pub defect: HeaderDefect,
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderDefect {
    /// The version has other fixed bits. Miners may only change bits 13 to 28.
    #[error("version {0:#010x} is not 0x20000000 with rolled bits")]
    Version(u32),
    /// The header does not name the header before it as its parent.
    #[error("previous block is {found}, expected {expected}")]
    Link {
        /// Parent found.
        found: BlockHash,
        /// Hash of the header before.
        expected: BlockHash,
    },
    /// The target is malformed.
    #[error(transparent)]
    Bits(#[from] CompactError),
    /// The hash does not meet the target.
    #[error("hash {hash} does not meet target {bits}")]
    Work {
        /// The header's hash.
        hash: BlockHash,
        /// Its target.
        bits: CompactTarget,
    },
}

impl CheckedHeaders {
    /// No headers yet. The first one must name `parent`, which is
    /// [`BlockHash::ZERO`] for a whole chain.
    pub fn after(parent: BlockHash) -> Self {
        CheckedHeaders {
            parent,
            head: parent,
            count: 0,
            work: Work::ZERO,
        }
    }

    /// Checks the headers that follow and appends them. An error leaves this
    /// value unchanged.
    ///
    /// # Errors
    ///
    /// [`HeaderError`], with the position of the first bad header.
    pub fn extend(
        &mut self,
        headers: &[[u8; HEADER_LEN]],
        hasher: &impl HeaderHasher,
    ) -> Result<(), HeaderError> {
        let mut next = *self;
        let mut hashes = [BlockHash::ZERO; HASH_BATCH];
        let mut targets = TargetCache::default();
        for batch in headers.chunks(HASH_BATCH) {
            let hashes = &mut hashes[..batch.len()];
            hasher.hash(batch, hashes);
            for (header, hash) in batch.iter().zip(hashes) {
                next.push(&Header::from_bytes(header), *hash, &mut targets)
                    .map_err(|defect| HeaderError {
                        position: next.count,
                        defect,
                    })?;
            }
        }
        *self = next;
        Ok(())
    }

    /// Appends headers that were checked separately.
    ///
    /// # Errors
    ///
    /// [`HeaderError`] if the first of them does not follow the last header
    /// here. This value is then unchanged.
    pub fn join(&mut self, next: &CheckedHeaders) -> Result<(), HeaderError> {
        if next.parent != self.head {
            return Err(HeaderError {
                position: self.count,
                defect: HeaderDefect::Link {
                    found: next.parent,
                    expected: self.head,
                },
            });
        }
        self.head = next.head;
        self.count += next.count;
        self.work = self.work.plus(next.work);
        Ok(())
    }

    /// The parent of the first header.
    pub fn parent(&self) -> BlockHash {
        self.parent
    }

    /// Hash of the last header, or of the parent if there are no headers.
    pub fn head(&self) -> BlockHash {
        self.head
    }

    /// The number of headers.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The expected number of hashes for all headers.
    pub fn work(&self) -> Work {
        self.work
    }

    fn push(
        &mut self,
        header: &Header,
        hash: BlockHash,
        targets: &mut TargetCache,
    ) -> Result<(), HeaderDefect> {
        if !header.version.is_allowed() {
            return Err(HeaderDefect::Version(header.version.0));
        }
        if header.prev != self.head {
            return Err(HeaderDefect::Link {
                found: header.prev,
                expected: self.head,
            });
        }
        let (target, work) = targets.get(header.bits)?;
        if !target.is_met_by(hash) {
            return Err(HeaderDefect::Work {
                hash,
                bits: header.bits,
            });
        }
        self.head = hash;
        self.count += 1;
        self.work = self.work.plus(work);
        Ok(())
    }
}
