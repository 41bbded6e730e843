//! The training of `digits` in a loop of one's own, every step recorded.
//!
//! ```text
//! cargo run --release --example handwritten
//! ```

use anyhow::Context;
use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::{Interrupter, TrainStep};
use burn_pow::{Action, Ending, PowConfig, PowRun};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pow_examples::digits::{Cnn, DigitBatcher, accuracy, load};
use pow_examples::stop_on_ctrl_c;
use std::path::PathBuf;
use std::sync::Arc;

/// Train a small network on handwritten digits in a plain loop and record every
/// step, with its loss, in a mined chain.
///
/// Afterwards: `cargo run --release -p pow-cli -- verify runs/handwritten`
#[derive(Parser)]
struct Args {
    /// Where the run goes; must not exist yet, but with --resume
    #[arg(long, default_value = "runs/handwritten")]
    out: PathBuf,
    /// Go on with a run that was killed, with the same settings
    #[arg(long)]
    resume: bool,
    /// Passes over the training images
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Leading zero bits of each block's hash, 1 to 255: about 2^n hashes a block
    #[arg(long, default_value_t = 16)]
    zero_bits: u32,
}

const SEED: u64 = 42;

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let (images, test) = load()?;
    let epochs = u64::from(args.epochs);
    let config = PowConfig::new(&args.out)
        .seed(SEED)
        .initial_weights_from_seed()
        .epochs(epochs)
        .zero_bits(args.zero_bits)
        .lockfile(include_bytes!("../Cargo.lock"));
    let action = if args.resume {
        Action::Resume
    } else {
        Action::Create
    };
    let run = PowRun::open(action, config)?;
    eprintln!("{}", run.engine());
    let interrupter = Interrupter::new();
    run.stop_with(interrupter.clone());
    stop_on_ctrl_c(interrupter.clone())?;

    let device = Device::flex().autodiff();
    device.seed(SEED);
    let loader = run.loader(
        Arc::new(InMemDataset::new(images)),
        Arc::new(DigitBatcher),
        32.try_into()?,
    )?;
    let steps = loader.batches_per_epoch() * epochs;
    let mut rate = CosineAnnealingLrSchedulerConfig::new(3e-3, usize::try_from(steps)?)
        .init()
        .map_err(anyhow::Error::msg)?;
    // Of a resumed run, this is where it stood.
    let started = run.start(Cnn::new(&device), AdamConfig::new().init())?;
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    for _ in 0..started.steps {
        rate.step();
    }

    let loader = loader.to_device(&device);
    let style = ProgressStyle::with_template("{bar:40} step {pos}/{len}, loss {msg}")?;
    let progress = ProgressBar::new(steps).with_style(style);
    progress.set_position(started.steps);
    'training: for _ in started.epoch..epochs {
        for tracked in loader.iter() {
            let batch = run.micro_batch(&model, tracked?);
            let output = TrainStep::step(&model, batch);
            let loss = f64::from(output.item.loss.into_scalar::<f32>());
            model = run.step(model, &mut optimizer, rate.step(), output.grads, Some(loss))?;
            progress.set_message(format!("{loss:.3}"));
            progress.inc(1);
            if interrupter.should_stop() {
                break 'training;
            }
        }
    }
    progress.finish_and_clear();

    let stopped = interrupter.should_stop();
    let ending = if stopped {
        Ending::Stopped
    } else {
        Ending::Completed
    };
    let record = run.finish(&model, ending).context("the run")?;
    let accuracy = 100.0 * accuracy(&model.valid(), test);
    println!("test accuracy   {accuracy:.2} %");
    println!("recorded        {} steps", record.steps);
    println!("genesis         {}", record.genesis);
    println!("run             {}", args.out.display());
    Ok(())
}
