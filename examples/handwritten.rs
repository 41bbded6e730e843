//! Trains a small network on handwritten digits in a custom loop, without Burn's
//! `Learner`, and records every step.
//!
//! ```text
//! cargo run --release --example handwritten
//! ```

use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams};
use burn::train::Interrupter;
use burn_pow::loader::{Sampling, SeededLoader};
use burn_pow::{Action, Ending, Finished, LoaderBuilder, PowRun};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pow_examples::digits::{Batch, Cnn, Digit, DigitBatcher, accuracy, balanced, load, shifted};
use pow_examples::program::{Command, Recording, print_summary, run, stop_on_signal};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Train a small network on handwritten digits in a custom loop and record every
/// step in a mined chain.
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
    #[arg(long, default_value = "runs/handwritten")]
    #[serde(skip)]
    out: PathBuf,
    /// Passes over the training images
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Draw every digit equally often, with replacement
    #[arg(long)]
    #[serde(default)]
    balanced: bool,
    /// Move each image by up to one pixel in each epoch, at random
    #[arg(long)]
    #[serde(default)]
    shifted: bool,
    /// Threads that make batches ahead of the training
    #[arg(long, default_value_t = 0, value_name = "THREADS")]
    #[serde(skip)]
    workers: usize,
    #[command(flatten)]
    recording: Recording,
}

fn main() -> ExitCode {
    let Args { command, settings } = Args::parse();
    let (recording, out) = (&settings.recording, &settings.out);
    run(command, &settings, recording, out, train)
}

impl Settings {
    fn loader(
        &self,
        run: &PowRun,
        images: Vec<Digit>,
    ) -> anyhow::Result<Arc<SeededLoader<Digit, Batch>>> {
        let mut builder = LoaderBuilder::new(run, DigitBatcher)
            .batch_size(32)
            .num_workers(self.workers);
        if self.balanced {
            builder = builder.sampling(Sampling::weighted(&balanced(&images))?);
        }
        let images = InMemDataset::new(images);
        Ok(match self.shifted {
            true => builder.augment(shifted).build(images)?,
            false => builder.build(images)?,
        })
    }
}

fn train(args: &Settings, action: Action) -> anyhow::Result<Finished> {
    let (images, test) = load()?;
    let (run, device) = args.recording.open(action, &args.out, args.epochs, args)?;
    let interrupter = Interrupter::new();
    stop_on_signal(interrupter.clone(), args.recording.pauser(&run))?;
    run.stop_with(interrupter);

    // Before the model is made, because PowConfig::seed does not draw its weights.
    let device = device.autodiff();
    device.seed(args.recording.seed);
    let loader = args.loader(&run, images)?;
    let batches = loader.to_device(&device);
    let steps = loader.batches_per_epoch() * u64::from(args.epochs);
    let mut rate = CosineAnnealingLrSchedulerConfig::new(3e-3, usize::try_from(steps)?)
        .init()
        .map_err(anyhow::Error::msg)?;

    // A resumed run starts where it stood.
    let started = run.start(Cnn::new(&device), AdamConfig::new().init())?;
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    for _ in 0..started.steps {
        rate.step();
    }
    let bar = ProgressBar::new(steps).with_style(ProgressStyle::with_template(
        "{bar:30} step {pos}/{len}, {eta} left {msg}",
    )?);
    bar.set_position(started.steps);

    let loss_of = CrossEntropyLossConfig::new().init(&device);
    let mut ending = Ending::Completed;
    'training: for epoch in started.epoch..args.epochs.into() {
        for tracked in batches.iter() {
            if run.should_stop() {
                ending = Ending::Stopped;
                break 'training;
            }
            let batch = run.micro_batch(&model, tracked?);
            let loss = loss_of.forward(model.forward(batch.images), batch.labels);
            let value = loss.clone().into_scalar::<f64>();
            let grads = GradientsParams::from_grads(loss.backward(), &model);
            model = run.step(model, &mut optimizer, rate.step(), grads, Some(value))?;
            bar.inc(1);
        }
        let right = 100.0 * accuracy(&model.valid(), test.clone());
        bar.set_message(format!("epoch {}: {right:.2} % right", epoch + 1));
    }
    bar.abandon();

    let finished = run.finish(&model, ending)?;
    if let Finished::Sealed(summary) = &finished {
        let right = 100.0 * accuracy(&model.valid(), test);
        writeln!(std::io::stdout(), "test accuracy   {right:.2} %")?;
        print_summary(summary)?;
    }
    Ok(finished)
}
