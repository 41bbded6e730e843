//! The nonce-search contract that every engine keeps, and its readable scalar
//! reference.
//!
//! A [`Job`] is an 80-byte header, a target and a range of nonces. An
//! [`Engine`] answers with the hits in search order and how far it got. An
//! engine proposes nonces; only [`Job::check`], which rehashes the whole
//! header, turns a nonce into a [`Hit`].

use crate::hash::BlockHash;
use crate::header::{HEADER_LEN, Header, Nonce};
use crate::target::Target;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

/// A run of consecutive nonces in search order. It may wrap from `u32::MAX` to
/// zero, and holds 1 to 2^32 nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceRange {
    start: Nonce,
    len: u64,
}

/// A range length outside 1 to 2^32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a nonce range holds 1 to 4294967296 nonces, asked for {0}")]
pub struct NonceRangeError(pub u64);

impl NonceRange {
    /// All 2^32 nonces, from zero.
    pub const FULL: NonceRange = NonceRange {
        start: Nonce(0),
        len: 1 << 32,
    };

    /// `len` nonces from `start` on.
    ///
    /// # Errors
    ///
    /// [`NonceRangeError`] if `len` is zero or above 2^32.
    ///
    /// ```
    /// use pow_core::{header::Nonce, search::NonceRange};
    /// let wrapping = NonceRange::new(Nonce(u32::MAX), 3)?;
    /// assert_eq!(wrapping.nonce(2), Nonce(1));
    /// # Ok::<(), pow_core::search::NonceRangeError>(())
    /// ```
    pub fn new(start: Nonce, len: u64) -> Result<Self, NonceRangeError> {
        if (1..=1 << 32).contains(&len) {
            Ok(NonceRange { start, len })
        } else {
            Err(NonceRangeError(len))
        }
    }

    /// The first nonce.
    pub fn start(self) -> Nonce {
        self.start
    }

    /// How many nonces, 1 to 2^32.
    #[allow(clippy::len_without_is_empty, reason = "a range is never empty")]
    pub fn len(self) -> u64 {
        self.len
    }

    /// The nonce at `position` in search order; wraps past `u32::MAX`.
    pub fn nonce(self, position: u64) -> Nonce {
        Nonce(self.start.0.wrapping_add(position as u32))
    }

    /// Where `nonce` stands in search order, if it lies in the range.
    pub fn position(self, nonce: Nonce) -> Option<u64> {
        let position = u64::from(nonce.0.wrapping_sub(self.start.0));
        (position < self.len).then_some(position)
    }
}

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

/// How many hits to look for before stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitLimit {
    /// Stop at the first valid nonce in search order.
    First,
    /// Stop at a valid nonce, whichever. An engine that searches in order treats
    /// this as [`First`](Self::First); one that searches several parts of the
    /// range at a time need not wait for the earlier parts.
    Any,
    /// Search the whole range and report every hit.
    All,
}

impl HitLimit {
    /// Whether one hit ends the search.
    pub fn is_one(self) -> bool {
        self != HitLimit::All
    }
}

/// A flag that tells a running search to stop; clones share it.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Flag>);

