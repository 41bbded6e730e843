//! Jobs and hits.

use crate::hash::BlockHash;
use crate::header::{HEADER_LEN, Header, Nonce};
use crate::search::NonceRange;
use crate::target::Target;

/// What to search: headers that differ in the nonce alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    header: Header,
    target: Target,
    range: NonceRange,
}

impl Job {
    /// A job over `range`; the header's own nonce is ignored. The target need
    /// not be that of the header's bits (a share's may be easier).
    pub fn new(header: Header, target: Target, range: NonceRange) -> Job {
        Job {
            header,
            target,
            range,
        }
    }

    /// The header that is searched.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header's bytes with `nonce` put in.
    pub fn header_bytes(&self, nonce: Nonce) -> [u8; HEADER_LEN] {
        Header {
            nonce,
            ..self.header
        }
        .to_bytes()
    }

    /// The target to meet.
    pub fn target(&self) -> Target {
        self.target
    }

    /// The nonces to try.
    pub fn range(&self) -> NonceRange {
        self.range
    }

    /// Rehashes the header with `nonce` and makes a [`Hit`] if it lies in the
    /// range and meets the target.
    pub fn check(&self, nonce: Nonce) -> Option<Hit> {
        self.range.position(nonce)?;
        let header = Header {
            nonce,
            ..self.header
        };
        let hash = header.hash();
        self.target.is_met_by(hash).then_some(Hit { header, hash })
    }
}

/// A header that meets its job's target, rehashed by this crate. Made only by
/// [`Job::check`]: an engine cannot claim one.
///
/// ```compile_fail,E0451
/// # use pow_core::{hash::BlockHash, header::Header, search::Hit};
/// fn claim(header: Header) -> Hit {
///     Hit { header, hash: BlockHash::ZERO }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    header: Header,
    hash: BlockHash,
}

impl Hit {
    /// The header with the winning nonce.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The winning nonce.
    pub fn nonce(&self) -> Nonce {
        self.header.nonce
    }

    /// The header's hash.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// Whether this is a hit of `job`: it has the job's header but for the
    /// nonce, its nonce is in the job's range, and it meets the job's target.
    pub fn belongs_to(&self, job: &Job) -> bool {
        let header = Header {
            nonce: self.nonce(),
            ..job.header
        };
        self.header == header
            && job.range.position(self.nonce()).is_some()
            && job.target.is_met_by(self.hash)
    }
}
