//! Which variants there are, and what is written down about them.

use crate::paper::plan::SectionPlan;
use crate::paper::training::RecorderMode;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU64;

/// How large a model is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelSize {
    /// About 0.1 million parameters.
    Small,
    /// About 1 million parameters.
    Medium,
    /// About 10 million parameters.
    Large,
}

/// All sizes.
pub const MODEL_SIZES: [ModelSize; 3] = [ModelSize::Small, ModelSize::Medium, ModelSize::Large];

impl fmt::Display for ModelSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ModelSize::Small => "0.1 M",
            ModelSize::Medium => "1 M",
            ModelSize::Large => "10 M",
        })
    }
}

/// How the models are measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverheadPlan {
    /// Each size, and how it is measured.
    pub sizes: Vec<ModelPlan>,
    /// Leading zero bits of each block's hash.
    pub zero_bits: u32,
}

/// How one size is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelPlan {
    /// The size.
    pub size: ModelSize,
    /// Measurements of each variant.
    pub rounds: u64,
    /// Commit intervals of pipelined mode, in steps.
    pub intervals: Vec<NonZeroU64>,
    /// Steps that are timed together. If the commit interval is longer, it counts
    /// instead.
    pub steps: u64,
    /// Steps before the timed ones, to fill caches and queues.
    pub warm_up: u64,
}

impl SectionPlan for OverheadPlan {
    /// About two minutes on two cores.
    fn standard() -> Self {
        let plan = |size, rounds, intervals: &[NonZeroU64], steps, warm_up| ModelPlan {
            size,
            rounds,
            intervals: intervals.to_vec(),
            steps,
            warm_up,
        };
        OverheadPlan {
            sizes: vec![
                plan(ModelSize::Small, 21, &[EACH, TENTH, HUNDREDTH], 100, 20),
                plan(ModelSize::Medium, 15, &[EACH, TENTH, HUNDREDTH], 20, 4),
                plan(ModelSize::Large, 7, &[EACH, TENTH], 10, 3),
            ],
            zero_bits: 16,
        }
    }

    fn quick() -> Self {
        let mut plan = Self::standard();
        for size in &mut plan.sizes {
            size.rounds = 2;
            size.steps = size.steps.div_ceil(4);
            size.warm_up = 1;
            size.intervals.retain(|every| *every <= TENTH);
        }
        plan
    }

    fn full() -> Self {
        let mut plan = Self::standard();
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
pub struct OverheadUnit {
    /// The size.
    pub size: ModelSize,
    /// The round, counted from 0.
    pub round: u64,
}

/// All rounds. The sizes take turns.
pub fn units(plan: &OverheadPlan) -> Vec<OverheadUnit> {
    let rounds = plan.sizes.iter().map(|size| size.rounds).max();
    (0..rounds.unwrap_or(0))
        .flat_map(|round| {
            let sizes = plan.sizes.iter().filter(move |size| round < size.rounds);
            sizes.map(move |size| OverheadUnit {
                size: size.size,
                round,
            })
        })
        .collect()
}

/// One variant in one round, to be timed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// The size, and the number of steps.
    pub size: ModelPlan,
    /// The round, counted from 0.
    pub round: u64,
    /// How it is recorded.
    pub mode: RecorderMode,
    /// Commit interval, in steps.
    pub every: NonZeroU64,
    /// Leading zero bits of each block's hash.
    pub zero_bits: u32,
}

/// All variants of a round, in the order in which they are timed.
///
/// # Errors
///
/// If `unit` does not belong to the plan.
pub fn timings(plan: &OverheadPlan, unit: OverheadUnit) -> anyhow::Result<Vec<Timing>> {
    let size = plan.sizes.iter().find(|size| size.size == unit.size);
    let size =
        size.ok_or_else(|| anyhow::anyhow!("the plan has no model of {} parameters", unit.size))?;
    let pipelined = size.intervals.iter();
    let pipelined = pipelined.map(|every| (RecorderMode::Pipelined, *every));
    let mut variants = vec![(RecorderMode::Off, EACH), (RecorderMode::Gate, EACH)];
    variants.extend(pipelined);
    // The order changes, so that no variant is always first, or always after the
    // same other one.
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

/// One variant in one round. Times are means, in milliseconds, by the wall clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverheadRow {
    /// The size.
    pub size: ModelSize,
    /// Parameters of the model.
    pub parameters: u64,
    /// The round, counted from 0.
    pub round: u64,
    /// How it is recorded.
    pub mode: RecorderMode,
    /// Commit interval, in steps. `None` with the recorder off.
    pub commit_every: Option<u64>,
    /// Steps that were timed.
    pub steps: u64,
    /// Time of a step.
    pub step_ms: f64,
    /// The part of it in which training waited for the recorder.
    pub waited_ms: f64,
    /// Taking a snapshot of a committed step, on the training thread. All times
    /// below are of other threads.
    pub snapshot_ms: Option<f64>,
    /// Reading the parameters of a committed step.
    pub read_ms: Option<f64>,
    /// Hashing them.
    pub hash_ms: Option<f64>,
    /// Mining a block.
    pub mine_ms: Option<f64>,
    /// Checking and appending a block.
    pub append_ms: Option<f64>,
    /// Syncing the chain file at other times, divided by the number of blocks.
    pub sync_ms: Option<f64>,
    /// Committed steps of the whole run, warm-up and step 0 included.
    pub committed: Option<u64>,
    /// Blocks of the whole run.
    pub blocks: Option<u64>,
    /// Time from the last step to the end of the run: the queued steps, the
    /// artifact, and the final block.
    pub finish_ms: Option<f64>,
}
