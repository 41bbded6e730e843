//! The results of the paper, measured.

pub mod convergence;
pub mod difficulty;
pub mod engines;
pub mod machine;
pub mod overhead;
pub mod parallel;
pub mod plot;
pub mod progress;
pub mod stats;
pub mod store;
pub mod tamper;
pub mod work;

use pow_audit::{AuditOptions, Level};
use std::time::Duration;

/// What is in `place`, opened if that is empty.
///
/// # Errors
///
/// What `open` answers.
pub fn opened<T>(
    place: &mut Option<T>,
    open: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<&mut T> {
    let there = match place.take() {
        Some(there) => there,
        None => open()?,
    };
    Ok(place.insert(there))
}

/// A time in milliseconds.
fn millis(time: Duration) -> f64 {
    1000.0 * time.as_secs_f64()
}

/// A verifier that insists on everything but a replay, and trusts no hash.
fn all_but_replay() -> AuditOptions {
    AuditOptions {
        require: [Level::Chain, Level::Finished, Level::State, Level::Artifact].into(),
        ..AuditOptions::default()
    }
}
