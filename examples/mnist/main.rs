//! A program like the first one of the Burn Book, an image classifier for MNIST, before
//! and after it records itself. `diff examples/mnist/plain.rs
//! examples/mnist/recorded.rs` shows all that changes.
//!
//! ```text
//! cargo run --release --example mnist
//! ```

mod data;
mod dataset;
mod model;
mod plain;
mod recorded;

use burn::optim::AdamConfig;
use burn::tensor::Device;
use clap::Parser;
use model::ModelConfig;
use std::path::PathBuf;

/// Train a small network on drawn digits and record every step in a mined chain.
#[derive(Parser)]
struct Args {
    /// The directory for Burn's files and the run
    #[arg(long, default_value = "runs/mnist")]
    out: PathBuf,
    /// Passes over the training images
    #[arg(long, default_value_t = 2)]
    epochs: usize,
    /// Run the program as it was before: nothing is recorded
    #[arg(long)]
    plain: bool,
}

fn main() {
    let args = Args::parse();
    let out = args.out.to_string_lossy();
    let model = ModelConfig::new(10, 64);
    if args.plain {
        let config = plain::TrainingConfig::new(model, AdamConfig::new());
        plain::train(&out, config.with_num_epochs(args.epochs), Device::flex());
    } else {
        let config = recorded::TrainingConfig::new(model, AdamConfig::new());
        recorded::train(&out, config.with_num_epochs(args.epochs), Device::flex());
    }
}
