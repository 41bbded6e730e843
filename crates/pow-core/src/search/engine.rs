//! The contract between a search and whoever asks for it.

use crate::search::{CancelToken, Hit, Job};
use alloc::string::String;
use alloc::vec::Vec;

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
