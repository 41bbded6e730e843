//! What a measurement is asked for, and what it gives.

use super::contestant::EngineKind;
use super::host::Host;
use super::stats::Spread;
use std::num::NonZeroU32;
use std::time::Duration;

/// How long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BenchSettings {
    /// How often each engine is measured.
    pub rounds: NonZeroU32,
    /// How long it searches in a round.
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

/// What was measured.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BenchReport {
    /// The machine.
    pub machine: Host,
    /// How long it was measured.
    pub settings: BenchSettings,
    /// Millions of hashes a second by the `sha2` crate from the midstate, one
    /// thread.
    pub sha2_mhs: Spread,
    /// The engines, in the order given.
    pub engines: Vec<EngineMeasurement>,
}

/// What was measured of one engine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EngineMeasurement {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EngineKind,
    /// Millions of header hashes a second.
    pub mhs: Spread,
    /// Its speed by that of `sha2_mhs`, compared in each round.
    pub ratio_to_sha2: Spread,
    /// How long a search of a single nonce takes.
    pub dispatch_latency: Duration,
    /// How long a search takes to return once it is cancelled.
    pub cancel_latency: Duration,
}

/// What is being measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BenchPhase {
    /// An engine finds its speed.
    WarmUp,
    /// An engine searches in a round.
    Round,
    /// An engine's latencies are taken.
    Latency,
}

impl BenchSettings {
    /// How often [`bench`](fn@bench) reports progress for so many engines.
    pub fn steps(&self, engines: usize) -> u64 {
        let engines = engines as u64;
        // The yardstick runs in every round and has no latencies.
        (engines + 1) * (1 + u64::from(self.rounds.get())) + engines
    }
}
