//! Section 1, convergence: whether recording changes what a training comes to.
//!
//! Two trainings, the digits network and the character transformer, each with
//! the recorder off, pipelined, in gate mode, and with an order of samples that
//! is bound to the chain; from the same initial weights for one seed. With the
//! recorder off, the program is the same but for the recorder: same loader, same
//! seeding. Off, pipelined and gate should then give the same parameters bit for
//! bit, at every step that is looked at. A bound order is another one in every
//! run, by design, so there the results are compared.

pub mod report;
mod subjects;
mod training;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;
use subjects::{Digits, Text};

/// Which training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// The convolutional network of the example `digits`.
    Digits,
    /// The transformer of the example `transformer`.
    Text,
}

/// All of them.
pub const TASKS: [Task; 2] = [Task::Digits, Task::Text];

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Digits => "digits CNN",
            Task::Text => "character transformer",
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
    /// Pipelined, with an order of samples drawn from blocks.
    Bound,
}

/// All of them, the one that the others are compared with first.
pub const MODES: [Mode; 4] = [Mode::Off, Mode::Pipelined, Mode::Gate, Mode::Bound];

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::Off => "off",
            Mode::Pipelined => "pipelined",
            Mode::Gate => "gate",
            Mode::Bound => "bound order",
        })
    }
}

/// How long the trainings are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Seeds of each training in each mode, from 1 on.
    pub seeds: u64,
    /// The training on images.
    pub digits: Length,
    /// The training on passages of text.
    pub text: Length,
    /// Checkpoints besides the first, which cut a training into as many
    /// segments. A bound order draws that of each from the chain, but for the
    /// first two. So often the model is evaluated, too.
    pub segments: u64,
    /// Leading zero bits of each block's hash.
    pub zero_bits: u32,
}

/// How long a training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Length {
    /// Passes over the items.
    pub epochs: u32,
    /// The items that are trained on: the first so many.
    pub items: usize,
    /// Items in a batch.
    pub batch: NonZeroU32,
    /// The held-out items that the model is evaluated on: the first so many.
    pub held_out: usize,
}

/// One training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// Which training.
    pub task: Task,
    /// Seed of weights, order and dropout.
    pub seed: u64,
    /// How it is recorded.
    pub mode: Mode,
}

/// A training at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which training.
    pub task: Task,
    /// Seed of weights, order and dropout.
    pub seed: u64,
    /// How it is recorded.
    pub mode: Mode,
    /// Optimizer steps taken.
    pub step: u64,
    /// Optimizer steps of the whole training.
    pub steps: u64,
    /// Mean loss of the batches since the row before, in nats; none in the
    /// first row.
    pub train_loss: Option<f64>,
    /// Mean loss over the held-out data, in nats.
    pub test_loss: f64,
    /// Share of the held-out data that is predicted rightly, 0 to 1.
    pub test_accuracy: f64,
    /// Root over the parameters and running statistics: equal only if all their
    /// bits are.
    pub parameters: String,
    /// Time in the training loop so far, without evaluations.
    pub seconds: f64,
    /// Of these, how long training waited for the recorder.
    pub waited_seconds: f64,
    /// Blocks of the finished chain; in the last row of a recorded training.
    pub blocks: Option<u64>,
    /// Whether the finished run verifies, artifact and checkpoints included, and
    /// ends with these very parameters; in the last row of a recorded training.
    pub verified: Option<bool>,
}

/// All trainings, in the order in which they are to be done: the modes of one
/// seed follow each other, each seed beginning with another one.
pub fn units(plan: &Plan) -> Vec<Unit> {
    let mut units = Vec::new();
    for seed in 1..=plan.seeds {
        for task in TASKS {
            for turn in 0..MODES.len() {
                // The remainder is below the number of modes.
                let mode = MODES[(turn + seed as usize) % MODES.len()];
                units.push(Unit { task, seed, mode });
            }
        }
    }
    units
}

/// Trains once, recording into a temporary directory.
///
/// # Errors
///
/// If the data are damaged, or the run cannot be recorded or read.
pub fn measure(plan: &Plan, unit: Unit) -> anyhow::Result<Vec<Row>> {
    match unit.task {
        Task::Digits => training::train(&Digits, plan, unit),
        Task::Text => training::train(&Text, plan, unit),
    }
}

impl Plan {
    /// Four minutes or so on two cores.
    pub fn standard() -> Self {
        Plan {
            seeds: 10,
            digits: Length {
                epochs: 8,
                items: usize::MAX,
                batch: const { NonZeroU32::new(32).unwrap() },
                held_out: usize::MAX,
            },
            text: Length {
                epochs: 1,
                items: 960,
                batch: const { NonZeroU32::new(8).unwrap() },
                held_out: 104,
            },
            segments: 10,
            zero_bits: 16,
        }
    }

    /// Some seconds: a look at whether everything works.
    pub fn quick() -> Self {
        let mut plan = Plan::standard();
        plan.seeds = 2;
        plan.segments = 4;
        plan.digits.epochs = 1;
        plan.text.items = 96;
        plan.text.held_out = 16;
        plan
    }

    /// Half an hour or so.
    pub fn full() -> Self {
        let mut plan = Plan::standard();
        plan.seeds = 20;
        plan.digits.epochs = 12;
        plan.text.epochs = 2;
        plan.text.items = usize::MAX;
        plan.text.held_out = usize::MAX;
        plan
    }

    /// How long a training is.
    pub fn length(&self, task: Task) -> Length {
        match task {
            Task::Digits => self.digits,
            Task::Text => self.text,
        }
    }
}
