//! Section 3, overhead: what a step costs with the recorder and without, for
//! models of three sizes and several commit intervals, and what the recorder
//! does with the time.
//!
//! All variants of a size are measured in one round after another, each from a
//! new model and a new run, so that a ratio is of two times taken next to each
//! other. Each has a process of its own, so that none is timed in what another
//! one left. The training and the recorder share the cores: Burn's CPU backend uses all of them, which is
//! the harder case.

pub mod report;
mod training;

pub use training::time;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU64;

/// How large a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// About 0.1 million parameters.
    Small,
    /// About a million.
    Medium,
    /// About ten million.
    Large,
}

/// All of them.
pub const SIZES: [Size; 3] = [Size::Small, Size::Medium, Size::Large];

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Size::Small => "0.1 M",
            Size::Medium => "1 M",
            Size::Large => "10 M",
        })
    }
}

/// How a training is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Not at all.
    Off,
    /// Training goes on while blocks are mined.
    Pipelined,
    /// Each step waits for the block of the one before.
    Gate,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Off => "off",
            Mode::Pipelined => "pipelined",
            Mode::Gate => "gate",
        })
    }
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Each size, and how it is measured.
    pub sizes: Vec<SizePlan>,
    /// Leading zero bits of each block's hash.
    pub zero_bits: u32,
}

/// How one size is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizePlan {
    /// Which.
    pub size: Size,
    /// How often everything is measured.
    pub rounds: u64,
    /// Commit intervals of pipelined mode, in steps.
    pub intervals: Vec<NonZeroU64>,
    /// Steps that are timed as one, or the commit interval if that is longer.
    pub steps: u64,
    /// Steps before them, until caches and queues are as they stay.
    pub warm_up: u64,
}

impl Plan {
    /// Two minutes or so on two cores.
    pub fn standard() -> Self {
        let plan = |size, rounds, intervals: &[NonZeroU64], steps, warm_up| SizePlan {
            size,
            rounds,
            intervals: intervals.to_vec(),
            steps,
            warm_up,
        };
        Plan {
            sizes: vec![
                plan(Size::Small, 21, &[EACH, TENTH, HUNDREDTH], 100, 20),
                plan(Size::Medium, 15, &[EACH, TENTH, HUNDREDTH], 20, 4),
                plan(Size::Large, 7, &[EACH, TENTH], 10, 3),
            ],
            zero_bits: 16,
        }
    }

    /// Some seconds: a look at whether everything works.
    pub fn quick() -> Self {
        let mut plan = Plan::standard();
        for size in &mut plan.sizes {
            size.rounds = 2;
            size.steps = size.steps.div_ceil(4);
            size.warm_up = 1;
            size.intervals.retain(|every| *every <= TENTH);
        }
        plan
    }

    /// Half an hour or so.
    pub fn full() -> Self {
        let mut plan = Plan::standard();
        for size in &mut plan.sizes {
            size.rounds = 21;
            size.intervals = vec![EACH, TENTH, HUNDREDTH];
        }
        plan
    }
}

const EACH: NonZeroU64 = NonZeroU64::MIN;
const TENTH: NonZeroU64 = EACH.saturating_add(9);
const HUNDREDTH: NonZeroU64 = EACH.saturating_add(99);

/// A round of one size: all its variants, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// Which size.
    pub size: Size,
    /// Which round, from 0 on.
    pub round: u64,
}

/// One variant in one round. Times are means, in milliseconds, by the wall
/// clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which size.
    pub size: Size,
    /// Parameters of the model.
    pub parameters: u64,
    /// Which round, from 0 on.
    pub round: u64,
    /// How it is recorded.
    pub mode: Mode,
    /// Commit interval, in steps; none with the recorder off.
    pub commit_every: Option<u64>,
    /// Steps that were timed.
    pub steps: u64,
    /// Time of a step.
    pub step_ms: f64,
    /// Of that, what training waited for the recorder.
    pub waited_ms: f64,
    /// Taking a snapshot of a committed step, on the thread that trains.
    pub snapshot_ms: Option<f64>,
    /// Reading a committed step's parameters, on another thread, as all below.
    pub read_ms: Option<f64>,
    /// Hashing them.
    pub hash_ms: Option<f64>,
    /// Mining a block.
    pub mine_ms: Option<f64>,
    /// Checking and appending a block.
    pub append_ms: Option<f64>,
    /// Syncing the chain file at other times, over all blocks.
    pub sync_ms: Option<f64>,
    /// Committed steps of the whole run, warm-up and step 0 included.
    pub committed: Option<u64>,
    /// Blocks of the whole run.
    pub blocks: Option<u64>,
    /// From the last step to the end of the record: what was queued, the
    /// artifact, and the final block.
    pub finish_ms: Option<f64>,
}

/// All rounds; those of the sizes take turns.
pub fn units(plan: &Plan) -> Vec<Unit> {
    let rounds = plan.sizes.iter().map(|size| size.rounds).max();
    (0..rounds.unwrap_or(0))
        .flat_map(|round| {
            let sizes = plan.sizes.iter().filter(move |size| round < size.rounds);
            sizes.map(move |size| Unit {
                size: size.size,
                round,
            })
        })
        .collect()
}

/// One variant to be timed, in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The size, and how many steps.
    pub size: SizePlan,
    /// Which round, from 0 on.
    pub round: u64,
    /// How it is recorded.
    pub mode: Mode,
    /// Commit interval, in steps.
    pub every: NonZeroU64,
    /// Leading zero bits of each block's hash.
    pub zero_bits: u32,
}

/// All variants of a round, in the order in which they are to be timed.
///
/// # Errors
///
/// If `unit` is none of the plan's.
pub fn timings(plan: &Plan, unit: Unit) -> anyhow::Result<Vec<Timing>> {
    let size = plan.sizes.iter().find(|size| size.size == unit.size);
    let size = size.ok_or_else(|| anyhow::anyhow!("no {} model is measured", unit.size))?;
    let pipelined = size.intervals.iter().map(|every| (Mode::Pipelined, *every));
    let mut variants = vec![(Mode::Off, EACH), (Mode::Gate, EACH)];
    variants.extend(pipelined);
    // No variant always comes first, or always after the same other.
    let count = variants.len();
    variants.rotate_left((unit.round % count as u64) as usize);
    if unit.round % 2 == 1 {
        variants.reverse();
    }
    let timing = |(mode, every)| Timing {
        size: size.clone(),
        round: unit.round,
        mode,
        every,
        zero_bits: plan.zero_bits,
    };
    Ok(variants.into_iter().map(timing).collect())
}
