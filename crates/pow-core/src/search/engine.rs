//! The contract between an engine and its caller.

use crate::search::{CancelToken, Hit, Job};
use alloc::string::String;
use alloc::vec::Vec;

/// When a search stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitLimit {
    /// Stop at the first valid nonce in search order.
    First,
    /// Stop at any valid nonce. An engine that searches in order treats this
    /// like [`First`](Self::First). An engine that searches several parts of
    /// the range at once does not wait for the earlier parts.
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

/// The result of a search. The default is that of a search that has not started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The hits, in search order. With [`HitLimit::All`]: exactly the hits
    /// among the first [`scanned`](Self::scanned) nonces of the range. With
    /// [`HitLimit::First`]: at most one hit, at position `scanned - 1`. With
    /// [`HitLimit::Any`]: at most one hit, at that position or a later one.
    pub hits: Vec<Hit>,
    /// How many nonces, from the start of the range, were searched without a
    /// gap. This is less than the range's length only if one hit was wanted and
    /// found, or if the search was cancelled. The caller can then search the
    /// rest of the range and loses no hit.
    pub scanned: u64,
    /// The number of header hashes computed. It includes nonces after a gap and
    /// nonces after the first hit.
    pub hashes: u64,
}

impl Found {
    /// Checks that every hit belongs to `job`. Nobody can forge a [`Hit`], but
    /// an engine could return a hit of another job.
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

    /// The first hit, if there is one. All hits are checked first, as in
    /// [`check_for`](Self::check_for).
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

/// Why a search failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The engine's device failed or disappeared.
    #[error("engine {engine}: {message}")]
    Device {
        /// The engine's name.
        engine: String,
        /// What happened, in the words of the device's driver.
        message: String,
    },
    /// The engine proposed a nonce that is not a hit of its job.
    #[error("engine {engine} proposed nonce {nonce:#010x}, which is not a hit of the job")]
    FalseHit {
        /// The engine's name.
        engine: String,
        /// The nonce.
        nonce: u32,
    },
}

/// Searches nonces.
pub trait Engine: Send {
    /// What the engine is and where it runs, for people: `cpu (2 threads)`.
    fn name(&self) -> String;

    /// Searches the job's range. Stops when `limit` is reached, at the end of
    /// the range, or when `cancel` is cancelled.
    ///
    /// # Errors
    ///
    /// [`EngineError`] if the device failed or the engine proposed a nonce that
    /// is not a hit.
    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError>;

    /// The errors of parts that failed, one error for each part. An engine made
    /// of several engines continues without the failed ones.
    fn failures(&self) -> Vec<EngineError> {
        Vec::new()
    }

    /// How many wrong nonces ([`EngineError::FalseHit`]) its parts proposed. An engine
    /// made of several engines has their pieces searched again.
    fn wrong_nonces(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::{Header, Nonce};
    use crate::search::{NonceRange, Reference};
    use crate::target::Target;

    /// A job of five nonces, all of which meet the target or none.
    fn job(all: bool) -> Job {
        let target = if all { [0xff; 32] } else { [0; 32] };
        Job::new(
            Header::from_bytes(&[9; 80]),
            Target::from_le_bytes(target),
            NonceRange::new(Nonce(7), 5).unwrap(),
        )
    }

    fn search(all: bool, limit: HitLimit, cancel: &CancelToken) -> Found {
        Reference.search(&job(all), limit, cancel).unwrap()
    }

    #[test]
    fn a_search_ends_at_its_limit_or_with_its_range() {
        for (all, limit, hits, scanned) in [
            (true, HitLimit::First, 1, 1),
            (true, HitLimit::Any, 1, 1),
            (true, HitLimit::All, 5, 5),
            (false, HitLimit::First, 0, 5),
        ] {
            let found = search(all, limit, &CancelToken::new());
            let counts = (found.hits.len(), found.scanned, found.hashes);
            assert_eq!(counts, (hits, scanned, scanned), "{limit:?}");
        }
    }

    #[test]
    fn a_token_stops_the_searches_of_its_children() {
        let parent = CancelToken::new();
        let (cancelled, other) = (parent.child(), parent.child());
        cancelled.cancel();
        let scanned = |token: &CancelToken| search(true, HitLimit::All, token).scanned;
        assert_eq!([&parent, &cancelled, &other].map(scanned), [5, 0, 5]);
        parent.cancel();
        assert_eq!([&parent, &cancelled, &other].map(scanned), [0, 0, 0]);
    }

    #[test]
    fn a_hit_of_another_job_is_a_fault_of_the_engine() {
        let found = search(true, HitLimit::All, &CancelToken::new());
        assert_eq!(found.check_for(&job(true), &Reference), Ok(()));
        let first = found.first_for(&job(true), &Reference);
        assert_eq!(first, Ok(Some(found.hits[0])));

        let fault = EngineError::FalseHit {
            engine: "reference".into(),
            nonce: 7,
        };
        assert_eq!(found.check_for(&job(false), &Reference), Err(fault.clone()));
        assert_eq!(found.first_for(&job(false), &Reference), Err(fault));
    }
}
