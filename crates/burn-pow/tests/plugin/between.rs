//! What an honest program may do between steps, in its batcher and in its dataset: it is
//! replayed, or refused when the run begins or the change is made.

use crate::forgeries::changed;
use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::{Dataset, DatasetError, InMemDataset};
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Tensor};
use burn_pow::loader::LoaderError;
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_pow::{Action, Ending, PowError, PowRun};
use pow_core::hash::ParameterRoot;
use pow_core::order::device_seed;
use pow_ledger::RunDir;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A loop of one step over each batch of one epoch, with what happens before each step.
fn looped(
    action: Action,
    run: &RunDir,
    batcher: impl Batcher<Item, Batch> + 'static,
    mut before: impl FnMut(u64, Net, ModuleOptimizer) -> (Net, ModuleOptimizer),
) -> Result<(), PowError> {
    let config = bare_config(run).seed(5).epochs(1).checkpoint_every(2);
    let run = PowRun::open(action, config.initial_weights_from_seed())?;
    let data = Arc::new(InMemDataset::new(items()));
    let train = run.loader(data, Arc::new(batcher), BATCH.try_into().unwrap())?;
    let train = train.to_device(&Device::flex().autodiff());
    let started = run.start(Net::new(), AdamConfig::new().init())?;
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    let mut step = started.steps;
    for tracked in train.iter() {
        if run.should_stop() {
            break;
        }
        step += 1;
        (model, optimizer) = before(step, model, optimizer);
        let batch = run.micro_batch(&model, tracked.unwrap());
        let grads = model.classify(batch).loss.backward();
        let grads = GradientsParams::from_grads(grads, &model);
        model = run.step(model, &mut optimizer, 1e-2, grads, None)?;
    }
    run.finish(&model, Ending::Completed).map(drop)
}

#[test]
fn what_changes_between_steps_is_noticed() {
    let _alone = alone();
    type Change = fn(u64, Net, ModuleOptimizer) -> (Net, ModuleOptimizer);
    let nothing: Change = |_, model, optimizer| (model, optimizer);
    let model: Change = |step, model, optimizer| match step {
        3 => (Net::new(), optimizer),
        _ => (model, optimizer),
    };
    let optimizer: Change = |step, model, optimizer| match step {
        3 => (model, AdamConfig::new().init()),
        _ => (model, optimizer),
    };
    let start: Change = |step, model, optimizer| match step {
        1 => (halved(model), optimizer),
        _ => (model, optimizer),
    };
    // Not after a checkpoint: this is part of the program, and is replayed.
    let between: Change = |step, model, optimizer| match step {
        4 => (halved(model), optimizer),
        _ => (model, optimizer),
    };
    for (change, noticed) in [
        (nothing, None),
        (model, Some((2, "model"))),
        (optimizer, Some((2, "optimizer or registered state"))),
        (start, Some((0, "model"))),
        (between, None),
    ] {
        let (_place, run) = place();
        let ended = looped(Action::Create, &run, Batches, change);
        let found = match ended {
            Ok(()) => None,
            Err(PowError::ChangedBetweenSteps { step, what, .. }) => Some((step.0, what)),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(found, noticed);
        if noticed.is_none() {
            let report = replayed(&run, None, |action| looped(action, &run, Batches, change));
            assert_eq!(outcomes(&report), exact(&[2, 2]));
        }
    }
}

/// The model with other weights.
pub fn halved(model: Net) -> Net {
    changed(model, |_, tensor| {
        let device = tensor.device();
        Tensor::from_data((tensor * 0.5).into_data(), &device)
    })
}

/// Adds noise to each batch, drawn from the device.
struct Noisy;

impl Batcher<Item, Batch> for Noisy {
    fn batch(&self, items: Vec<Item>, device: &Device) -> Batch {
        let batch = Batches.batch(items, device);
        let shape = batch.inputs.shape();
        let noise = Tensor::random(shape, Distribution::Normal(0.0, 1.0), device);
        Batch {
            inputs: batch.inputs + noise,
            ..batch
        }
    }
}

#[test]
fn a_batcher_that_draws_is_replayed() {
    let _alone = alone();
    let (_place, run) = place();
    let unchanged = |_: u64, model, optimizer| (model, optimizer);
    looped(Action::Create, &run, Noisy, unchanged).unwrap();
    // The generator stands elsewhere.
    Device::flex().seed(1234);
    let report = replayed(&run, None, |action| looped(action, &run, Noisy, unchanged));
    assert_eq!(outcomes(&report), exact(&[2, 2]));
}

/// Returns another item each time.
struct Restless(AtomicUsize);

impl Dataset<Item> for Restless {
    fn get(&self, _: usize) -> Result<Item, DatasetError> {
        let at = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(items()[at % 20].clone())
    }

    fn len(&self) -> usize {
        20
    }
}

#[test]
fn a_dataset_that_answers_differently_is_refused_at_once() {
    let (_place, run) = place();
    let run = create(config(&run));
    let data = Arc::new(Restless(AtomicUsize::new(0)));
    let loader = run.loader(data, Arc::new(Batches), BATCH.try_into().unwrap());
    let error = loader.err().expect("a refusal");
    assert!(
        matches!(error, PowError::Loader(LoaderError::Unstable(0))),
        "{error}"
    );
}

#[test]
fn the_probe_draws_nothing_until_the_device_is_seeded_again() {
    let _alone = alone();
    let device = Device::flex().autodiff();
    let draw = || {
        let drawn = Tensor::<1>::random([4], Distribution::Default, &device);
        drawn.into_data()
    };
    device.seed(99);
    let expected = draw();
    let (_place, run) = place();
    let run = create(config(&run));
    loader(&run);
    let model = Net::new();
    device.seed(99);
    let started = run.start(model, AdamConfig::new().init()).unwrap();
    assert_eq!(draw(), expected);
    drop(started);
}

/// The same loop without a recorder, with dropout and the seeds that the recorder gives.
fn unrecorded() -> [ParameterRoot; 2] {
    let root = |model: &Net| parameter_root(&Snapshot::take(model).read().unwrap()).unwrap();
    let device = Device::flex().autodiff();
    let loader = unrecorded_loader();
    let train = loader.to_device(&device);
    let (mut model, mut optimizer) = (Net::new(), AdamConfig::new().init());
    let first = root(&model);
    for tracked in train.iter() {
        device.seed(device_seed(5, loader.cursor().advance()));
        let grads = model.classify(tracked.unwrap().batch).loss.backward();
        let grads = GradientsParams::from_grads(grads, &model);
        model = optimizer.step(1e-2, model, grads);
    }
    // The newest statistics of BatchNorm are kept aside until then.
    drop(model.valid());
    [first, root(&model)]
}

#[test]
fn a_custom_loop_has_the_same_weights_with_and_without_a_recorder() {
    let _alone = alone();
    let expected = unrecorded();
    let (_place, run) = place();
    let unchanged = |_: u64, model, optimizer| (model, optimizer);
    looped(Action::Create, &run, Batches, unchanged).unwrap();
    let entries = entries(&run);
    let found = [entries[0], entries[entries.len() - 1]].map(|entry| entry.parameters);
    assert_eq!(found, expected);
}
