//! How fast the engines of this machine are, beside the `sha2` crate.

mod contestant;
mod host;
mod measure;
mod stats;

pub use contestant::{Contestant, ContestantError, EngineKind, cpu_contestants, gpu_contestants};
pub use host::Host;
pub use measure::{BenchReport, BenchSettings, Measured, Phase, bench, nonces_in, search_time};
pub use stats::Spread;
