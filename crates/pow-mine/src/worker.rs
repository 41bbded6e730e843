//! An engine whose answers are checked, until it has failed for good.

use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// An engine is given up with its third wrong nonce since its last hit. One or two may
/// be the doing of a cosmic ray or of an overclocked card.
const WRONG: u32 = 3;

/// An engine, what it got wrong, and whether it has failed.
pub struct Worker {
    engine: Box<dyn Engine>,
    /// Wrong nonces since the last hit.
    wrong_since_hit: u32,
    wrong_nonces: u64,
    failed: Option<EngineError>,
}

impl Worker {
    pub fn new(engine: Box<dyn Engine>) -> Self {
        Worker {
            engine,
            wrong_since_hit: 0,
            wrong_nonces: 0,
            failed: None,
        }
    }

    pub fn name(&self) -> String {
        self.engine.name()
    }

    /// Whether the engine is given up.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// The failures of the engine's parts, or its own if it has no parts.
    pub fn failures(&self) -> Vec<EngineError> {
        let parts = self.engine.failures();
        match &self.failed {
            Some(error) if parts.is_empty() => vec![error.clone()],
            _ => parts,
        }
    }

    /// The wrong nonces of the engine and of its parts.
    pub fn wrong_nonces(&self) -> u64 {
        self.wrong_nonces + self.engine.wrong_nonces()
    }

    /// A search, whose answer is a valid one for this job. After an error, the same job
    /// may be searched again unless the engine [has failed](Self::has_failed).
    pub fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        // A panic must not end the thread that searches, nor leave other engines
        // waiting.
        let engine = &mut self.engine;
        let search = AssertUnwindSafe(|| engine.search(job, limit, cancel));
        let searched = catch_unwind(search)
            .unwrap_or_else(|_| Err(self.device_error("it panicked")))
            .and_then(|found| self.checked(found, job, limit, cancel));
        match &searched {
            Ok(found) if found.hits.is_empty() => {}
            Ok(_) => self.wrong_since_hit = 0,
            Err(error) => self.note(error),
        }
        searched
    }

    fn note(&mut self, error: &EngineError) {
        let is_wrong = matches!(error, EngineError::FalseHit { .. });
        if is_wrong {
            self.wrong_nonces += 1;
            self.wrong_since_hit += 1;
        }
        if !is_wrong || self.wrong_since_hit >= WRONG {
            self.failed = Some(error.clone());
        }
    }

    fn checked(
        &self,
        found: Found,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        found.check_for(job, self.engine.as_ref())?;
        let is_done = found.scanned == job.range().len()
            || cancel.is_cancelled()
            || (limit.is_one() && !found.hits.is_empty());
        if is_done && found.scanned <= job.range().len() {
            Ok(found)
        } else {
            Err(self.device_error("it did not search the whole range"))
        }
    }

    fn device_error(&self, message: &str) -> EngineError {
        EngineError::Device {
            engine: self.engine.name(),
            message: message.into(),
        }
    }
}
