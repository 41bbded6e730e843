//! Trains a small network on handwritten digits and records every step.
//!
//! ```text
//! cargo run --release --example digits
//! ```

use anyhow::bail;
use burn::data::dataloader::DataLoaderBuilder;
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::{Interrupter, Learner, SupervisedTraining};
use burn_pow::{Action, EngineChoice, Mode, Outcome, PlainRenderer, PowConfig, PowRun};
use clap::{Parser, ValueEnum};
use pow_examples::digits::{Cnn, DigitBatcher, accuracy, load};
use pow_examples::stop_on_ctrl_c;
use std::io::{IsTerminal, Write};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Train a small network on handwritten digits and record every step in a
/// mined chain.
///
/// Afterwards, check the record with a program that knows nothing of Burn:
/// `cargo run --release -p pow-cli -- verify runs/digits`
///
/// Ctrl-C stops the training, or the mining of what it left; a second one kills
/// the program. (In Burn's dashboard it is q, then s, that stops the training.)
#[derive(Parser)]
struct Args {
    /// Where the run goes; must not exist yet, but with --resume
    #[arg(long, default_value = "runs/digits")]
    out: PathBuf,
    /// Go on with a run that was killed, with the same settings
    #[arg(long)]
    resume: bool,
    /// Passes over the training images
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Seed of initial weights, sample order and dropout
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Images in a batch
    #[arg(long, default_value = "32")]
    batch_size: NonZeroU32,
    /// Whether training goes on while a step is mined or waits for its block
    #[arg(long, value_enum, default_value_t = ModeArg::Pipelined)]
    mode: ModeArg,
    /// What mines: auto, cpu, gpu or all
    #[arg(long, default_value = "auto")]
    engine: EngineChoice,
    /// Leading zero bits of each block's hash, 1 to 255: about 2^n hashes a block
    #[arg(long, default_value_t = 16)]
    zero_bits: u32,
    /// Let difficulty adapt so that a block takes so many seconds of mining;
    /// --zero-bits is then where it starts
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    spacing: Option<Duration>,
    /// Commit every so many steps
    #[arg(long, default_value = "1")]
    commit_every: NonZeroU64,
}

#[derive(Clone, Copy, ValueEnum)]
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

/// From a millisecond to a year.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.001..=31_536_000.0).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err("expected a number of seconds between 0.001 and 31536000".into()),
    }
}

fn main() -> ExitCode {
    match train(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn train(args: &Args) -> anyhow::Result<()> {
    let (images, test) = load()?;
    let mut config = PowConfig::new(&args.out)
        .seed(args.seed)
        .initial_weights_from_seed()
        .epochs(args.epochs.into())
        .mode(args.mode.into())
        .engine(args.engine)
        .zero_bits(args.zero_bits)
        .commit_every(args.commit_every)
        .lockfile(include_bytes!("../Cargo.lock"));
    if let Some(spacing) = args.spacing {
        config = config.spacing(spacing, spacing * 16, args.zero_bits.min(8));
    }
    let action = if args.resume {
        Action::Resume
    } else {
        Action::Create
    };
    let run = PowRun::open(action, config)?;
    // A closed stderr must not end the training.
    let mut notes = std::io::stderr();
    let _ = writeln!(notes, "{}", run.engine());
    if let Some(resumed) = run.resumed() {
        let (from, to) = (resumed.step, resumed.chain_step);
        let _ = writeln!(
            notes,
            "going on from step {from}; steps up to {to} are in the chain and compared with it"
        );
    }

    // Before the model is made: PowConfig::seed does not draw its weights.
    let device = Device::flex().autodiff();
    device.seed(args.seed);
    let loader = run.loader(
        Arc::new(InMemDataset::new(images)),
        Arc::new(DigitBatcher),
        args.batch_size,
    )?;
    let valid = DataLoaderBuilder::new(DigitBatcher)
        .batch_size(128)
        .build(InMemDataset::new(test.clone()));
    let steps = loader.batches_per_epoch() * u64::from(args.epochs);
    let rate = CosineAnnealingLrSchedulerConfig::new(3e-3, usize::try_from(steps)?)
        .init()
        .map_err(anyhow::Error::msg)?;
    let learner = Learner::new(
        run.attest(Cnn::new(&device)),
        AdamConfig::new().init(),
        rate,
    );
    let interrupter = Interrupter::new();
    stop_on_ctrl_c(interrupter.clone())?;
    let mut training = SupervisedTraining::new(args.out.join("burn"), loader.clone(), valid)
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .with_interrupter(interrupter)
        .num_epochs(args.epochs.try_into()?);
    if !std::io::stdout().is_terminal() {
        training = training.renderer(Box::new(PlainRenderer::default()));
    }

    // Quoted as far as the path itself needs it.
    let out = match args.out.display().to_string() {
        path if path.contains(' ') => format!("\"{path}\""),
        path => path,
    };
    let trained = match run.launch(training, learner, loader)? {
        Outcome::Trained(trained) => trained,
        Outcome::Interrupted(left) => bail!(
            "stopped before the chain was finished (blocks mined: {}; steps in none of them: {}); \
             verify with\n  cargo run --release -p pow-cli -- verify {out} --allow-unfinished",
            left.blocks,
            left.unsealed
        ),
        _ => bail!("the run was not trained"),
    };
    let accuracy = accuracy(&trained.result.model, test);
    let record = &trained.record;
    let mut text = std::io::stdout().lock();
    writeln!(text, "test accuracy   {:.2} %", 100.0 * accuracy)?;
    writeln!(
        text,
        "recorded        {} steps in {} blocks; training waited {:.2} s for it",
        record.steps,
        record.height.get() + 1,
        record.waited.as_secs_f64()
    )?;
    writeln!(text, "run             {out}")?;
    writeln!(text, "genesis         {}", record.genesis)?;
    writeln!(
        text,
        "verify with     cargo run --release -p pow-cli -- verify {out}"
    )?;
    Ok(())
}
