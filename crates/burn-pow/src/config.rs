//! The settings of a run.

use crate::error::PowError;
use crate::origin::Origin;
use crate::state::in_place::InPlace;
#[cfg(feature = "wgpu")]
use burn::tensor::wgpu::WgpuSetup;
use pow_core::body::{MAX_TEXT, Mode, Schedule};
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::extension::BitcoinBlock;
use pow_core::hash::{FileDigest, ParameterRoot};
use pow_core::header::Header;
use pow_core::target::ZeroBits;
use pow_ledger::Durability;
use pow_mine::{CpuShare, EngineChoice, Priority, Threads};
use serde_json::json;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The settings of one run. Every setting has a default.
///
/// ```
/// use burn_pow::{Mode, PowConfig};
/// let config = PowConfig::new("runs/mine").seed(7).epochs(3).mode(Mode::Gate);
/// assert_eq!(config.dir().to_str(), Some("runs/mine"));
/// ```
#[derive(Clone, Debug)]
pub struct PowConfig {
    pub(crate) dir: PathBuf,
    /// If absent, the run is named like its directory.
    pub(crate) name: Option<String>,
    pub(crate) seed: u64,
    pub(crate) length: Length,
    pub(crate) accumulation: NonZeroU32,
    pub(crate) commit_every: NonZeroU64,
    pub(crate) checkpoint_every: Option<u64>,
    pub(crate) keep_checkpoints: Option<u32>,
    pub(crate) replicas: NonZeroU32,
    /// How many segments ahead a segment's order is fixed.
    pub(crate) bound_order: Option<NonZeroU32>,
    pub(crate) mode: Mode,
    pub(crate) engine: EngineChoice,
    pub(crate) mining_threads: Threads,
    pub(crate) zero_bits: u32,
    pub(crate) final_zero_bits: Option<u32>,
    pub(crate) spacing: Option<Spacing>,
    pub(crate) durability: Durability,
    pub(crate) pauses: bool,
    pub(crate) keep_state_every: Option<Duration>,
    pub(crate) queue: usize,
    pub(crate) regenerable: bool,
    pub(crate) origin: Option<Origin>,
    pub(crate) base_model: Option<ParameterRoot>,
    pub(crate) bitcoin_block: Option<BitcoinBlock>,
    pub(crate) declaration: Option<FileDigest>,
    pub(crate) config_json: Option<Vec<u8>>,
    pub(crate) program: Option<serde_json::Value>,
    pub(crate) revision: Option<String>,
    pub(crate) lockfile: Option<Vec<u8>>,
    pub(crate) adapter: Option<String>,
    /// The device that hashes the weights which lie in its memory.
    #[cfg(feature = "wgpu")]
    pub(crate) hash_on: Option<WgpuSetup>,
}

/// How the difficulty adapts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spacing {
    pub(crate) spacing: Duration,
    pub(crate) half_life: Duration,
    pub(crate) floor_zero_bits: u32,
}

/// The planned length of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    Unknown,
    Epochs(u64),
    Steps(u64),
}

