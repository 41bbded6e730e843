//! The options for how a run is recorded.

use super::device::DeviceArg;
use super::engine::EngineArg;
use burn::tensor::Device;
use burn_pow::Portability;
use burn_pow::{Action, EngineChoice, Mode, Origin, Pauser, PowConfig, PowRun};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How a run is recorded.
#[derive(Args, Clone, Debug, Serialize, Deserialize)]
pub struct Recording {
    /// Resume a run that was killed or paused, with the same settings
    #[arg(long)]
    #[serde(skip)]
    pub resume: bool,
    /// Record a new run, or resume it if it has begun, and pause when stopped: for a job
    /// that a scheduler starts again with the same command
    #[arg(long, conflicts_with = "resume")]
    #[serde(skip)]
    pub requeue: bool,
    /// Begin the new run with the newest state of this run, and name it in the first block
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    #[serde(skip)]
    from: Option<PathBuf>,
    /// Let Ctrl-C, SIGTERM or SIGUSR1 pause the run, so that --resume can continue it
    #[arg(long)]
    #[serde(skip)]
    pause: bool,
    /// Seed of initial weights, sample order and dropout
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Whether training continues while a step is mined, or waits for its block
    #[arg(long, value_enum, default_value_t = ModeArg::Pipelined)]
    mode: ModeArg,
    /// What trains: the CPU, or a GPU if the program was built with the feature
    /// wgpu
    #[arg(long, value_enum, default_value_t = DeviceArg::Cpu)]
    device: DeviceArg,
    /// What mines: auto, cpu, gpu or all, or shared for the GPU that trains
    #[arg(long, default_value = "auto")]
    #[serde(skip, default = "any_engine")]
    engine: EngineArg,
    /// Leading zero bits of each block's hash, 1 to 255; n bits take about 2^n hashes
    #[arg(long, default_value_t = 16)]
    zero_bits: u32,
    /// Let difficulty adapt, so that a block takes this many seconds of mining; it
    /// starts with --zero-bits
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    spacing: Option<Duration>,
    /// Commit a step after this many steps
    #[arg(long, value_name = "STEPS", default_value = "1")]
    commit_every: NonZeroU64,
    /// Write a checkpoint after this many steps, a multiple of --commit-every; a
    /// replay can start from each checkpoint. The default is about 100
    #[arg(long, value_name = "STEPS")]
    checkpoint_every: Option<u64>,
    /// Also keep the newest state after this many seconds, so that a run that is killed
    /// repeats less
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    #[serde(skip)]
    keep_state_every: Option<Duration>,
    /// Draw the order of samples between two checkpoints from the block that was
    /// mined this many checkpoints before
    #[arg(long, value_name = "CHECKPOINTS")]
    bound_order: Option<NonZeroU32>,
}

impl Recording {
    /// What to do with the run's directory.
    pub fn action(&self) -> Action {
        match (self.requeue, self.resume) {
            (true, _) => Action::CreateOrResume,
            (false, true) => Action::Resume,
            (false, false) => Action::Create,
        }
    }

    /// How a signal pauses the run. `None` if it ends the training.
    pub fn pauser(&self, run: &PowRun) -> Option<Pauser> {
        (self.pause || self.requeue).then(|| run.pauser())
    }

    /// Opens the run in `out`, with this many epochs, and the device to train on.
    /// Prints on standard error which GPU trains, what mines, and where a resumed run
    /// continues. `settings` are the settings of the whole program. The run keeps
    /// them, so that it can be replayed.
    ///
    /// # Errors
    ///
    /// The same as [`PowRun::open`]; also if there is no such device, or the settings
    /// cannot be written as JSON.
    pub fn open(
        &self,
        action: Action,
        out: &Path,
        epochs: u32,
        settings: &impl Serialize,
    ) -> anyhow::Result<(PowRun, Device)> {
        let mut config = PowConfig::new(out)
            .seed(self.seed)
            .initial_weights_from_seed()
            .epochs(epochs.into())
            .mode(self.mode.into())
            .zero_bits(self.zero_bits)
            .commit_every(self.commit_every)
            .program(serde_json::to_value(settings)?)
            .lockfile(include_bytes!("../../../Cargo.lock"));
        if let Some(parent) = &self.from {
            config = config.origin(Origin::run(parent));
        }
        if let Some(steps) = self.checkpoint_every {
            config = config.checkpoint_every(steps);
        }
        if let Some(time) = self.keep_state_every {
            config = config.keep_state_every(time);
        }
        if self.pause || self.requeue {
            config = config.pause_when_stopped();
        }
        if let Some(lag) = self.bound_order {
            config = config.bound_order(lag);
        }
        if let Some(spacing) = self.spacing {
            config = config.spacing(spacing, spacing * 16, self.zero_bits.min(8));
        }
        let (run, device) = self.device.open(action, config, self.engine)?;
        if run.is_replay() {
            return Ok((run, device));
        }
        // A closed stderr must not end the training.
        let mut notes = std::io::stderr();
        let _ = writeln!(notes, "{}", run.engine());
        let portability = Portability::of_this_program();
        // Opening the run has warned otherwise.
        if portability.is_complete() {
            let _ = writeln!(notes, "{portability}");
        }
        if let Some(resumed) = run.resumed() {
            let (from, to) = (resumed.step, resumed.chain_step);
            let _ = writeln!(
                notes,
                "resuming from step {from}; steps up to {to} are in the chain and compared with it"
            );
        }
        Ok((run, device))
    }
}

fn any_engine() -> EngineArg {
    EngineArg::Own(EngineChoice::Auto)
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
enum ModeArg {
    Pipelined,
    Gate,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Mode {
        match mode {
            ModeArg::Pipelined => Mode::Pipelined,
            ModeArg::Gate => Mode::Gate,
        }
    }
}

/// From a millisecond to a year, both included.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=31_536_000.0).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err("expected a number of seconds between 0.001 and 31536000".into()),
    }
}
