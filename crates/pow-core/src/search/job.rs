//! Jobs and hits.

use crate::hash::{BlockHash, header_midstate};
use crate::header::{HEADER_LEN, Header, Nonce};
use crate::search::NonceRange;
use crate::target::Target;

/// What to search: headers that differ only in the nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    header: Header,
    target: Target,
    range: NonceRange,
}

impl Job {
    /// A job over `range`. The nonce in `header` is ignored. The target may
    /// differ from the header's bits: the target of a mining pool's share, for
    /// example, is easier.
    pub fn new(header: Header, target: Target, range: NonceRange) -> Job {
        Job {
            header,
            target,
            range,
        }
    }

    /// The header to search.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The header's bytes with this nonce.
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

    /// Hashes the header with this nonce. Returns a [`Hit`] if the nonce is in
    /// the range and the hash meets the target.
    pub fn check(&self, nonce: Nonce) -> Option<Hit> {
        self.range.position(nonce)?;
        let header = Header {
            nonce,
            ..self.header
        };
        let hash = header.hash();
        self.target.is_met_by(hash).then_some(Hit { header, hash })
    }

    /// Checks a nonce proposed by an engine that compares only the most
    /// significant 32 bits of hash and target. If these bits are equal, the
    /// lower bits decide. The result is then `None` if the hash is above the
    /// target.
    ///
    /// # Errors
    ///
    /// The nonce, if the engine should not have proposed it: the nonce is
    /// outside the range, or those 32 bits of the hash are above the target's.
    pub fn check_proposal(&self, nonce: Nonce) -> Result<Option<Hit>, Nonce> {
        if let Some(hit) = self.check(nonce) {
            return Ok(Some(hit));
        }
        let header = Header {
            nonce,
            ..self.header
        };
        let is_tie = header.hash().0[28..] == self.target.to_le_bytes()[28..];
        if is_tie && self.range.position(nonce).is_some() {
            Ok(None)
        } else {
            Err(nonce)
        }
    }

    /// The midstate: SHA-256's state after the header's first 64 bytes. These
    /// bytes do not contain the nonce.
    pub fn midstate(&self) -> [u32; 8] {
        header_midstate(&self.header_bytes(Nonce(0)))
    }

    /// The header's words 16 to 18 (bytes 64 to 75), read as big-endian. Word
    /// 19 is the nonce.
    pub fn tail(&self) -> [u32; 3] {
        let header = self.header_bytes(Nonce(0));
        [64, 68, 72].map(|at| {
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        })
    }
}

/// A header that meets the target of its job. This crate has hashed it. Only
/// [`Job::check`] makes a hit, so an engine cannot invent one.
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

    /// Whether this hit belongs to `job`: the headers are equal except for the
    /// nonce, the nonce is in the job's range, and the hash meets the job's
    /// target.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn job(target: Target) -> Job {
        let range = NonceRange::new(Nonce(0), 10).unwrap();
        Job::new(Header::from_bytes(&[9; 80]), target, range)
    }

    #[test]
    fn an_equal_top_word_is_a_proposal_but_no_hit() {
        let hash = Header {
            nonce: Nonce(3),
            ..job(Target::LIMIT).header
        }
        .hash();
        let mut below = hash.0;
        below[0] = below[0].wrapping_sub(1);
        let job = job(Target::from_le_bytes(below));
        assert!(!job.target.is_met_by(hash));
        assert_eq!(job.check_proposal(Nonce(3)), Ok(None));
        assert_eq!(job.check_proposal(Nonce(3 + 10)), Err(Nonce(13)));
    }

    #[test]
    fn a_hit_belongs_to_no_other_job() {
        let all = Target::from_le_bytes([0xff; 32]);
        let hit = job(all).check(Nonce(3)).unwrap();
        assert!(hit.belongs_to(&job(all)));
        let other_header = Job {
            header: Header::from_bytes(&[8; 80]),
            ..job(all)
        };
        let other_range = Job {
            range: NonceRange::new(Nonce(4), 10).unwrap(),
            ..job(all)
        };
        let harder = job(Target::from_le_bytes([0; 32]));
        for other in [other_header, other_range, harder] {
            assert!(!hit.belongs_to(&other), "{other:?}");
        }
    }
    #[test]
    fn a_proposal_is_a_hit_a_tie_or_false() {
        let all = job(Target::from_le_bytes([0xff; 32]));
        let hit = all.check(Nonce(3));
        assert!(hit.is_some());
        assert_eq!(all.check_proposal(Nonce(3)), Ok(hit));
        // In the range, but far from the target.
        let none = job(Target::from_le_bytes([0; 32]));
        assert_eq!(none.check_proposal(Nonce(3)), Err(Nonce(3)));
    }

    #[test]
    fn the_tail_is_what_follows_the_midstate() {
        let header = Header::from_bytes(&core::array::from_fn(|i| i as u8));
        let job = Job {
            header,
            ..job(Target::LIMIT)
        };
        assert_eq!(job.tail(), [0x4041_4243, 0x4445_4647, 0x4849_4a4b]);
    }
}
