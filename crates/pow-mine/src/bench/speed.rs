//! The speed of an engine.

use pow_core::header::{Header, Nonce};
use pow_core::search::{CancelToken, Engine, EngineError, HitLimit, Job, NonceRange};
use pow_core::target::Target;
use std::time::{Duration, Instant};

/// A job of `len` nonces without a hit: no hash meets its target.
pub(super) fn job(len: u64) -> Job {
    let range = NonceRange::new(Nonce(0), len).unwrap_or(NonceRange::FULL);
    let header = Header::from_bytes(&[0x5a; 80]);
    Job::new(header, Target::from_le_bytes([0; 32]), range)
}

/// How long the engine takes to search this many nonces. None of them is a hit.
/// Above 2^32 nonces, it searches several ranges. The result is at least one
/// nanosecond.
///
/// # Errors
///
/// [`EngineError`] if the engine fails.
///
/// ```
/// use pow_core::search::Reference;
/// use pow_mine::bench::search_time;
/// assert!(search_time(&mut Reference, 1000)?.as_nanos() > 0);
/// # Ok::<(), pow_core::search::EngineError>(())
/// ```
pub fn search_time(engine: &mut dyn Engine, nonces: u64) -> Result<Duration, EngineError> {
    let began = Instant::now();
    let mut left = nonces;
    while left > 0 {
        let len = left.min(NonceRange::FULL.len());
        engine.search(&job(len), HitLimit::All, &CancelToken::new())?;
        left -= len;
    }
    Ok(began.elapsed().max(Duration::from_nanos(1)))
}

/// How many nonces the engine searches in a slice of time. At least 1. It is
/// found by longer and longer searches, which are also the engine's warm-up.
///
/// # Errors
///
/// [`EngineError`] if the engine fails.
///
/// ```
/// use pow_core::search::Reference;
/// use pow_mine::bench::nonces_in;
/// use std::time::Duration;
/// assert!(nonces_in(&mut Reference, Duration::from_millis(1))? > 0);
/// # Ok::<(), pow_core::search::EngineError>(())
/// ```
pub fn nonces_in(engine: &mut dyn Engine, slice: Duration) -> Result<u64, EngineError> {
    let mut nonces = 1 << 12;
    loop {
        let took = search_time(engine, nonces)?;
        if took >= slice / 2 {
            return Ok(in_slice(nonces, took, slice));
        }
        nonces = in_slice(nonces, took, slice).clamp(2 * nonces, 8 * nonces);
    }
}

fn in_slice(nonces: u64, took: Duration, slice: Duration) -> u64 {
    let len = nonces as f64 * slice.as_secs_f64() / took.as_secs_f64();
    (len as u64).max(1)
}

/// Millions of nonces per second. Adjusts the number of nonces for the next
/// round.
pub(super) fn mhs(
    engine: &mut dyn Engine,
    nonces: &mut u64,
    slice: Duration,
) -> Result<f64, EngineError> {
    let took = search_time(engine, *nonces)?;
    let mhs = *nonces as f64 / took.as_secs_f64() / 1e6;
    *nonces = in_slice(*nonces, took, slice);
    Ok(mhs)
}