impl PowConfig {
    /// The settings of a run that is recorded into `dir`. A new run creates this
    /// directory, or takes an empty one.
    ///
    /// Defaults: the name of the directory, seed 0, length unknown, every step
    /// committed, a checkpoint every 100 steps (or the next multiple of the commit
    /// interval), all checkpoints kept, pipelined mode, engine
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
            bound_order: None,
            mode: Mode::Pipelined,
            engine: EngineChoice::Auto,
            mining_threads: Threads::all(),
            zero_bits: 16,
            final_zero_bits: None,
            spacing: None,
            durability: Durability::Grouped,
            pauses: false,
            keep_state_every: None,
            queue: 8,
            regenerable: false,
            origin: None,
            base_model: None,
            bitcoin_block: None,
            declaration: None,
            config_json: None,
            program: None,
            revision: None,
            lockfile: None,
            adapter: None,
            #[cfg(feature = "wgpu")]
            hash_on: None,
        }
    }

    /// The directory that the run is recorded into.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The run's name, at most 1,024 bytes.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A new run goes on from this state of another run, and names it in genesis. The model
    /// and the optimizer get the state when the training starts. Epochs, steps and the
    /// learning-rate schedule count from 0 again. `pow verify --parent` checks the link.
    ///
    /// A run that is resumed or replayed has its origin already, so this has no effect.
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Says in genesis that the initial weights come from the published model with this
    /// parameter root, as `pow fingerprint FILE` prints it. The program loads them itself,
    /// before the training starts. `pow verify --base` compares them.
    pub fn base_model(mut self, root: ParameterRoot) -> Self {
        self.base_model = Some(root);
        self
    }

    /// Names this Bitcoin block in genesis: the header, and the height that it has by the
    /// program's word. The run then began after that block, for a verifier who has its
    /// header (`pow verify --bitcoin-headers`). Take a block as new as you can. A run that
    /// is resumed or replayed has its genesis already, so this has no effect.
    pub fn after_bitcoin_block(mut self, height: u32, header: [u8; 80]) -> Self {
        let header = Header::from_bytes(&header);
        self.bitcoin_block = Some(BitcoinBlock { height, header });
        self
    }

    /// Names the declaration with this digest in genesis, as `pow declare` prints it. The text
    /// was then there before the run (`pow verify --declaration`). A run that is resumed or
    /// replayed has its genesis already, so this has no effect.
    pub fn declared(mut self, declaration: FileDigest) -> Self {
        self.declaration = Some(declaration);
        self
    }

    pub(crate) fn run_name(&self) -> String {
        let of_dir = || Some(self.dir.file_name()?.to_string_lossy().into_owned());
        self.name.clone().or_else(of_dir).unwrap_or_default()
    }

    /// The seed of the sample order and of the device's random numbers. It does not
    /// draw the initial weights: the program seeds the device before it makes the
    /// model.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The planned length in epochs of the loader made by
    /// [`PowRun::loader`](crate::PowRun::loader).
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.length = Length::Epochs(epochs);
        self
    }

    /// The planned length in optimizer steps, for a training without such a loader.
    pub fn planned_steps(mut self, steps: u64) -> Self {
        self.length = Length::Steps(steps);
        self
    }

    /// Micro-batches per optimizer step. Give Burn's `grads_accumulation` the same
    /// number, because Burn does not show it.
    pub fn accumulation(mut self, micro_batches: NonZeroU32) -> Self {
        self.accumulation = micro_batches;
        self
    }

    /// Commits every `steps`-th step, and also the first and the last.
    pub fn commit_every(mut self, steps: NonZeroU64) -> Self {
        self.commit_every = steps;
        self
    }

    /// Commits and writes a checkpoint every `steps` steps, and also for the first
    /// and the last step. With 0, only these two have one. Must be a multiple of
    /// the commit interval.
    pub fn checkpoint_every(mut self, steps: u64) -> Self {
        self.checkpoint_every = Some(steps);
        self
    }

    /// Keeps the files of only the `count` newest checkpoints, and of the first and
    /// the last.
    pub fn keep_checkpoints(mut self, count: u32) -> Self {
        self.keep_checkpoints = Some(count);
        self
    }

    /// Pipelined or gate. Gate mode needs a commit interval of 1.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Which engine mines.
    pub fn engine(mut self, engine: EngineChoice) -> Self {
        self.engine = engine;
        self
    }

    /// The number of threads that mine on the CPU. The default is all cores. In
    /// pipelined mode these threads have the lowest priority, so that the training
    /// keeps the cores.
    pub fn mining_threads(mut self, threads: Threads) -> Self {
        self.mining_threads = threads;
        self
    }

    /// Leading zero bits of every block's hash, from 1 to 255. With n bits, a block
    /// takes about 2^n hashes.
    pub fn zero_bits(mut self, bits: u32) -> Self {
        self.zero_bits = bits;
        self
    }

    /// Lets the difficulty adapt (ASERT), so that a block takes `spacing` of mining
    /// time on average. The difficulty doubles for every `half_life` that the chain
    /// is ahead of this, and halves for every `half_life` that it is behind. Genesis
    /// has [`zero_bits`](Self::zero_bits), and no block has fewer than
    /// `floor_zero_bits`.
    pub fn spacing(mut self, spacing: Duration, half_life: Duration, floor_zero_bits: u32) -> Self {
        self.spacing = Some(Spacing {
            spacing,
            half_life,
            floor_zero_bits,
        });
        self
    }

    /// Leading zero bits of the final block's hash, at least as many as genesis has.
    /// If the difficulty adapts, the final block has the harder of the two targets.
    pub fn final_zero_bits(mut self, bits: u32) -> Self {
        self.final_zero_bits = Some(bits);
        self
    }

    /// When blocks are synced to the disk, and so which blocks a power cut can take
    /// from the chain. A killed process loses no block in either case, because the
    /// operating system already has what was appended.
    ///
    /// - [`Durability::Grouped`], the default. A power cut can take the blocks
    ///   appended in the last [200 ms](pow_ledger::GROUP_WINDOW) and those of one
    ///   search that was expected to take at most 10 ms. Before a longer search
    ///   everything is synced, so if blocks take longer than that, it can take only
    ///   the newest.
    /// - [`Durability::EveryBlock`]. A power cut takes no block. In [`Mode::Gate`],
    ///   no step is then taken before the block with the step before it is on the
    ///   disk.
    ///
    /// Steps that are in no block yet are lost with the process. A resumed run
    /// repeats them from its newest checkpoint, and compares those that are in a
    /// block with the chain. A checkpoint is synced before its step is sent to be
    /// mined. An older checkpoint is removed only when the block with the newer one
    /// is on the disk.
    ///
    /// If writing or syncing fails, the run ends with that error. Nothing more is
    /// written to the chain, because nobody knows what the disk holds.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// A stopped training pauses and does not end. No final block is mined, so the
    /// run can be [resumed](crate::Action::Resume) from its newest checkpoint, bit
    /// for bit. Without this setting, a stop ends the run for good.
    ///
    /// [`PowRun::launch`](crate::PowRun::launch) then returns
    /// [`Outcome::Paused`](crate::Outcome::Paused), and
    /// [`PowRun::finish`](crate::PowRun::finish) with
    /// [`Ending::Stopped`](crate::Ending::Stopped) returns
    /// [`Finished::Paused`](crate::Finished::Paused). A training that ends by itself,
    /// for instance by Burn's early stopping, has ended and does not pause. Genesis
    /// does not contain this setting, so it may change from start to start.
    pub fn pause_when_stopped(mut self) -> Self {
        self.pauses = true;
        self
    }

    /// Also keeps the whole state of a committed step once this time has passed since a
    /// state was kept last. A run that is killed is then resumed from there, and repeats no
    /// more steps than fit into this time. The state is beside the chain, which does not
    /// commit to it, and a newer one or a checkpoint takes its place. Resuming compares it
    /// with the chain. Genesis does not contain this setting.
    ///
    /// Checkpoints by steps stay: a replay starts from them.
    pub fn keep_state_every(mut self, time: Duration) -> Self {
        self.keep_state_every = Some(time);
        self
    }

    /// How many committed steps may wait to be hashed, at least 1. Each of them
    /// holds the model's parameters in memory. Another 4,096 hashed steps, of some
    /// hundred bytes each, may wait to be mined. Training waits only if both queues
    /// are full: hashing is too slow, or no block was found for thousands of steps.
    pub fn queue(mut self, steps: usize) -> Self {
        self.queue = steps.max(1);
        self
    }

    /// Claims in genesis that the initial weights follow from seed and code alone.
    /// This is true if the program seeds the device before it makes the model. A
    /// replay of the first segment checks the claim: it starts from the program's
    /// own model, not from the checkpoint.
    pub fn initial_weights_from_seed(mut self) -> Self {
        self.regenerable = true;
        self
    }

    /// The program's own settings. They are kept in config.json as the member
    /// `program`, so that a replay can read them with
    /// [`program_settings`](crate::program_settings).
    pub fn program(mut self, settings: serde_json::Value) -> Self {
        self.program = Some(settings);
        self
    }

    /// The program's own configuration file. It is kept byte for byte as
    /// config.json and its digest is in genesis. It replaces the file that is made
    /// from these settings.
    pub fn config_json(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.config_json = Some(bytes.into());
        self
    }

    /// The source revision, such as a git commit, at most 1,024 bytes. Nothing
    /// checks it.
    pub fn revision(mut self, revision: impl Into<String>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// The lock file's bytes, whose digest goes into genesis.
    pub fn lockfile(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.lockfile = Some(bytes.into());
        self
    }

    /// How many copies of the learner step side by side, each on its own thread, as
    /// in Burn's distributed data-parallel strategy. The default is 1: optimizer
    /// steps from a second thread are then an error.
    ///
    /// The copy that steps first is recorded. After every committed step, the
    /// parameters that require gradients must be the same in all copies, or the
    /// training stops with
    /// [`PowError::ReplicaDiffers`](crate::PowError::ReplicaDiffers). Running
    /// statistics may differ, because each copy has its own batches. The order of
    /// samples is not declared, so such a run can be neither resumed nor replayed.
    pub fn replicas(mut self, copies: NonZeroU32) -> Self {
        self.replicas = copies;
        self
    }

    /// Binds the order of samples to the chain. A segment is a checkpoint interval.
    /// Each segment draws its order from the hash of the block that seals the end of
    /// the segment `lag` segments before it. The first `lag` segments are ordered by
    /// the seed alone. Training waits for that block. With a lag of 2 it hardly ever
    /// waits, if blocks take less time than segments.
    ///
    /// To try another order, a trainer must mine another block. With an order that
    /// follows from the seed alone, a try costs a training and no work. This is for
    /// one device only. The final weights of two runs differ, but every run can be
    /// resumed and replayed exactly.
    pub fn bound_order(mut self, lag: NonZeroU32) -> Self {
        self.bound_order = Some(lag);
        self
    }

    /// The lag and the number of steps in a segment, if the order is bound to the chain.
    pub(crate) fn bound(&self) -> Result<Option<(NonZeroU32, NonZeroU64)>, PowError> {
        let Some(lag) = self.bound_order else {
            return Ok(None);
        };
        match NonZeroU64::new(self.checkpoint_interval()) {
            Some(interval) => Ok(Some((lag, interval))),
            None => Err(PowError::Config(
                "an order that is bound to the chain needs a checkpoint interval".into(),
            )),
        }
    }

    /// Describes the device that trains, at most 1,024 bytes. For a GPU, give its
    /// adapter, interface and driver, because Burn's own name does not show them.
    /// Genesis has this text before Burn's name. Nothing checks it. It matters,
    /// because another GPU or driver gives other weights.
    pub fn adapter(mut self, adapter: impl Into<String>) -> Self {
        self.adapter = Some(adapter.into());
        self
    }

    /// Hashes the weights on the GPU, in the memory that they lie in, in place of reading
    /// them back for every entry. `setup` must be that of the device that trains. With
    /// Burn's fusion, this needs the feature `fusion` of burn-pow.
    ///
    /// Only 32 bytes for each tensor are read. Checkpoints, quantised weights, booleans
    /// and [`PowRun::on_commit`](crate::PowRun::on_commit) still need the weights
    /// themselves. If the device cannot hash, the recorder says so on standard error and
    /// reads the weights. The entries are the same either way.
    ///
    /// ```no_run
    /// use burn::tensor::Device;
    /// use burn_pow::{Action, PowConfig, PowRun};
    /// let (device, setup) = Device::wgpu_options().init_with_setup()?;
    /// let config = PowConfig::new("runs/mine").hash_on_gpu(&setup);
    /// let run = PowRun::open(Action::Create, config)?;
    /// # let _ = (device, run);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "wgpu")]
    pub fn hash_on_gpu(mut self, setup: &WgpuSetup) -> Self {
        self.hash_on = Some(setup.clone());
        self
    }

    /// What hashes on the GPU, if that was asked for.
    pub(crate) fn in_place(&self) -> Option<InPlace> {
        #[cfg(feature = "wgpu")]
        return self.hash_on.clone().map(InPlace::new);
        #[cfg(not(feature = "wgpu"))]
        None
    }

    /// How much of the CPU mining may use.
    pub(crate) fn cpu_share(&self) -> CpuShare {
        CpuShare {
            threads: self.mining_threads,
            priority: match self.mode {
                Mode::Pipelined => Priority::Low,
                // Training waits for the miner in this mode.
                Mode::Gate => Priority::Normal,
            },
        }
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

    /// The schedule part of genesis, for a loader with `steps_per_epoch` steps in an epoch.
    pub(crate) fn schedule(&self, steps_per_epoch: Option<u64>) -> Result<Schedule, PowError> {
        let planned = match (self.length, steps_per_epoch) {
            (Length::Unknown, _) => None,
            (Length::Steps(steps), _) => Some(steps),
            (Length::Epochs(epochs), Some(steps)) => Some(epochs.saturating_mul(steps)),
            (Length::Epochs(_), None) => {
                return Err(PowError::Config(
                    "a length in epochs needs a loader made by PowRun::loader, and one device; use \
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

    /// The checkpoint interval that was set, or about 100 steps.
    fn checkpoint_interval(&self) -> u64 {
        self.checkpoint_every
            .unwrap_or_else(|| 100u64.next_multiple_of(self.commit_every.get()))
    }

    /// Refuses settings that genesis or the run cannot hold.
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
            "bound_lag": self.bound_order,
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
