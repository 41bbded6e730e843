//! Section 6, parallel mining: the hash rates of engines and threads.
//!
//! In every round all engines search, one after another. A ratio then compares two
//! rates that were measured shortly after each other.

use super::plan::SectionPlan;
use pow_core::search::Engine;
use pow_gpu::AdapterChoice;
use pow_mine::bench::{EngineKind, cpu_contestants, gpu_contestants, nonces_in, search_time};
use pow_mine::{CpuShare, EngineChoice, Threads, select};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::time::Duration;

pub mod report;

/// How often and how long the engines search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParallelPlan {
    /// Measurements of each engine.
    pub rounds: u64,
    /// Time that an engine searches in a round, in milliseconds.
    pub slice_ms: u64,
}

impl SectionPlan for ParallelPlan {
    /// About half a minute.
    fn standard() -> Self {
        ParallelPlan {
            rounds: 11,
            slice_ms: 200,
        }
    }

    fn quick() -> Self {
        ParallelPlan {
            rounds: 3,
            slice_ms: 20,
        }
    }

    fn full() -> Self {
        ParallelPlan {
            rounds: 51,
            slice_ms: 1000,
        }
    }
}

/// A group of engines that are compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineGroup {
    /// A kernel of the CPU, on one thread.
    Kernel,
    /// The best kernel, on one thread or several.
    Threads,
    /// A GPU.
    Gpu,
    /// The CPU and every GPU, or several GPUs.
    Together,
}

/// One engine in one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParallelRow {
    /// The round, counted from 0.
    pub round: u64,
    /// The engine's group.
    pub kind: EngineGroup,
    /// The engine's name.
    pub engine: String,
    /// CPU threads that search. `None` for an engine without any.
    pub threads: Option<usize>,
    /// Headers hashed.
    pub hashes: u64,
    /// Time of the search, by the wall clock.
    pub seconds: f64,
}

impl ParallelRow {
    /// Headers hashed per second.
    pub fn rate(&self) -> f64 {
        self.hashes as f64 / self.seconds
    }
}

/// The engines that are compared.
pub struct Contest(Vec<Entrant>);

struct Entrant {
    kind: EngineGroup,
    name: String,
    threads: Option<usize>,
    engine: Box<dyn Engine>,
    /// Nonces to search in a round: about what fits into the planned time.
    nonces: u64,
}

impl Contest {
    /// Opens and warms up the engines: every CPU kernel on one thread; the best
    /// kernel on 1, 2, 4 and so on, and on all threads; each GPU; and all of them
    /// together. A software adapter takes part only if the environment asks for
    /// one.
    ///
    /// # Errors
    ///
    /// If an engine fails, or the environment names an unknown one.
    pub fn open(plan: &ParallelPlan) -> anyhow::Result<Self> {
        let mut contest = Contest(Vec::new());
        for one in cpu_contestants()? {
            if matches!(one.kind, EngineKind::Cpu { threads } if threads.get() == 1) {
                contest.enter(plan, EngineGroup::Kernel, one.name, Some(1), one.engine)?;
            }
        }
        for threads in counts(Threads::all().get()) {
            let share = CpuShare {
                threads: Threads::new(threads),
                ..CpuShare::default()
            };
            let engine = select(EngineChoice::Cpu, share)?.engine;
            let (name, threads) = (engine.name(), Some(threads.get()));
            contest.enter(plan, EngineGroup::Threads, name, threads, engine)?;
        }
        let software_or_real = AdapterChoice::from_env();
        if software_or_real.devices().is_ok() {
            for one in gpu_contestants(&software_or_real, true)? {
                let (kind, threads) = match one.kind {
                    EngineKind::All { threads } => {
                        (EngineGroup::Together, threads.map(Threads::get))
                    }
                    _ => (EngineGroup::Gpu, None),
                };
                contest.enter(plan, kind, one.name, threads, one.engine)?;
            }
        }
        Ok(contest)
    }

    fn enter(
        &mut self,
        plan: &ParallelPlan,
        kind: EngineGroup,
        name: String,
        threads: Option<usize>,
        mut engine: Box<dyn Engine>,
    ) -> anyhow::Result<()> {
        let slice = Duration::from_millis(plan.slice_ms);
        self.0.push(Entrant {
            kind,
            name,
            threads,
            nonces: nonces_in(engine.as_mut(), slice)?,
            engine,
        });
        Ok(())
    }

    /// Measures every engine once.
    ///
    /// # Errors
    ///
    /// If an engine fails.
    pub fn measure(&mut self, round: u64) -> anyhow::Result<Vec<ParallelRow>> {
        let count = self.0.len().max(1) as u64;
        // Another engine is first in each round.
        self.0.rotate_left((round % count) as usize);
        let mut rows = Vec::new();
        for entrant in &mut self.0 {
            rows.push(ParallelRow {
                round,
                kind: entrant.kind,
                engine: entrant.name.clone(),
                threads: entrant.threads,
                hashes: entrant.nonces,
                seconds: search_time(entrant.engine.as_mut(), entrant.nonces)?.as_secs_f64(),
            });
        }
        Ok(rows)
    }
}

/// The powers of two below `all`, and `all` itself.
fn counts(all: usize) -> Vec<NonZeroUsize> {
    let powers = std::iter::successors(Some(1usize), |count| count.checked_mul(2));
    let below = powers.take_while(|count| *count < all);
    below.chain([all]).filter_map(NonZeroUsize::new).collect()
}
