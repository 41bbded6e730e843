//! The genesis body: what the run declares before it begins.

use crate::difficulty::Difficulty;
use crate::hash::{DatasetRoot, FileDigest, StateRoot};
use crate::order::{BoundOrder, SeededOrder, SeededSchedule};
use alloc::string::String;
use alloc::vec::Vec;
use core::num::{NonZeroU32, NonZeroU64};

/// Longest text field, in bytes.
pub const MAX_TEXT: usize = 1024;
/// Longest extension, in bytes.
pub const MAX_EXTENSION: usize = 65_536;

/// The run's declaration.
#[derive(Clone, Debug, PartialEq)]
pub struct Genesis {
    /// Name of the run, at most [`MAX_TEXT`] bytes.
    pub name: String,
    /// The seed that order and random numbers derive from.
    pub seed: u64,
    /// Where the training starts.
    pub initial: InitialState,
    /// Planned length and intervals.
    pub schedule: Schedule,
    /// How training and mining are coupled.
    pub mode: Mode,
    /// Which samples each step sees.
    pub order: OrderRule,
    /// Root over the training set; absent if the caller gave none.
    pub dataset: Option<DatasetRoot>,
    /// Digest of config.json's exact bytes.
    pub config: FileDigest,
    /// What code is said to run.
    pub code: CodeDigests,
    /// Where it is said to run.
    pub environment: Environment,
    /// The difficulty rule.
    pub difficulty: Difficulty,
    /// Typed extras.
    pub extensions: Vec<Extension>,
}

/// The state before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialState {
    /// Its root; entry 0's.
    pub root: StateRoot,
    /// Whether seed and code alone must regenerate it (a training from
    /// scratch) or it comes from elsewhere (a fine-tuning).
    pub regenerable: bool,
}

/// Planned length and intervals, in optimizer steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Steps planned; absent if the program does not know.
    pub planned: Option<u64>,
    /// Every how many steps an entry is committed; at least 1.
    pub commit_every: u64,
    /// Every how many steps a checkpoint is committed: a multiple of
    /// `commit_every`, or 0 for the first and last step only.
    pub checkpoint_every: u64,
    /// How many of the newest checkpoints are kept besides the first and the
    /// last; absent: all.
    pub keep_checkpoints: Option<u32>,
}

/// How training and mining are coupled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Steps queue while a block is mined; training goes on.
    Pipelined,
    /// Step i + 1 is applied only after the block with step i is mined and
    /// checked. (It constrains an honest trainer and leaves no evidence: such
    /// a chain looks like one mined afterwards.)
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
    /// Not declared: the loader is foreign.
    Foreign,
    /// [`crate::order::SeededOrder`] over dataset root and seed.
    Seeded {
        /// Samples in the training set.
        items: NonZeroU32,
        /// Samples in a micro-batch; the last of an epoch may hold fewer.
        batch: NonZeroU32,
        /// Micro-batches per optimizer step.
        accumulation: NonZeroU32,
    },
    /// [`crate::order::BoundOrder`], whose segments are as long as the checkpoint
    /// interval, which is not 0 then.
    Bound {
        /// Samples in the training set.
        items: NonZeroU32,
        /// Samples in a micro-batch; the last of an epoch may hold fewer.
        batch: NonZeroU32,
        /// Micro-batches per optimizer step.
        accumulation: NonZeroU32,
        /// How many segments before its own the key of a segment was sealed.
        lag: NonZeroU32,
    },
}

/// What code is said to run. A digest of the running executable says which
/// program claims to have trained, not that it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeDigests {
    /// Digest of the running executable's bytes.
    pub executable: Option<FileDigest>,
    /// Digest of the lock file.
    pub lockfile: Option<FileDigest>,
    /// Source revision, as given.
    pub revision: Option<String>,
}

/// Where the training is said to run; bit-exact replay is promised only in the
/// same environment.
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
    /// Threads of the backend; 0 if unknown.
    pub threads: u32,
}

/// A typed extra; unknown types are kept and said to be unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// What the bytes are.
    pub kind: u32,
    /// The bytes, at most [`MAX_EXTENSION`].
    pub data: Vec<u8>,
}

impl Genesis {
    /// Which samples each step must see; `None` if genesis does not declare it
    /// (a foreign loader, or no dataset root).
    pub fn seeded_schedule(&self) -> Option<SeededSchedule> {
        match (self.order, self.dataset) {
            (
                OrderRule::Seeded {
                    items,
                    batch,
                    accumulation,
                },
                Some(dataset),
            ) => SeededSchedule::new(
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

    /// As [`seeded_schedule`](Self::seeded_schedule), where the order is bound
    /// to the chain.
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
