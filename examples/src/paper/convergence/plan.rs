//! Which trainings there are, and what is written down about them.

use crate::paper::plan::SectionPlan;
use crate::paper::training::RecorderMode;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;

/// Which network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// The convolutional network of the example `digits`.
    Digits,
    /// The transformer of the example `transformer`.
    Text,
}

/// All tasks.
pub const TASKS: [Task; 2] = [Task::Digits, Task::Text];

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Digits => "digits CNN",
            Task::Text => "character transformer",
        })
    }
}

/// All modes. The others are compared with the first.
pub const MODES: [RecorderMode; 4] = [
    RecorderMode::Off,
    RecorderMode::Pipelined,
    RecorderMode::Gate,
    RecorderMode::Bound,
];

/// How long the trainings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvergencePlan {
    /// Seeds of each training in each mode: 1 to this number, inclusive.
    pub seeds: u64,
    /// The training on images.
    pub digits: TrainingLength,
    /// The training on passages of text.
    pub text: TrainingLength,
    /// Checkpoints after the first one. They divide a training into this many
    /// segments. A bound order draws the order of each segment from the chain,
    /// but for the first two. The model is evaluated at each checkpoint.
    pub segments: u64,
    /// Leading zero bits of each block's hash.
    pub zero_bits: u32,
}

/// How long a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingLength {
    /// Passes over the items.
    pub epochs: u32,
    /// Items to train on, from the first one on.
    pub items: usize,
    /// Items in a batch.
    pub batch: NonZeroU32,
    /// Held-out items to evaluate on, from the first one on.
    pub held_out: usize,
}

impl SectionPlan for ConvergencePlan {
    /// About four minutes on two cores.
    fn standard() -> Self {
        ConvergencePlan {
            seeds: 10,
            digits: TrainingLength {
                epochs: 8,
                items: usize::MAX,
                batch: const { NonZeroU32::new(32).unwrap() },
                held_out: usize::MAX,
            },
            text: TrainingLength {
                epochs: 1,
                items: 960,
                batch: const { NonZeroU32::new(8).unwrap() },
                held_out: 104,
            },
            segments: 10,
            zero_bits: 16,
        }
    }

    fn quick() -> Self {
        let mut plan = Self::standard();
        plan.seeds = 2;
        plan.segments = 4;
        plan.digits.epochs = 1;
        plan.text.items = 96;
        plan.text.held_out = 16;
        plan
    }

    fn full() -> Self {
        let mut plan = Self::standard();
        plan.seeds = 20;
        plan.digits.epochs = 12;
        plan.text.epochs = 2;
        plan.text.items = usize::MAX;
        plan.text.held_out = usize::MAX;
        plan
    }
}

impl ConvergencePlan {
    /// How long the training of a task is.
    pub fn length(&self, task: Task) -> TrainingLength {
        match task {
            Task::Digits => self.digits,
            Task::Text => self.text,
        }
    }
}

/// One training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConvergenceUnit {
    /// Which network is trained.
    pub task: Task,
    /// Seed of weights, order and dropout.
    pub seed: u64,
    /// How it is recorded.
    pub mode: RecorderMode,
}

/// All trainings in the order in which they are measured. The modes of one seed
/// follow each other, and each seed starts with another mode.
pub fn units(plan: &ConvergencePlan) -> Vec<ConvergenceUnit> {
    let mut units = Vec::new();
    for seed in 1..=plan.seeds {
        for task in TASKS {
            for turn in 0..MODES.len() {
                // The remainder is below the number of modes.
                let mode = MODES[(turn + seed as usize) % MODES.len()];
                units.push(ConvergenceUnit { task, seed, mode });
            }
        }
    }
    units
}

/// A training at one evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConvergenceRow {
    /// Which network is trained.
    pub task: Task,
    /// Seed of weights, order and dropout.
    pub seed: u64,
    /// How it is recorded.
    pub mode: RecorderMode,
    /// Optimizer steps taken.
    pub step: u64,
    /// Optimizer steps of the whole training.
    pub steps: u64,
    /// Mean loss of the batches since the row before, in nats. The first row has
    /// none.
    pub train_loss: Option<f64>,
    /// Mean loss over the held-out data, in nats.
    pub test_loss: f64,
    /// Share of correct predictions on the held-out data, 0 to 1.
    pub test_accuracy: f64,
    /// Root over the parameters and running statistics. Two roots are equal only
    /// if all bits are equal.
    pub parameters: String,
    /// Time in the training loop so far, without evaluations.
    pub seconds: f64,
    /// The part of that time in which training waited for the recorder.
    pub waited_seconds: f64,
    /// Blocks of the finished chain. Only the last row of a recorded training
    /// has it.
    pub blocks: Option<u64>,
    /// Whether the finished run verifies, artifact and checkpoints included, and
    /// ends with exactly these parameters. Only the last row of a recorded
    /// training has it.
    pub verified: Option<bool>,
}
