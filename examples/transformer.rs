//! Trains a small transformer on a play, character by character, and records
//! every step.
//!
//! ```text
//! cargo run --release --example transformer
//! ```

use burn::data::dataloader::DataLoaderBuilder;
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::composed::ComposedLrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::module::Module;
use burn::optim::AdamWConfig;
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::{Interrupter, Learner, SupervisedTraining};
use burn_pow::{Action, Finished, Outcome};
use clap::Parser;
use pow_examples::program::{Command, Recording, print_summary, run, shown, stop_on_signal};
use pow_examples::text::{CharTransformer, PassageBatcher, bits_per_character, continuation, load};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Train a small transformer on Romeo and Juliet, character by character, and
/// record every step in a mined chain.
///
/// Afterwards, check the record with a program that does not use Burn:
/// `cargo run --release -p pow-cli -- verify runs/transformer`
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
    #[arg(long, default_value = "runs/transformer")]
    #[serde(skip)]
    out: PathBuf,
    /// Passes over the training passages
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Train only on the first COUNT passages of 64 characters
    #[arg(long, value_name = "COUNT")]
    passages: Option<usize>,
    /// Passages in a batch
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
    let (mut passages, test) = load();
    passages.truncate(args.passages.unwrap_or(usize::MAX));
    let (run, device) = args.recording.open(action, &args.out, args.epochs, args)?;
    let interrupter = Interrupter::new();
    stop_on_signal(interrupter.clone(), args.recording.pauser(&run))?;
    run.stop_with(interrupter.clone());

    // Before the model is made, because PowConfig::seed does not draw its weights.
    let device = device.autodiff();
    device.seed(args.recording.seed);
    let loader = run.loader(
        Arc::new(InMemDataset::new(passages)),
        Arc::new(PassageBatcher),
        args.batch_size,
    )?;
    let valid = DataLoaderBuilder::new(PassageBatcher)
        .batch_size(64)
        .build(InMemDataset::new(test.clone()));
    let steps = usize::try_from(loader.batches_per_epoch() * u64::from(args.epochs))?;
    // The rate rises during the first tenth of the training, then falls to 0.
    let rate = ComposedLrSchedulerConfig::new()
        .linear(LinearLrSchedulerConfig::new(0.01, 1.0, (steps / 10).max(1)))
        .cosine(CosineAnnealingLrSchedulerConfig::new(5e-3, steps))
        .init()
        .map_err(anyhow::Error::msg)?;
    let model = run.wrap(CharTransformer::new(&device));
    // A replay shows no score, and would take longer.
    let before = (!run.is_replay()).then(|| bits_per_character(&(*model).valid(), &test));
    let learner = Learner::new(model, AdamWConfig::new().init(), rate);
    let training = SupervisedTraining::new(args.out.join("burn"), loader.clone(), valid)
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .with_interrupter(interrupter)
        .num_epochs(args.epochs.try_into()?);

    let outcome = run.launch(shown(training), learner, loader)?;
    if let Outcome::Trained(trained) = &outcome {
        let after = bits_per_character(&trained.model, &test);
        let prompt = "ROMEO:\n";
        let sample = continuation(&trained.model, prompt, 200, args.recording.seed);
        let mut text = std::io::stdout();
        writeln!(text, "{prompt}{sample}\n")?;
        if let Some(before) = before {
            writeln!(
                text,
                "held-out text   {before:.3} bits a character before, {after:.3} after"
            )?;
        }
        print_summary(&trained.summary)?;
    }
    Ok(outcome.finished())
}
