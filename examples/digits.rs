//! Trains a small network on handwritten digits and records every step.
//!
//! ```text
//! cargo run --release --example digits
//! ```

use burn::data::dataloader::DataLoaderBuilder;
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::optim::AdamConfig;
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::{Interrupter, Learner, SupervisedTraining};
use burn_pow::{Action, Finished, Outcome};
use clap::Parser;
use pow_examples::digits::{Cnn, DigitBatcher, accuracy, load};
use pow_examples::program::{Command, Recording, print_summary, run, shown, stop_on_signal};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Train a small network on handwritten digits and record every step in a
/// mined chain.
///
/// Afterwards, check the record with a program that does not use Burn:
/// `cargo run --release -p pow-cli -- verify runs/digits`
///
/// Ctrl-C stops the training, or the mining of its last blocks. A second Ctrl-C kills
/// the program. (In Burn's dashboard, q and then s stops the training.)
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

/// The settings of a training.
#[derive(clap::Args, Serialize, Deserialize)]
struct Settings {
    /// The run's directory: a new or empty one, except with --resume or --requeue
    #[arg(long, default_value = "runs/digits")]
    #[serde(skip)]
    out: PathBuf,
    /// Passes over the training images
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Train only on the first COUNT images
    #[arg(long, value_name = "COUNT")]
    images: Option<usize>,
    /// Images in a batch
    #[arg(long, default_value = "32")]
    batch_size: NonZeroU32,
    #[command(flatten)]
    recording: Recording,
}

fn main() -> ExitCode {
    let Args { command, settings } = Args::parse();
    let (recording, out) = (&settings.recording, &settings.out);
    run(command, &settings, recording, out, train)
}

fn train(args: &Settings, action: Action) -> anyhow::Result<Finished> {
    let (mut images, test) = load()?;
    images.truncate(args.images.unwrap_or(usize::MAX));
    let (run, device) = args.recording.open(action, &args.out, args.epochs, args)?;
    let interrupter = Interrupter::new();
    stop_on_signal(interrupter.clone(), args.recording.pauser(&run))?;
    run.stop_with(interrupter.clone());

    // Before the model is made, because PowConfig::seed does not draw its weights.
    let device = device.autodiff();
    device.seed(args.recording.seed);
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
    let learner = Learner::new(run.wrap(Cnn::new(&device)), AdamConfig::new().init(), rate);
    let training = SupervisedTraining::new(args.out.join("burn"), loader.clone(), valid)
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .with_interrupter(interrupter)
        .num_epochs(args.epochs.try_into()?);

    let outcome = run.launch(shown(training), learner, loader)?;
    if let Outcome::Trained(trained) = &outcome {
        let accuracy = 100.0 * accuracy(&trained.model, test);
        writeln!(std::io::stdout(), "test accuracy   {accuracy:.2} %")?;
        print_summary(&trained.summary)?;
    }
    Ok(outcome.finished())
}
