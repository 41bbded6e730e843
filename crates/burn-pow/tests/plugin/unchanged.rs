//! Recording changes nothing: the same program without it ends with the same
//! bits.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::TrainStep;
use burn_pow::loader::{SeededLoader, dataset_root};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use pow_core::hash::ParameterRoot;
use pow_core::order::device_seed;
use std::sync::Arc;

/// The training of `program`, with the same loader and seeds, unrecorded.
fn unrecorded() -> ParameterRoot {
    let data = burn::data::dataset::InMemDataset::new(items());
    let root = dataset_root(&data, |item, out| out.extend(item.0)).unwrap();
    let batch = BATCH.try_into().unwrap();
    let loader = SeededLoader::new(Arc::new(data), Arc::new(Batches), root, 5, batch).unwrap();
    let device = Device::flex().autodiff();
    let mut model = Net::new();
    let mut optimizer = AdamConfig::new().init();
    for _ in 0..2 {
        for tracked in loader.to_device(&device).iter() {
            device.seed(device_seed(5, loader.cursor().advance()));
            let output = TrainStep::step(&model, tracked.unwrap().batch);
            model = optimizer.step(1e-2, model, output.grads);
        }
    }
    let model = burn::module::Module::valid(&model);
    parameter_root(&Snapshot::take(&model).read().unwrap()).unwrap()
}

#[test]
fn final_weights_are_those_of_the_unrecorded_program() {
    let _alone = alone();
    let (place, run) = place();
    record(&place, config(&run));
    assert_eq!(entries(&run).last().unwrap().parameters, unrecorded());
}
