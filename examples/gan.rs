//! Trains a generative adversarial network on handwritten digits, and records every
//! step: two models, two optimizers, clipped weights and an average of the generator.
//!
//! ```text
//! cargo run --release --example gan
//! ```

use anyhow::Context;
use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::tensor::Tensor;
use burn::train::Interrupter;
use burn_pow::{Action, Ending, Finished, StepInfo};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pow_examples::digits::{DigitBatcher, Gan, flat, load, mean_distance, rows, svg};
use pow_examples::program::{Command, Recording, print_summary, run, stop_on_signal};
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Train a generative adversarial network on handwritten digits and record every step
/// in a mined chain.
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
    #[arg(long, default_value = "runs/gan")]
    #[serde(skip)]
    out: PathBuf,
    /// Passes over the training images
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Images in a batch
    #[arg(long, default_value = "64")]
    batch_size: NonZeroU32,
    /// Draw images with the trained generator into this file, an SVG
    #[arg(long)]
    #[serde(skip)]
    draw: Option<PathBuf>,
    #[command(flatten)]
    recording: Recording,
}

/// The number of images that are drawn to measure and to look at.
const DRAWN: usize = 100;

fn main() -> ExitCode {
    let Args { command, settings } = Args::parse();
    let (recording, out) = (&settings.recording, &settings.out);
    run(command, &settings, recording, out, train)
}

fn train(args: &Settings, action: Action) -> anyhow::Result<Finished> {
    let (images, test) = load()?;
    let (run, device) = args.recording.open(action, &args.out, args.epochs, args)?;
    let interrupter = Interrupter::new();
    stop_on_signal(interrupter.clone(), args.recording.pauser(&run))?;
    run.stop_with(interrupter);

    // Before the models are made, because PowConfig::seed does not draw their weights.
    let inference = device.clone();
    let device = device.autodiff();
    device.seed(args.recording.seed);
    let known = rows(images.clone(), &inference);
    let images = Arc::new(InMemDataset::new(images));
    let loader = run.loader(images, Arc::new(DigitBatcher), args.batch_size)?;
    let batches = loader.to_device(&device);
    let steps = loader.batches_per_epoch() * u64::from(args.epochs);
    let gan = Gan::new(&device);
    let untrained = gan.averaged().clone();

    // A resumed run starts where it stood.
    let mut gan = run.training_loop(gan)?;
    let bar = ProgressBar::new(steps).with_style(ProgressStyle::with_template(
        "{bar:30} step {pos}/{len}, {eta} left, {msg}",
    )?);
    bar.set_position(gan.steps());

    let mut ending = Ending::Completed;
    'training: for _ in gan.epoch()..args.epochs.into() {
        for tracked in batches.iter() {
            if gan.should_stop() {
                ending = Ending::Stopped;
                break 'training;
            }
            let images = flat(gan.micro_batch(tracked?));
            let count = images.dims()[0];
            let gap = gan.gap(images);
            let value = gap.clone().into_scalar::<f64>();
            let info = StepInfo::new(Gan::RATE).loss(-value);
            let info = info.moves(gan.moves().iter().copied());
            gan.step(info, |gan| gan.step(gap, count))?;
            bar.set_message(format!("the critic's scores differ by {value:.3}"));
            bar.inc(1);
        }
    }
    bar.abandon();

    let (finished, gan) = gan.finish_with_parts(ending)?;
    if let Finished::Sealed(summary) = &finished {
        inference.seed(args.recording.seed);
        let drawn = gan.averaged().draw(DRAWN);
        let (untrained, test) = (untrained.draw(DRAWN), rows(test, &inference));
        let like = |images: &Tensor<2>| mean_distance(images.clone(), &known);
        let covered = |images: &Tensor<2>| mean_distance(test.clone(), images);
        writeln!(
            std::io::stdout(),
            "drawn images    {:.2} to the nearest training image ({:.2} untrained, {:.2} for test \
             images)\n\
             test images     {:.2} to the nearest drawn image ({:.2} untrained)",
            like(&drawn),
            like(&untrained),
            like(&test),
            covered(&drawn),
            covered(&untrained),
        )?;
        if let Some(file) = &args.draw {
            std::fs::write(file, svg(drawn, 10)?)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        print_summary(summary)?;
    }
    Ok(finished)
}
