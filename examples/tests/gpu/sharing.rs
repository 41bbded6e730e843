//! Mining on the device that trains.

use crate::device::alone;
use crate::programs::environment;
use crate::runs::verified;
use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::optim::AdamConfig;
use burn::train::TrainStep;
use burn_pow::{Action, Ending, Mode, PowConfig, PowRun};
use pow_examples::digits::{Cnn, DigitBatcher, load};
use pow_gpu::{GpuEngine, GpuSettings, Sharing};
use pow_ledger::RunDir;
use std::sync::Arc;
use tempfile::TempDir;

const STEPS: u64 = 12;

/// In gate mode every step waits for a block, so training and mining take turns on
/// the queue.
pub fn the_miner_shares_the_device() {
    let (_alone, gpu) = alone();
    let settings = GpuSettings {
        sharing: Sharing::WithTraining,
        ..GpuSettings::default()
    };
    let wgpu = gpu.setup.device.clone();
    let engine = GpuEngine::with_device(wgpu, gpu.setup.queue.clone(), settings).unwrap();
    assert!(*engine.device() == gpu.setup.device);

    let place = TempDir::new().unwrap();
    let dir = RunDir::new(place.path().join("run"));
    let config = PowConfig::new(dir.path())
        .planned_steps(STEPS)
        .mode(Mode::Gate)
        .zero_bits(14)
        .adapter("the adapter of this test");
    let run = PowRun::open_with_engine(Action::Create, config, Box::new(engine)).unwrap();
    let engine = run.engine();
    assert!(engine.starts_with("mining with gpu ("), "{engine}");
    let device = gpu.device.clone().autodiff();
    device.seed(5);
    let (mut images, _) = load().unwrap();
    images.truncate(STEPS as usize * 8);
    let images = Arc::new(InMemDataset::new(images));
    let loader = run
        .loader(images, Arc::new(DigitBatcher), 8.try_into().unwrap())
        .unwrap();
    let started = run
        .start(Cnn::new(&device), AdamConfig::new().init())
        .unwrap();
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    for tracked in loader.to_device(&device).iter() {
        let batch = run.micro_batch(&model, tracked.unwrap());
        let output = TrainStep::step(&model, batch);
        model = run
            .step(model, &mut optimizer, 1e-3, output.grads, None)
            .unwrap();
    }
    let record = run.finish(&model, Ending::Completed).unwrap();
    let record = record.sealed().unwrap();
    assert_eq!(record.steps.0, STEPS);
    // Genesis, one block for each of the steps 0 to 12, and the final block.
    assert_eq!(u64::from(record.height.get()), STEPS + 2);

    verified(&dir);
    let environment = environment(&dir);
    assert_eq!(environment.backend, "Wgpu");
    let expected = format!("the adapter of this test; {device:?}");
    assert_eq!(environment.device, expected);
}
