//! Measures the engines of this machine, compared with the `sha2` crate.

mod contestant;
mod host;
mod latency;
mod measure;
mod report;
mod speed;
mod stats;
mod weights;

pub use contestant::{Contestant, ContestantError, EngineKind, cpu_contestants, gpu_contestants};
pub use host::Host;
pub use measure::bench;
pub use report::{BenchPhase, BenchReport, BenchSettings, EngineMeasurement};
pub use speed::{nonces_in, search_time};
pub use stats::Spread;
pub use weights::{ParameterCount, WeightsError, WeightsMeasurement, bench_weights};
