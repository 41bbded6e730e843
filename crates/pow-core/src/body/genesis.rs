//! The genesis body. It contains what the run declares before its first step.

use crate::difficulty::Difficulty;
use crate::hash::{DatasetRoot, FileDigest, StateRoot};
use crate::order::{BoundOrder, EpochSchedule, SeededOrder};
use crate::step::StepNumber;
use alloc::string::String;
use alloc::vec::Vec;
use core::num::{NonZeroU32, NonZeroU64};

/// The longest text field, in bytes.
pub const MAX_TEXT: usize = 1024;
/// The longest extension, in bytes.
pub const MAX_EXTENSION: usize = 65_536;

/// The run's declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Genesis {
    /// Name of the run: at most [`MAX_TEXT`] bytes.
    pub name: String,
    /// The seed of the sample order and of the random numbers.
    pub seed: u64,
    /// The state in which the training starts.
    pub initial: InitialState,
    /// Planned length, and intervals of commits and checkpoints.
    pub schedule: Schedule,
    /// How training waits for mining.
    pub mode: Mode,
    /// Which samples each step sees.
    pub order: OrderRule,
    /// Root over the training set. Absent if the caller gave none.
    pub dataset: Option<DatasetRoot>,
    /// Digest of the exact bytes of `config.json`.
    pub config: FileDigest,
    /// The code that is said to run.
    pub code: CodeDigests,
    /// The environment in which it is said to run.
    pub environment: Environment,
    /// The difficulty rule.
    pub difficulty: Difficulty,
    /// Extensions: extra data with a type.
    pub extensions: Vec<Extension>,
}

/// The state before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialState {
    /// Its root. Entry 0 has the same root.
    pub root: StateRoot,
    /// Whether seed and code alone must generate this state again. True for a
    /// training from scratch; false if the state comes from elsewhere, as in a
    /// fine-tuning.
    pub regenerable: bool,
}

/// Planned length and intervals, in optimizer steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The number of steps planned. Absent if the program does not know it.
    pub planned: Option<u64>,
    /// The number of steps from one entry to the next. At least 1.
    pub commit_every: u64,
    /// The number of steps from one checkpoint to the next: a multiple of
    /// `commit_every`. If it is 0, only the first and the last step have a
    /// checkpoint.
    pub checkpoint_every: u64,
    /// How many of the newest checkpoints are kept, besides the first and the
    /// last. Absent if all are kept.
    pub keep_checkpoints: Option<u32>,
}

impl Schedule {
    /// Whether the entry of this step must have a checkpoint: it is the last one planned, or
    /// on the interval. Step 0 has one in any case.
    ///
    /// ```
    /// use pow_core::body::{Schedule, StepNumber};
    /// let schedule = Schedule {
    ///     planned: Some(7),
    ///     commit_every: 1,
    ///     checkpoint_every: 3,
    ///     keep_checkpoints: None,
    /// };
    /// let due = [1, 2, 3, 6, 7].map(|step| schedule.has_checkpoint(StepNumber(step)));
    /// assert_eq!(due, [false, false, true, true, true]);
    /// ```
    pub fn has_checkpoint(&self, step: StepNumber) -> bool {
        let every = self.checkpoint_every;
        self.planned == Some(step.0) || (every != 0 && step.0.is_multiple_of(every))
    }
}

/// How training waits for mining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training continues while a block is mined. Steps wait in a queue.
    Pipelined,
    /// Step i + 1 is applied only after the block with step i is mined and
    /// checked. This only constrains an honest trainer. It leaves no evidence,
    /// because a chain that is mined after the training looks the same.
    Gate,
}

impl Mode {
    /// The mode's name.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Pipelined => "pipelined",
            Mode::Gate => "gate",
        }
    }
}

/// Which samples each step sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderRule {
    /// No declared order: the loader is foreign.
    Foreign,
    /// A [`SeededOrder`](crate::order::SeededOrder): it follows from dataset
    /// root and seed.
    Seeded {
        /// The number of samples in the training set.
        items: NonZeroU32,
        /// Samples in a micro-batch. The last micro-batch of an epoch may have
        /// fewer.
        batch: NonZeroU32,
        /// Micro-batches in an optimizer step.
        accumulation: NonZeroU32,
    },
    /// A [`BoundOrder`](crate::order::BoundOrder): it follows from blocks of
    /// the chain. Its segments are as long as the checkpoint interval, which
    /// must not be 0.
    Bound {
        /// The number of samples in the training set.
        items: NonZeroU32,
        /// Samples in a micro-batch. The last micro-batch of an epoch may have
        /// fewer.
        batch: NonZeroU32,
        /// Micro-batches in an optimizer step.
        accumulation: NonZeroU32,
        /// How many segments earlier the key of a segment is sealed: see
        /// [`BoundOrder::lag`].
        lag: NonZeroU32,
    },
}

/// The code that is said to run. The digest of an executable says which program
/// claims to have trained. It does not show that this program trained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeDigests {
    /// Digest of the running executable's bytes.
    pub executable: Option<FileDigest>,
    /// Digest of the lock file.
    pub lockfile: Option<FileDigest>,
    /// Source revision, as the caller gave it.
    pub revision: Option<String>,
}

/// The environment in which the training is said to run. A replay is expected
/// to be equal bit by bit only in the same environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Environment {
    /// Burn's version.
    pub burn: String,
    /// Backend, such as `flex`.
    pub backend: String,
    /// Device, as Burn names it.
    pub device: String,
    /// CPU architecture and the instruction sets that kernels may pick.
    pub cpu: String,
    /// Threads of the backend. 0 if unknown.
    pub threads: u32,
}

/// Extra data with a type. Data of an unknown type are kept, and reports say
/// that they are unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The type of the data.
    pub kind: u32,
    /// The bytes: at most [`MAX_EXTENSION`].
    pub data: Vec<u8>,
}

impl Genesis {
    /// The samples that each step must see under a seeded order. `None` if
    /// genesis declares another order rule, or has no dataset root.
    pub fn seeded_schedule(&self) -> Option<EpochSchedule> {
        match (self.order, self.dataset) {
            (
                OrderRule::Seeded {
                    items,
                    batch,
                    accumulation,
                },
                Some(dataset),
            ) => EpochSchedule::new(
                SeededOrder {
                    dataset,
                    seed: self.seed,
                    items: items.get(),
                },
                batch,
                accumulation,
            ),
            _ => None,
        }
    }

    /// The samples that each step must see under a bound order. `None` if
    /// genesis declares another order rule, or has no dataset root or no
    /// checkpoint interval.
    pub fn bound_order(&self) -> Option<BoundOrder> {
        let interval = NonZeroU64::new(self.schedule.checkpoint_every)?;
        match (self.order, self.dataset) {
            (
                OrderRule::Bound {
                    items,
                    batch,
                    accumulation,
                    lag,
                },
                Some(dataset),
            ) => Some(BoundOrder {
                dataset,
                seed: self.seed,
                items,
                batch,
                accumulation,
                interval,
                lag,
            }),
            _ => None,
        }
    }
}
