//! What a program decides about its recording.

use crate::error::PowError;
use pow_core::body::{MAX_TEXT, Mode, Schedule};
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::target::ZeroBits;
use pow_ledger::Durability;
use pow_mine::{EngineChoice, Threads};
use serde_json::json;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Settings of one run; every setter has a sensible default.
///
/// ```
/// use burn_pow::{Mode, PowConfig};
/// let config = PowConfig::new("runs/mine").seed(7).epochs(3).mode(Mode::Gate);
/// assert_eq!(config.dir().to_str(), Some("runs/mine"));
/// ```
#[derive(Clone, Debug)]
pub struct PowConfig {
    pub(crate) dir: PathBuf,
    /// Absent: that of the directory.
    pub(crate) name: Option<String>,
    pub(crate) seed: u64,
    pub(crate) length: Length,
    pub(crate) accumulation: NonZeroU32,
    pub(crate) commit_every: NonZeroU64,
    pub(crate) checkpoint_every: Option<u64>,
    pub(crate) keep_checkpoints: Option<u32>,
    pub(crate) replicas: NonZeroU32,
    /// How many segments a segment's order is sealed before it.
    pub(crate) lag: Option<NonZeroU32>,
    pub(crate) mode: Mode,
    pub(crate) engine: EngineChoice,
    pub(crate) mining_threads: Threads,
    pub(crate) zero_bits: u32,
    pub(crate) final_zero_bits: Option<u32>,
    pub(crate) spacing: Option<Spacing>,
    pub(crate) durability: Durability,
    pub(crate) pauses: bool,
    pub(crate) queue: usize,
    pub(crate) regenerable: bool,
    pub(crate) config_json: Option<Vec<u8>>,
    pub(crate) program: Option<serde_json::Value>,
    pub(crate) revision: Option<String>,
    pub(crate) lockfile: Option<Vec<u8>>,
    pub(crate) adapter: Option<String>,
}

/// How difficulty adapts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spacing {
    pub(crate) spacing: Duration,
    pub(crate) half_life: Duration,
    pub(crate) floor_zero_bits: u32,
}

/// How long the run is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Unknown,
    Epochs(u64),
    Steps(u64),
}

