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

impl EngineMeasurement {
    /// Whether it is slower than the `sha2` crate on one thread, in most rounds.
    /// Something is then wrong with a kernel, or it does not suit this machine.
    pub fn is_slower_than_sha2(&self) -> bool {
        self.ratio_to_sha2.median < 1.0
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use pow_cpu::Threads;

    #[test]
    fn a_kernel_below_sha2_is_slow() {
        let slow = |ratio| {
            let measured = EngineMeasurement {
                name: String::from("sha-ni-x3"),
                kind: EngineKind::Cpu {
                    threads: Threads::new(std::num::NonZeroUsize::MIN),
                },
                mhs: Spread::of(vec![7.0 * ratio]),
                // One good round of three does not help.
                ratio_to_sha2: Spread::of(vec![ratio, ratio, 9.0]),
                dispatch_latency: Duration::ZERO,
                cancel_latency: Duration::ZERO,
            };
            measured.is_slower_than_sha2()
        };
        assert!(slow(0.01) && slow(0.99) && !slow(1.0) && !slow(3.0));
    }
}
