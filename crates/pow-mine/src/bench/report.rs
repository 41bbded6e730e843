//! Settings of a benchmark, and its report.

use super::contestant::EngineKind;
use super::host::Host;
use super::stats::Spread;
use std::num::NonZeroU32;
use std::time::Duration;

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchSettings {
    /// How many rounds there are. Each engine is measured once in a round.
    pub rounds: NonZeroU32,
    /// How long each engine searches in a round.
    pub slice: Duration,
}

impl Default for BenchSettings {
    /// 11 rounds of 200 ms.
    fn default() -> Self {
        BenchSettings {
            rounds: NonZeroU32::MIN.saturating_add(10),
            slice: Duration::from_millis(200),
        }
    }
}

/// The report of a benchmark.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BenchReport {
    /// The machine.
    pub machine: Host,
    /// The settings of the benchmark.
    pub settings: BenchSettings,
    /// Millions of hashes per second of the `sha2` crate, from the midstate, on
    /// one thread.
    pub sha2_mhs: Spread,
    /// The engines, in the order given.
    pub engines: Vec<EngineMeasurement>,
}

/// The measurements of one engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineMeasurement {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EngineKind,
    /// Millions of header hashes per second.
    pub mhs: Spread,
    /// Its speed divided by that of the `sha2` crate, in each round.
    pub ratio_to_sha2: Spread,
    /// How long the search of a single nonce takes.
    pub dispatch_latency: Duration,
    /// How long a search takes to return after it is cancelled.
    pub cancel_latency: Duration,
}

/// What is measured at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BenchPhase {
    /// The engine's speed is found.
    WarmUp,
    /// The engine searches in a round.
    Round,
    /// The engine's latencies are measured.
    Latency,
}

impl BenchSettings {
    /// How many times [`bench`](fn@super::bench) reports progress for this many
    /// engines.
    pub fn steps(&self, engines: usize) -> u64 {
        let engines = engines as u64;
        // The `sha2` crate also runs in every round, but its latencies are not
        // measured.
        (engines + 1) * (1 + u64::from(self.rounds.get())) + engines
    }
}
