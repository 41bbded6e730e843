//! Section 6, parallel mining: hash rate against engines and threads.
//!
//! All engines search in turns in every round, so that a ratio is of two rates
//! taken next to each other.

use pow_core::search::Engine;
use pow_gpu::AdapterChoice;
use pow_mine::bench::{EngineKind, cpu_contestants, gpu_contestants, nonces_in, search_time};
use pow_mine::{CpuShare, EngineChoice, Threads, select};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::time::Duration;

pub mod report;

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How often each engine is measured.
    pub rounds: u64,
    /// How long it searches in a round, in milliseconds.
    pub slice_ms: u64,
}

impl Plan {
    /// Half a minute or so.
    pub fn standard() -> Self {
        Plan {
            rounds: 11,
            slice_ms: 200,
        }
    }

    /// A second or so: a look at whether everything works.
    pub fn quick() -> Self {
        Plan {
            rounds: 3,
            slice_ms: 20,
        }
    }

    /// Some minutes.
    pub fn full() -> Self {
        Plan {
            rounds: 51,
            slice_ms: 1000,
        }
    }
}

/// What an engine is compared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A kernel of the CPU, on one thread.
    Kernel,
    /// The best kernel, on several threads or one.
    Threads,
    /// A GPU.
    Gpu,
    /// The CPU and every GPU, or several GPUs.
    Together,
}

/// One engine in one round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which round, from 0 on.
    pub round: u64,
    /// What it is compared for.
    pub kind: Kind,
    /// The engine's name.
    pub engine: String,
    /// Threads that search on the CPU.
    pub threads: Option<usize>,
    /// Headers hashed.
    pub hashes: u64,
    /// By the wall clock.
    pub seconds: f64,
}

impl Row {
    /// Headers hashed a second.
    pub fn rate(&self) -> f64 {
        self.hashes as f64 / self.seconds
    }
}

/// The engines that are compared.
pub struct Contest(Vec<Entrant>);

struct Entrant {
    kind: Kind,
    name: String,
    threads: Option<usize>,
    engine: Box<dyn Engine>,
    /// About as many hashes as it does in a slice.
    slice: u64,
}

impl Contest {
    /// Opens and warms up every kernel of the CPU on one thread, the best of
    /// them on 1, 2, 4 and so on and on all threads, and where there is a GPU it
    /// and all together. A software adapter takes part only where the
    /// environment asks for one.
    ///
    /// # Errors
    ///
    /// If an engine fails, or the environment names one that there is not.
    pub fn open(plan: &Plan) -> anyhow::Result<Self> {
        let mut contest = Contest(Vec::new());
        for one in cpu_contestants()? {
            if matches!(one.kind, EngineKind::Cpu { threads } if threads.get() == 1) {
                contest.enter(plan, Kind::Kernel, one.name, Some(1), one.engine)?;
            }
        }
        for threads in counts(Threads::all().get()) {
            let share = CpuShare {
                threads: Threads::new(threads),
                ..CpuShare::default()
            };
            let engine = select(EngineChoice::Cpu, share)?.engine;
            let (name, threads) = (engine.name(), Some(threads.get()));
            contest.enter(plan, Kind::Threads, name, threads, engine)?;
        }
        let software_or_real = AdapterChoice::from_env();
        if software_or_real.devices().is_ok() {
            for one in gpu_contestants(&software_or_real, true)? {
                let (kind, threads) = match one.kind {
                    EngineKind::All { threads } => (Kind::Together, threads.map(Threads::get)),
                    _ => (Kind::Gpu, None),
                };
                contest.enter(plan, kind, one.name, threads, one.engine)?;
            }
        }
        Ok(contest)
    }

    fn enter(
        &mut self,
        plan: &Plan,
        kind: Kind,
        name: String,
        threads: Option<usize>,
        mut engine: Box<dyn Engine>,
    ) -> anyhow::Result<()> {
        let slice = Duration::from_millis(plan.slice_ms);
        self.0.push(Entrant {
            kind,
            name,
            threads,
            slice: nonces_in(engine.as_mut(), slice)?,
            engine,
        });
        Ok(())
    }

    /// Measures every engine once.
    ///
    /// # Errors
    ///
    /// If an engine fails.
    pub fn measure(&mut self, round: u64) -> anyhow::Result<Vec<Row>> {
        let count = self.0.len().max(1) as u64;
        // None always comes first.
        self.0.rotate_left((round % count) as usize);
        let mut rows = Vec::new();
        for entrant in &mut self.0 {
            rows.push(Row {
                round,
                kind: entrant.kind,
                engine: entrant.name.clone(),
                threads: entrant.threads,
                hashes: entrant.slice,
                seconds: search_time(entrant.engine.as_mut(), entrant.slice)?.as_secs_f64(),
            });
        }
        Ok(rows)
    }
}

/// Powers of two below `all`, and `all`.
fn counts(all: usize) -> Vec<NonZeroUsize> {
    let powers = std::iter::successors(Some(1usize), |count| count.checked_mul(2));
    let below = powers.take_while(|count| *count < all);
    below.chain([all]).filter_map(NonZeroUsize::new).collect()
}
