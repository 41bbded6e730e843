//! The latencies of an engine.

use super::speed::{job, search_time};
use pow_core::search::{CancelToken, Engine, EngineError, HitLimit, NonceRange};
use std::thread;
use std::time::{Duration, Instant};

/// The number of searches of one nonce. The median of their times counts.
const DISPATCHES: usize = 101;

pub(super) fn dispatch_latency(engine: &mut dyn Engine) -> Result<Duration, EngineError> {
    let times = (0..DISPATCHES)
        .map(|_| search_time(engine, 1))
        .collect::<Result<_, _>>()?;
    Ok(median(times))
}

/// The number of cancelled searches. The median of their times counts.
const CANCELS: usize = 7;

/// How long a search runs before it is cancelled. On a GPU, this is several
/// dispatches.
const UNDER_WAY: Duration = Duration::from_millis(150);

pub(super) fn cancel_latency(engine: &mut dyn Engine) -> Result<Duration, EngineError> {
    let times = (0..CANCELS)
        .map(|_| cancelled(engine))
        .collect::<Result<_, _>>()?;
    Ok(median(times))
}

/// The time from the call that cancels a search to the search's return.
fn cancelled(engine: &mut dyn Engine) -> Result<Duration, EngineError> {
    let cancel = CancelToken::new();
    thread::scope(|scope| {
        let other = &cancel;
        let canceller = scope.spawn(move || {
            thread::sleep(UNDER_WAY);
            let now = Instant::now();
            other.cancel();
            now
        });
        // A fast GPU searches a whole range in less than a second, so one range
        // may not be enough.
        while !cancel.is_cancelled() {
            engine.search(&job(NonceRange::FULL.len()), HitLimit::All, &cancel)?;
        }
        let returned = Instant::now();
        // This thread cannot have panicked.
        let cancelled = canceller.join().unwrap_or(returned);
        Ok(returned.saturating_duration_since(cancelled))
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
