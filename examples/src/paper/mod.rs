//! Measurements of the paper's claims.
//!
//! Each section has a plan (what is measured), units (what is measured at once)
//! and rows (what came out). A report makes tables, plots and verdicts from the
//! rows alone.

pub mod convergence;
pub mod difficulty;
pub mod engines;
pub mod machine_info;
pub mod overhead;
pub mod parallel;
pub mod plan;
pub mod plot;
pub mod progress;
pub mod stats;
pub mod store;
pub mod tamper;
pub mod training;
pub mod work;

use pow_audit::{AuditOptions, Level};
use std::time::Duration;

/// The value in `place`. If there is none yet, `open` makes it.
///
/// # Errors
///
/// Those of `open`.
pub fn opened<T>(
    place: &mut Option<T>,
    open: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<&mut T> {
    let value = match place.take() {
        Some(value) => value,
        None => open()?,
    };
    Ok(place.insert(value))
}

/// A time in milliseconds.
fn millis(time: Duration) -> f64 {
    1000.0 * time.as_secs_f64()
}

/// Options of a verifier that requires every level but the replay, and knows no
/// hash of the run.
fn all_but_replay() -> AuditOptions {
    AuditOptions {
        require: [Level::Chain, Level::Finished, Level::State, Level::Artifact].into(),
        ..AuditOptions::default()
    }
}