#[derive(Debug, Default)]
struct Flag {
    is_set: AtomicBool,
    parent: Option<CancelToken>,
}

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token for a part of the work: cancelled when this one is, and also by
    /// itself, which leaves this one as it was.
    ///
    /// ```
    /// use pow_core::search::CancelToken;
    /// let whole = CancelToken::new();
    /// let (one, other) = (whole.child(), whole.child());
    /// one.cancel();
    /// assert!(one.is_cancelled() && !other.is_cancelled() && !whole.is_cancelled());
    /// whole.cancel();
    /// assert!(other.is_cancelled());
    /// ```
    pub fn child(&self) -> CancelToken {
        CancelToken(Arc::new(Flag {
            is_set: AtomicBool::new(false),
            parent: Some(self.clone()),
        }))
    }

    /// Asks every search that holds this token, or a [`child`](Self::child) of
    /// it, to stop soon.
    pub fn cancel(&self) {
        self.0.is_set.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called, on this token or on one that
    /// it is a child of.
    pub fn is_cancelled(&self) -> bool {
        let mut token = Some(self);
        while let Some(CancelToken(flag)) = token {
            if flag.is_set.load(Ordering::Relaxed) {
                return true;
            }
            token = flag.parent.as_ref();
        }
        false
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Hits in search order: all hits among the first [`scanned`](Self::scanned)
    /// nonces of the range and no others ([`HitLimit::First`]: at most one, at
    /// position `scanned - 1`; [`HitLimit::Any`]: at most one, at that position
    /// or a later one).
    pub hits: Vec<Hit>,
    /// Length of the prefix of the range that was searched without a gap. Less
    /// than the range's length only if one hit was asked for and found, or
    /// the search was cancelled; the rest of the range may then be searched
    /// again without losing a hit.
    pub scanned: u64,
    /// Header hashes computed, gaps and work past the first hit included.
    pub hashes: u64,
}

impl Found {
    /// Checks that every hit belongs to `job`. Nobody can forge a [`Hit`], but an
    /// engine can answer with a hit of another job.
    ///
    /// # Errors
    ///
    /// [`EngineError::FalseHit`], with the name of `engine`, for the first hit
    /// that does not belong to `job`.
    pub fn check_for(&self, job: &Job, engine: &dyn Engine) -> Result<(), EngineError> {
        match self.hits.iter().find(|hit| !hit.belongs_to(job)) {
            None => Ok(()),
            Some(hit) => Err(EngineError::FalseHit {
                engine: engine.name(),
                nonce: hit.nonce().0,
            }),
        }
    }

    /// The first hit, if there is one. Every hit is checked first, as
    /// [`check_for`](Self::check_for) does.
    ///
    /// # Errors
    ///
    /// [`EngineError::FalseHit`] if a hit does not belong to `job`.
    ///
    /// ```
    /// use pow_core::header::{Header, Nonce};
    /// use pow_core::search::*;
    /// use pow_core::target::Target;
    ///
    /// let header = Header::from_bytes(&[0; 80]);
    /// let easy = Job::new(header, Target::LIMIT, NonceRange::FULL);
    /// let found = Reference.search(&easy, HitLimit::First, &CancelToken::new())?;
    /// assert!(found.first_for(&easy, &Reference)?.is_some());
    ///
    /// let hard = Job::new(header, Target::from_le_bytes([0; 32]), NonceRange::FULL);
    /// assert!(found.first_for(&hard, &Reference).is_err());
    /// # Ok::<(), EngineError>(())
    /// ```
    pub fn first_for(&self, job: &Job, engine: &dyn Engine) -> Result<Option<Hit>, EngineError> {
        self.check_for(job, engine)?;
        Ok(self.hits.first().copied())
    }
}

/// A search that could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The device behind the engine failed or went away.
    #[error("engine {engine}: {message}")]
    Device {
        /// The engine's name.
        engine: String,
        /// What happened, as the device's driver tells it.
        message: String,
    },
    /// The engine proposed a nonce that does not meet the target.
    #[error("engine {engine} proposed nonce {nonce:#010x}, which does not meet the target")]
    FalseHit {
        /// The engine's name.
        engine: String,
        /// The nonce.
        nonce: u32,
    },
}

/// Something that searches nonces.
pub trait Engine: Send {
    /// What the engine is and runs on, for people: `cpu (2 threads)`.
    fn name(&self) -> String;

    /// Searches `job`'s range in order until `limit` is reached, the range is
    /// exhausted, or `cancel` is set.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the device failed or the engine proposed a nonce
    /// that does not hold.
    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError>;

    /// Why parts of the engine take no part any more, one error for each: one
    /// that is made of several goes on without those that failed.
    fn failures(&self) -> Vec<EngineError> {
        Vec::new()
    }
}

/// The readable scalar reference: one header hash after another. Every other
/// engine is tested against it.
///
/// ```
/// use pow_core::header::{Header, Nonce};
/// use pow_core::search::*;
/// use pow_core::target::Target;
///
/// let header = Header::from_bytes(&[0; 80]);
/// let job = Job::new(header, Target::LIMIT, NonceRange::new(Nonce(0), 64)?);
/// let found = Reference.search(&job, HitLimit::First, &CancelToken::new())?;
/// assert_eq!(found.hits.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl Engine for Reference {
    fn name(&self) -> String {
        String::from("reference")
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        let mut hits = Vec::new();
        let mut scanned = 0;
        while scanned < job.range().len() && !cancel.is_cancelled() {
            let hit = job.check(job.range().nonce(scanned));
            scanned += 1;
            hits.extend(hit);
            if hit.is_some() && limit.is_one() {
                break;
            }
        }
        Ok(Found {
            hits,
            scanned,
            hashes: scanned,
        })
    }
}
