//! How much memory it takes to resume from a checkpoint.
//!
//! This binary has only one test, because every allocation of the process is counted.

#![allow(
    clippy::unwrap_used,
    reason = "a test's helpers panic as its body does"
)]

use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::InMemDataset;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use burn_pow::{Action, EngineChoice, PowConfig, PowRun};
use peak_alloc::PeakAlloc;
use pow_ledger::RunDir;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const INPUTS: usize = 2048;

struct Ones;

impl Batcher<u8, Tensor<2>> for Ones {
    fn batch(&self, items: Vec<u8>, device: &Device) -> Tensor<2> {
        Tensor::ones([items.len(), INPUTS], device)
    }
}

/// One large tensor, of 16 MiB, and a small one.
fn model() -> Linear {
    let device = Device::flex().autodiff();
    device.seed(3);
    let model = LinearConfig::new(INPUTS, 2048).init(&device);
    // Burn draws weights on first use.
    drop(model.weight.val());
    model
}

fn optimizer() -> ModuleOptimizer {
    AdamConfig::new().init()
}

/// Takes a step, which is committed with a checkpoint, and stops.
fn record(config: &PowConfig) {
    let run = PowRun::open(Action::Create, config.clone()).unwrap();
    let batches = batches(&run);
    let started = run.start(model(), optimizer()).unwrap();
    let (model, mut optimizer) = (started.model, started.optimizer);
    let batch = batches.iter().next().unwrap().unwrap();
    let gradients = model
        .forward(run.micro_batch(&model, batch))
        .sum()
        .backward();
    let gradients = GradientsParams::from_grads(gradients, &model);
    run.step(model, &mut optimizer, 1e-2, gradients, None)
        .unwrap();
}

type Batches = Arc<dyn DataLoader<burn_pow::loader::Tracked<Tensor<2>>>>;

fn batches(run: &PowRun) -> Batches {
    let items = Arc::new(InMemDataset::new(vec![1u8, 2, 3]));
    let loader = run.loader(items, Arc::new(Ones), NonZeroUsize::MIN.try_into().unwrap());
    loader.unwrap().to_device(&Device::flex().autodiff())
}

/// What `work` returns, and the most by which the heap grew meanwhile, in bytes.
fn peak_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let value = work();
    (value, HEAP.peak_usage().saturating_sub(before))
}

fn len_of(files: &[&Path]) -> usize {
    let lens = files
        .iter()
        .map(|file| file.metadata().unwrap().len() as usize);
    lens.sum()
}

#[test]
fn a_checkpoint_is_in_memory_once_when_a_run_is_resumed() {
    let place = tempfile::tempdir().unwrap();
    let dir = RunDir::new(place.path().join("run"));
    let config = PowConfig::new(dir.path())
        .engine(EngineChoice::Cpu)
        .checkpoint_every(1);
    record(&config);
    let newest = std::fs::read_dir(dir.checkpoints()).unwrap().map(|entry| {
        let dir = entry.unwrap().path();
        let [model, optimizer] =
            ["model", "optimizer"].map(|n| dir.join(format!("{n}.safetensors")));
        len_of(&[&model, &optimizer])
    });
    let checkpoint = newest.max().unwrap();

    let (run, opened) = peak_of(|| PowRun::open(Action::Resume, config.clone()).unwrap());
    let batches = batches(&run);
    let (model, optimizer) = (model(), optimizer());
    let (started, restored) = peak_of(|| run.start(model, optimizer).unwrap());
    let ratio = |bytes: usize| bytes as f64 / checkpoint as f64;
    let [opened, restored] = [opened, restored].map(ratio);
    println!("{opened:.2} checkpoints to open the run, {restored:.2} to restore its state");
    // The largest tensor is a third of the checkpoint. It is in memory once more while it
    // is hashed or restored.
    assert!(opened < 0.5, "{opened}");
    assert!((1.0..1.5).contains(&restored), "{restored}");
    drop((started, batches));
}