impl PowConfig {
    /// A run recorded into `dir`, which must not exist yet.
    ///
    /// Defaults: named like the directory, seed 0, length unknown, every step
    /// committed, a checkpoint every 100 steps (or the next multiple of the commit
    /// interval) and all kept, pipelined, engine
    /// [`EngineChoice::Auto`] on all cores, 16 zero bits, grouped durability, at
    /// most 8 steps waiting to be hashed.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        PowConfig {
            dir: dir.into(),
            name: None,
            seed: 0,
            length: Length::Unknown,
            accumulation: NonZeroU32::MIN,
            commit_every: NonZeroU64::MIN,
            checkpoint_every: None,
            keep_checkpoints: None,
            replicas: NonZeroU32::MIN,
            lag: None,
            mode: Mode::Pipelined,
            engine: EngineChoice::Auto,
            mining_threads: Threads::all(),
            zero_bits: 16,
            final_zero_bits: None,
            spacing: None,
            durability: Durability::Grouped,
            pauses: false,
            queue: 8,
            regenerable: false,
            config_json: None,
            program: None,
            revision: None,
            lockfile: None,
            adapter: None,
        }
    }

    /// Where the run is recorded.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The run's name, at most 1,024 bytes.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(crate) fn run_name(&self) -> String {
        let of_dir = || Some(self.dir.file_name()?.to_string_lossy().into_owned());
        self.name.clone().or_else(of_dir).unwrap_or_default()
    }

    /// The seed that sample order and the device's random numbers derive from.
    /// The initial weights are the program's affair: seed the device before
    /// making the model.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Planned length in epochs of the loader made by
    /// [`PowRun::loader`](crate::PowRun::loader).
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.length = Length::Epochs(epochs);
        self
    }

    /// Planned length in optimizer steps, for loops without such a loader.
    pub fn planned_steps(mut self, steps: u64) -> Self {
        self.length = Length::Steps(steps);
        self
    }

    /// Micro-batches per optimizer step; tell the same number to Burn's
    /// `grads_accumulation`, which hides it.
    pub fn accumulation(mut self, micro_batches: NonZeroU32) -> Self {
        self.accumulation = micro_batches;
        self
    }

    /// Commits every so many steps (besides the first and the last).
    pub fn commit_every(mut self, steps: NonZeroU64) -> Self {
        self.commit_every = steps;
        self
    }

    /// Commits and writes a checkpoint every so many steps, besides the first
    /// and the last; 0 for those two only. Must be a multiple of the commit
    /// interval.
    pub fn checkpoint_every(mut self, steps: u64) -> Self {
        self.checkpoint_every = Some(steps);
        self
    }

    /// Keeps only so many of the newest checkpoints' files besides the first
    /// and the last.
    pub fn keep_checkpoints(mut self, count: u32) -> Self {
        self.keep_checkpoints = Some(count);
        self
    }

    /// Pipelined or gate. Gate needs a commit interval of 1.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Which engine mines.
    pub fn engine(mut self, engine: EngineChoice) -> Self {
        self.engine = engine;
        self
    }

    /// Threads that mine, if the CPU does: all cores unless told otherwise. In
    /// pipelined mode they have the lowest priority, so that the training keeps
    /// the cores.
    pub fn mining_threads(mut self, threads: Threads) -> Self {
        self.mining_threads = threads;
        self
    }

    /// Leading zero bits of every block's hash, 1 to 255: about 2^n hashes a
    /// block.
    pub fn zero_bits(mut self, bits: u32) -> Self {
        self.zero_bits = bits;
        self
    }

    /// Lets difficulty adapt (ASERT), so that a block takes `spacing` of mining
    /// time on average; twice as hard or easy for every `half_life` that the
    /// chain is ahead of or behind that. Genesis has
    /// [`zero_bits`](Self::zero_bits), and no block fewer than
    /// `floor_zero_bits`.
    pub fn spacing(mut self, spacing: Duration, half_life: Duration, floor_zero_bits: u32) -> Self {
        self.spacing = Some(Spacing {
            spacing,
            half_life,
            floor_zero_bits,
        });
        self
    }

    /// Leading zero bits of the final block's hash: at least those of genesis.
    /// Where difficulty adapts, the final block has the harder of the two.
    pub fn final_zero_bits(mut self, bits: u32) -> Self {
        self.final_zero_bits = Some(bits);
        self
    }

    /// When blocks are forced to the disk, and so what a power cut can take from
    /// the chain. A killed process loses no block in either case: what was
    /// appended is the system's by then.
    ///
    /// - [`Durability::Grouped`], the default: the blocks that were appended in
    ///   the last [200 ms](pow_ledger::GROUP_WINDOW), or since a search began
    ///   then, which is expected to last 10 ms at most. Before longer searches
    ///   everything is synced: where blocks take longer than that, it can take the
    ///   newest alone.
    /// - [`Durability::EveryBlock`]: none. In [`Mode::Gate`] no step is then taken
    ///   before the block with the step before is on the disk.
    ///
    /// Steps in no block yet are lost with the process. A run that goes on takes
    /// them again, from its newest checkpoint; those that are in a block are
    /// compared with it. A checkpoint is synced before its step is handed on to be
    /// mined, and older ones are removed only once the block that stands for the
    /// newer is on the disk.
    ///
    /// If writing or syncing fails, the run ends with that error: nothing more is
    /// written to a chain of which it is unknown what the disk holds.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Lets a training that is stopped pause: no final block is mined, so that the
    /// run [goes on](crate::Action::Resume) from its newest checkpoint, bit for bit.
    /// Without it, a stop ends the run for good.
    ///
    /// [`PowRun::launch`](crate::PowRun::launch), and
    /// [`PowRun::finish`](crate::PowRun::finish) with
    /// [`Ending::Stopped`](crate::Ending::Stopped), then return
    /// [`PowError::Paused`](crate::PowError::Paused) once what was handed over is
    /// sealed. What ends by itself, such as by Burn's early stopping, has ended.
    /// No part of what genesis binds: it may differ from start to start.
    pub fn pause_when_stopped(mut self) -> Self {
        self.pauses = true;
        self
    }

    /// How many committed steps may wait to be hashed; each holds the model's
    /// parameters in memory. At least 1. Behind them 4,096 hashed ones, of some
    /// hundred bytes each, may wait to be mined. Training waits only when both
    /// queues are full: because hashing is too slow, or no block was found for
    /// thousands of steps.
    pub fn queue(mut self, steps: usize) -> Self {
        self.queue = steps.max(1);
        self
    }

    /// Claims in genesis that seed and code alone give the initial weights, as
    /// they do if the program seeds the device before it makes the model.
    /// Nothing checks the claim yet.
    pub fn initial_weights_from_seed(mut self) -> Self {
        self.regenerable = true;
        self
    }

    /// Settings of the program's own, kept in config.json as its member
    /// `program`: with them whoever replays the run need not be told them
    /// ([`program_settings`](crate::program_settings)).
    pub fn program(mut self, settings: serde_json::Value) -> Self {
        self.program = Some(settings);
        self
    }

    /// The program's own configuration, kept byte for byte as config.json and
    /// committed to, in place of the one that is made from these settings.
    pub fn config_json(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.config_json = Some(bytes.into());
        self
    }

    /// The source revision, such as a git commit, at most 1,024 bytes; as given,
    /// unchecked.
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// The lock file's bytes, whose digest goes into genesis.
    pub fn lockfile(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.lockfile = Some(bytes.into());
        self
    }

    /// How many copies of the learner step side by side, each on a thread of its
    /// own, as Burn's distributed data-parallel strategy has it. The copy that
    /// steps first is recorded. After every committed step the parameters that
    /// require gradients must be the same in all copies (running statistics are of
    /// each copy's own batches), or the training stops with
    /// [`PowError::ReplicaDiffers`](crate::PowError::ReplicaDiffers). The order of
    /// samples is not declared then, and such a run can be neither resumed nor
    /// replayed. Default 1: optimizer steps from a second thread are an error.
    pub fn replicas(mut self, copies: NonZeroU32) -> Self {
        self.replicas = copies;
        self
    }

    /// Binds the order of samples to the chain: each segment, which is a
    /// checkpoint interval, draws it from the hash of the block that seals the
    /// end of the segment `lag` before it. The first `lag` segments are ordered
    /// by the seed alone. Training waits for that block: hardly ever with a lag
    /// of 2, if blocks take less time than segments do.
    ///
    /// Whoever would rather have had another order then had to mine another
    /// block for each try; with the order that follows from the seed alone, a
    /// try costs a training and no work. For one device only. The final weights
    /// of two runs differ, and every run can be resumed and replayed exactly.
    pub fn bound_order(mut self, lag: NonZeroU32) -> Self {
        self.lag = Some(lag);
        self
    }

    /// The lag, and the steps of a segment, if the order is bound to the chain.
    pub(crate) fn bound(&self) -> Result<Option<(NonZeroU32, NonZeroU64)>, PowError> {
        let Some(lag) = self.lag else {
            return Ok(None);
        };
        match NonZeroU64::new(self.checkpoint_interval()) {
            Some(interval) => Ok(Some((lag, interval))),
            None => Err(PowError::Config(
                "an order that is bound to the chain needs a checkpoint interval".into(),
            )),
        }
    }

    /// What the training's device is, at most 1,024 bytes, where Burn's name for
    /// it does not say: of a GPU its adapter, interface and driver. Genesis then
    /// names it before Burn's name; as given, unchecked. It matters: another GPU
    /// or driver comes to other weights.
    pub fn adapter(mut self, adapter: impl Into<String>) -> Self {
        self.adapter = Some(adapter.into());
        self
    }

    /// The difficulty part of genesis.
    pub(crate) fn difficulty(&self) -> Result<Difficulty, PowError> {
        let bits = |bits| {
            ZeroBits::new(bits)
                .map(ZeroBits::compact)
                .map_err(|error| PowError::Config(error.to_string()))
        };
        let target = bits(self.zero_bits)?;
        let millis = |time: Duration| Millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        let (policy, floor) = match self.spacing {
            None => (Policy::Fixed(target), target),
            Some(adapt) => {
                let asert = Asert {
                    reference: target,
                    spacing: millis(adapt.spacing),
                    half_life: millis(adapt.half_life),
                };
                (Policy::Asert(asert), bits(adapt.floor_zero_bits)?)
            }
        };
        let difficulty = Difficulty {
            policy,
            floor,
            final_bits: self.final_zero_bits.map_or(Ok(target), bits)?,
        };
        difficulty
            .check()
            .map_err(|error| PowError::Config(error.to_string()))?;
        Ok(difficulty)
    }

    /// The schedule part of genesis, for a loader of so many steps an epoch.
    pub(crate) fn schedule(&self, steps_per_epoch: Option<u64>) -> Result<Schedule, PowError> {
        let planned = match (self.length, steps_per_epoch) {
            (Length::Unknown, _) => None,
            (Length::Steps(steps), _) => Some(steps),
            (Length::Epochs(epochs), Some(steps)) => Some(epochs.saturating_mul(steps)),
            (Length::Epochs(_), None) => {
                return Err(PowError::Config(
                    "a length in epochs needs a loader made by PowRun::loader, and one device; tell \
                     PowConfig::planned_steps instead"
                        .into(),
                ));
            }
        };
        Ok(Schedule {
            planned,
            commit_every: self.commit_every.get(),
            checkpoint_every: self.checkpoint_interval(),
            keep_checkpoints: self.keep_checkpoints,
        })
    }

    /// The interval that was set, or about 100 steps.
    fn checkpoint_interval(&self) -> u64 {
        self.checkpoint_every
            .unwrap_or_else(|| 100u64.next_multiple_of(self.commit_every.get()))
    }

    /// Refuses what genesis or the run could not hold.
    pub(crate) fn check(&self) -> Result<(), PowError> {
        let fail = |reason: &str| Err(PowError::Config(reason.into()));
        let (every, commits) = (self.checkpoint_interval(), self.commit_every.get());
        if !every.is_multiple_of(commits) {
            return Err(PowError::Config(format!(
                "the checkpoint interval, {every} steps, must be a multiple of the commit interval, \
                 {commits}"
            )));
        }
        self.bound()?;
        if self.mode == Mode::Gate && self.commit_every.get() != 1 {
            return fail("gate mode needs a commit interval of 1");
        }
        let is_long = |text: &str| text.len() > MAX_TEXT;
        let given = [&self.revision, &self.adapter].map(Option::as_deref);
        if is_long(&self.run_name()) || given.into_iter().flatten().any(is_long) {
            return fail("the name, the revision or the adapter is longer than 1024 bytes");
        }
        self.difficulty().map(drop)
    }

    /// The bytes of config.json.
    pub(crate) fn config_bytes(&self) -> Vec<u8> {
        match &self.config_json {
            Some(bytes) => bytes.clone(),
            None => self.settings().to_string().into_bytes(),
        }
    }

    fn settings(&self) -> serde_json::Value {
        let (epochs, steps) = match self.length {
            Length::Unknown => (None, None),
            Length::Epochs(epochs) => (Some(epochs), None),
            Length::Steps(steps) => (None, Some(steps)),
        };
        json!({
            "schema": "burn-pow/config/v0",
            "name": self.run_name(),
            "seed": self.seed,
            "epochs": epochs,
            "planned_steps": steps,
            "accumulation": self.accumulation.get(),
            "commit_every": self.commit_every.get(),
            "checkpoint_every": self.checkpoint_interval(),
            "keep_checkpoints": self.keep_checkpoints,
            "bound_lag": self.lag,
            "mode": self.mode.name(),
            "zero_bits": self.zero_bits,
            "final_zero_bits": self.final_zero_bits,
            "spacing_ms": self.spacing.map(|adapt| adapt.spacing.as_millis()),
            "half_life_ms": self.spacing.map(|adapt| adapt.half_life.as_millis()),
            "floor_zero_bits": self.spacing.map(|adapt| adapt.floor_zero_bits),
            "program": self.program,
        })
    }
}
