//! Snapshots, optimizer state and the loader against independent twins.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::optim::{AdamConfig, ModuleOptimizer};
use burn::tensor::Device;
use burn::train::TrainStep;
use burn_pow::optimizer::{OptimizerError, OptimizerSnapshot, to_record};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_store::{ModuleSnapshot, SafetensorsStore};
use pow_core::order::EpochSchedule;
use pow_ledger::TensorFile;

fn stepped(steps: usize) -> (Net, ModuleOptimizer) {
    let loader = unrecorded_loader().to_device(&Device::flex().autodiff());
    let (mut model, mut optimizer) = (Net::new(), AdamConfig::new().init());
    for tracked in loader.iter().take(steps) {
        let output = TrainStep::step(&model, tracked.unwrap().batch);
        model = optimizer.step(1e-2, model, output.grads);
    }
    (model, optimizer)
}

#[test]
fn a_snapshot_has_the_root_of_the_file_that_burn_store_writes() {
    let _alone = alone();
    let (model, _) = stepped(2);
    let model = burn::module::Module::valid(&model);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("theirs.safetensors");
    let mut store = SafetensorsStore::from_file(&path);
    model.save_into(&mut store).unwrap();
    let ours = Snapshot::take(&model).read().unwrap();
    assert_eq!(
        TensorFile::open(&path).unwrap().root().unwrap(),
        parameter_root(&ours).unwrap()
    );
    assert!(ours.iter().any(|tensor| tensor.path == "norm.running_mean"));
}

#[test]
fn a_snapshot_stays_as_it_was_while_training_goes_on() {
    let _alone = alone();
    let (model, mut optimizer) = stepped(1);
    let before = Snapshot::take(&model);
    let expected = root_of(&model);
    let loader = unrecorded_loader().to_device(&Device::flex().autodiff());
    let tracked = loader.iter().next().unwrap().unwrap();
    let output = TrainStep::step(&model, tracked.batch);
    let model = optimizer.step(1e-2, model, output.grads);
    let after = root_of(&model);
    assert_eq!(parameter_root(&before.read().unwrap()).unwrap(), expected);
    assert_ne!(after, expected);
}

#[test]
fn optimizer_state_moves_to_a_model_with_other_ids() {
    let _alone = alone();
    let (_, optimizer) = stepped(3);
    let tensors = OptimizerSnapshot::take(&optimizer).read().unwrap();
    assert!(
        tensors
            .iter()
            .any(|tensor| tensor.path.starts_with("first.weight#"))
    );
    let other = Net::new();
    let record = to_record(&tensors, &other).unwrap();
    let restored = AdamConfig::new().init().load_record(record);
    let again = OptimizerSnapshot::take(&restored).read().unwrap();
    assert_eq!(again, tensors);
}

#[test]
fn foreign_optimizer_state_is_an_error() {
    let _alone = alone();
    let (model, optimizer) = stepped(3);
    let tensors = OptimizerSnapshot::take(&optimizer).read().unwrap();
    let mut foreign = tensors.clone();
    foreign[0].path = "nowhere#moment".into();
    assert!(matches!(
        to_record(&foreign, &model),
        Err(OptimizerError::Foreign(_))
    ));
    let mut twice = tensors.clone();
    twice.push(tensors[0].clone());
    assert!(matches!(
        to_record(&twice, &model),
        Err(OptimizerError::DuplicatePath(_))
    ));
}

#[test]
fn the_loader_hands_out_the_order_that_the_format_defines() {
    let loader = unrecorded_loader();
    let batch = BATCH.try_into().unwrap();
    let one = 1.try_into().unwrap();
    let mut schedule = EpochSchedule::new(loader.order().clone(), batch, one).unwrap();
    for epoch in 0..3 {
        let mut batches = 0;
        for tracked in loader.iter() {
            let indices = tracked.unwrap().indices.unwrap();
            assert_eq!(indices, schedule.micro_batch(epoch, batches));
            loader.cursor().advance();
            batches += 1;
        }
        assert_eq!(batches, schedule.batches_per_epoch());
    }
}

#[test]
fn an_interrupted_epoch_goes_on_where_training_stood() {
    let loader = unrecorded_loader();
    let all: Vec<_> = loader.iter().map(|t| t.unwrap().indices).collect();
    // Two batches are taken, one is trained on.
    let mut iterator = loader.iter();
    iterator.next();
    iterator.next();
    drop(iterator);
    loader.cursor().advance();
    let rest: Vec<_> = loader.iter().map(|t| t.unwrap().indices).collect();
    assert_eq!(rest, all[1..]);
}

#[test]
fn slices_cover_every_sample_once() {
    let loader = unrecorded_loader();
    let mut seen: Vec<u32> = [(0, 7), (7, 20)]
        .iter()
        .flat_map(|(start, end)| {
            let slice = loader.slice(*start, *end);
            slice
                .iter()
                .flat_map(|tracked| tracked.unwrap().indices.unwrap())
                .collect::<Vec<_>>()
        })
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..20).collect::<Vec<_>>());
}
