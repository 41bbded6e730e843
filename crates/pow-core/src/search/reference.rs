//! The reference engine.

use crate::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job};
use alloc::string::String;
use alloc::vec::Vec;

/// The reference engine: it computes one header hash after another. All other
/// engines are tested against it.
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
