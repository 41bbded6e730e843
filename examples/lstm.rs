//! Trains a small LSTM on a play, character by character, in a custom loop, and records
//! every step.
//!
//! ```text
//! cargo run --release --example lstm
//! ```

use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::grad_clipping::GradientClippingConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::train::{InferenceStep, Interrupter};
use burn_pow::{Action, Ending, Finished};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pow_examples::program::{Command, Recording, print_summary, run, stop_on_signal};
use pow_examples::text::{CharLstm, PassageBatcher, bits_per_character, load};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Train a small LSTM on Romeo and Juliet, character by character, in a custom loop,
/// and record every step in a mined chain.
///
/// Afterwards, check the record with a program that does not use Burn:
/// `cargo run --release -p pow-cli -- verify runs/lstm`
///
/// Ctrl-C stops the training, or the mining of its last blocks. A second Ctrl-C kills
/// the program.
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
    #[arg(long, default_value = "runs/lstm")]
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
    run.stop_with(interrupter);

    // Before the model is made, because PowConfig::seed does not draw its weights.
    let device = device.autodiff();
    device.seed(args.recording.seed);
    let loader = run.loader(
        Arc::new(InMemDataset::new(passages)),
        Arc::new(PassageBatcher),
        args.batch_size,
    )?;
    let batches = loader.to_device(&device);
    let steps = loader.batches_per_epoch() * u64::from(args.epochs);
    let mut rate = CosineAnnealingLrSchedulerConfig::new(1e-2, usize::try_from(steps)?)
        .init()
        .map_err(anyhow::Error::msg)?;
    let clipping = GradientClippingConfig::Norm(1.0);
    let optimizer = AdamWConfig::new().with_grad_clipping(Some(clipping)).init();

    // A resumed run starts where it stood.
    let started = run.start(CharLstm::new(&device), optimizer)?;
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    for _ in 0..started.steps {
        rate.step();
    }
    let bar = ProgressBar::new(steps).with_style(ProgressStyle::with_template(
        "{bar:30} step {pos}/{len}, {eta} left, {msg}",
    )?);
    bar.set_position(started.steps);

    let mut ending = Ending::Completed;
    'training: for _ in started.epoch..args.epochs.into() {
        for tracked in batches.iter() {
            if run.should_stop() {
                ending = Ending::Stopped;
                break 'training;
            }
            let batch = run.micro_batch(&model, tracked?);
            let loss = model.step(batch).loss;
            let value = loss.clone().into_scalar::<f64>();
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = run.step(model, &mut optimizer, rate.step(), grads, Some(value))?;
            bar.set_message(format!("loss {value:.2}"));
            bar.inc(1);
        }
    }
    bar.abandon();

    let finished = run.finish(&model, ending)?;
    if let Finished::Sealed(summary) = &finished {
        let bits = bits_per_character(&model.valid(), &test);
        writeln!(
            std::io::stdout(),
            "held-out text   {bits:.3} bits a character"
        )?;
        print_summary(summary)?;
    }
    Ok(finished)
}
