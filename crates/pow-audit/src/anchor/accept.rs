//! What `pow stamp` writes, and what `pow anchor` takes in.

use super::tsp::{TimestampToken, TokenError, TrustedCertificates};
use super::{OtsError, OtsProof, StampDigest};
use crate::source::RunSource;
use crate::walk::walk;
use pow_core::coinbase::Height;
use pow_core::header::HEADER_LEN;
use pow_ledger::{AnchorKind, LedgerError};

/// The header of a block, to be stamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The block.
    pub height: Height,
    /// Its header: the file that is stamped.
    pub header: [u8; HEADER_LEN],
    /// The SHA-256 of the header.
    pub digest: StampDigest,
}

/// Why there is nothing to stamp.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// The chain cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The chain does not hold.
    #[error("the chain does not hold: {0}")]
    Chain(String),
    /// The chain has no block at this height.
    #[error("there is no block {asked}; the last one is block {last}")]
    NoBlock {
        /// The height asked for.
        asked: u32,
        /// That of the last block.
        last: u32,
    },
}

impl StampError {
    /// Whether it speaks against the run.
    pub fn is_verdict(&self) -> bool {
        matches!(self, StampError::Chain(_))
    }
}

/// The header of the block at `height`, or of the last one. The whole chain is verified.
///
/// # Errors
///
/// [`StampError`] if the chain cannot be read or does not hold, or lacks the block.
pub fn stamp(run: &dyn RunSource, height: Option<Height>) -> Result<Stamp, StampError> {
    let mut found = None;
    let end = walk(run, None, &mut |walked, _| {
        let at = walked.chain.height();
        if height.is_none_or(|height| height == at)
            && let Some(header) = walked.record.block.first_chunk()
            && let Some(digest) = StampDigest::of_block(&walked.record.block)
        {
            found = Some(Stamp {
                height: at,
                header: *header,
                digest,
            });
        }
    })?;
    if let Some(failure) = end.failure() {
        return Err(StampError::Chain(failure));
    }
    let last = end.chain.map_or(0, |chain| chain.height().get());
    found.ok_or(StampError::NoBlock {
        asked: height.map_or(0, Height::get),
        last,
    })
}

/// An anchor that belongs to a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The block that was stamped.
    pub height: Height,
    /// The proof.
    pub proof: AnchorProof,
}

/// What an anchor says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorProof {
    /// A path to Bitcoin's chain.
    OpenTimestamps(OtsProof),
    /// The word of a TSA.
    Rfc3161(TimestampToken),
}

impl AnchorProof {
    /// Its format.
    pub fn kind(&self) -> AnchorKind {
        match self {
            AnchorProof::OpenTimestamps(_) => AnchorKind::OpenTimestamps,
            AnchorProof::Rfc3161(_) => AnchorKind::Rfc3161,
        }
    }

    /// The digest that was stamped.
    pub fn digest(&self) -> StampDigest {
        match self {
            AnchorProof::OpenTimestamps(proof) => proof.digest,
            AnchorProof::Rfc3161(token) => token.digest,
        }
    }
}

/// Why an anchor is not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// The chain cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It is no token of a TSA, or one that nobody should count.
    #[error("not a timestamp of a TSA that can be kept: {0}")]
    Token(#[from] TokenError),
    /// It is no proof.
    #[error("not an OpenTimestamps proof that can be kept: {0}")]
    Ots(#[from] OtsError),
    /// It was made over something else.
    #[error(
        "the stamped digest {0} is that of no block of this chain: the proof is of another chain, or of another file than a header from `pow stamp`"
    )]
    Foreign(StampDigest),
    /// The chain does not hold.
    #[error("the chain does not hold: {0}")]
    Chain(String),
}

impl AcceptError {
    /// Whether it is a verdict on the anchor or the run.
    pub fn is_verdict(&self) -> bool {
        !matches!(self, AcceptError::Ledger(_))
    }
}

/// Checks that bytes are a proof over a block of this run. What it leads to is not checked
/// here: `audit` does that, with Bitcoin's headers and the TSAs that a verifier trusts.
///
/// # Errors
///
/// [`AcceptError`] if they are not, or if the chain cannot be read or does not hold.
pub fn accept(run: &dyn RunSource, bytes: &[u8]) -> Result<Accepted, AcceptError> {
    let proof = match TimestampToken::may_be_one(bytes) {
        true => AnchorProof::Rfc3161(sound_token(bytes)?),
        false => AnchorProof::OpenTimestamps(OtsProof::parse(bytes)?),
    };
    let digest = proof.digest();
    let mut height = None;
    let end = walk(run, None, &mut |walked, _| {
        if StampDigest::of_block(&walked.record.block) == Some(digest) {
            height = Some(walked.chain.height());
        }
    })?;
    if let Some(failure) = end.failure() {
        return Err(AcceptError::Chain(failure));
    }
    let height = height.ok_or(AcceptError::Foreign(digest))?;
    Ok(Accepted { height, proof })
}

/// A token in which nothing is wrong. Whether somebody trusts its TSA is not asked.
fn sound_token(bytes: &[u8]) -> Result<TimestampToken, TokenError> {
    let token = TimestampToken::parse(bytes)?;
    match token.check(&TrustedCertificates::default()) {
        Err(error) if !error.is_missing_trust() => Err(error),
        _ => Ok(token),
    }
}
