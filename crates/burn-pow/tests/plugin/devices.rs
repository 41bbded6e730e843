//! Burn's other ways to train: several devices, and a custom strategy.
//! Several devices draw their batches in an order that cannot be declared. The steps are
//! recorded all the same.

use crate::program::*;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use burn::train::{
    ExecutionStrategy, Learner, MultiDeviceOptim, SupervisedLearningStrategy,
    SupervisedTrainingEventProcessor, TrainingComponents, TrainingStrategy, ValidLoader,
};
use burn_pow::{PowConfig, PowError, RecordedModel, Trained};
use pow_audit::{Level, Verdict};
use pow_core::body::OrderRule;
use pow_ledger::RunDir;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::TempDir;

/// Flex has one device. Burn treats it as two.
fn two(optim: MultiDeviceOptim) -> TrainingStrategy<RecordedModel<Net>> {
    let devices = vec![Device::flex(), Device::flex()];
    TrainingStrategy::Default(ExecutionStrategy::MultiDevice(devices, optim))
}

fn recorded(optim: MultiDeviceOptim) {
    let _alone = alone();
    let (place, run) = place();
    let trained = record_with(&place, bare_config(&run), |training| {
        training.with_training_strategy(two(optim))
    })
    .unwrap();
    let report = report(&run);
    assert!(report.holds(), "{report}");
    assert_eq!(verdict(&report, Level::Artifact), Verdict::Holds);
    assert_eq!(verdict(&report, Level::Data), Verdict::NotChecked);
    let (genesis, blocks) = blocks(&run);
    assert_eq!(genesis.order, OrderRule::Foreign);
    let entries = blocks.concat();
    assert!(entries.iter().all(|entry| entry.batch.is_none()));
    // Each step takes a batch of each device, of ten samples in batches of six.
    assert_eq!(trained.summary.steps.0, 4);
    assert_eq!(report.chain.unwrap().ending, Some("completed"));
}

#[test]
fn optimized_on_the_first_device() {
    recorded(MultiDeviceOptim::OptimMainDevice);
}

#[test]
fn optimized_on_all_devices() {
    recorded(MultiDeviceOptim::OptimSharded);
}

#[test]
fn a_length_in_epochs_cannot_be_planned() {
    let _alone = alone();
    let (place, run) = place();
    let error = record_with(&place, config(&run), |training| {
        training.with_training_strategy(two(MultiDeviceOptim::OptimMainDevice))
    });
    let Err(PowError::Config(error)) = error else {
        panic!("it was recorded");
    };
    assert!(error.contains("PowConfig::planned_steps"), "{error}");
}

/// A loop without validation or events.
struct Plain;

impl SupervisedLearningStrategy<RecordedModel<Net>> for Plain {
    fn fit(
        &self,
        components: TrainingComponents<RecordedModel<Net>>,
        mut learner: Learner<RecordedModel<Net>>,
        train: TrainLoader,
        _valid: ValidLoader<RecordedModel<Net>>,
        starting_epoch: usize,
    ) -> (
        RecordedModel<Net>,
        SupervisedTrainingEventProcessor<RecordedModel<Net>>,
    ) {
        let device = Device::flex().autodiff();
        learner.fork(&device);
        let train = train.to_device(&device);
        for _ in starting_epoch..=components.num_epochs {
            for batch in train.iter() {
                let output = learner.train_step(batch.unwrap());
                learner.lr_step();
                learner.optimizer_step(output.grads);
            }
        }
        (learner.model(), components.event_processor)
    }
}

#[test]
fn a_custom_strategy_takes_the_same_steps() {
    let _alone = alone();
    let (place, run) = place();
    record(&place, config(&run));
    let expected = entries(&run);
    let (place, run) = crate::program::place();
    record_with(&place, config(&run), |training| {
        training.with_training_strategy(TrainingStrategy::Custom(Arc::new(Plain)))
    })
    .unwrap();
    assert_eq!(entries(&run), expected);
    assert!(report(&run).holds());
}

/// Two copies of the learner, each on its own thread, as in Burn's distributed
/// data-parallel strategy, which needs more than a CPU. The copies have equal gradients
/// in place of averaged ones. At step `apart`, the gradients of the second differ.
struct Replicated {
    apart: Option<u64>,
}

impl Replicated {
    fn work(
        &self,
        copy: u64,
        mut learner: Learner<RecordedModel<Net>>,
        batches: &[Batch],
    ) -> RecordedModel<Net> {
        static RANDOM: Mutex<()> = Mutex::new(());
        // Without it, clones share their running statistics.
        learner.fork(&Device::flex().autodiff());
        for (step, batch) in (1..).zip(batches) {
            let model = learner.model();
            let mut batch = batch.clone();
            if copy == 1 && self.apart == Some(step) {
                batch.inputs = batch.inputs + 1;
            }
            let grads = {
                let _alone = RANDOM.lock().unwrap_or_else(PoisonError::into_inner);
                model.devices()[0].seed(step);
                let grads = model.classify(batch).loss.backward();
                GradientsParams::from_grads(grads, &*model)
            };
            learner.lr_step();
            learner.optimizer_step(grads);
        }
        learner.model()
    }
}

impl SupervisedLearningStrategy<RecordedModel<Net>> for Replicated {
    fn fit(
        &self,
        components: TrainingComponents<RecordedModel<Net>>,
        learner: Learner<RecordedModel<Net>>,
        train: TrainLoader,
        _valid: ValidLoader<RecordedModel<Net>>,
        _starting_epoch: usize,
    ) -> (
        RecordedModel<Net>,
        SupervisedTrainingEventProcessor<RecordedModel<Net>>,
    ) {
        let device = Device::flex().autodiff();
        let batches: Vec<Batch> = train
            .to_device(&device)
            .iter()
            .map(|tracked| tracked.unwrap().batch)
            .collect();
        let trained = Mutex::new(None);
        std::thread::scope(|scope| {
            for copy in 0..2 {
                let (learner, batches, trained) = (learner.clone(), &batches, &trained);
                scope.spawn(move || {
                    let model = self.work(copy, learner, batches);
                    if copy == 0 {
                        *trained.lock().unwrap_or_else(PoisonError::into_inner) = Some(model);
                    }
                });
            }
        });
        let model = trained.into_inner().unwrap_or_else(PoisonError::into_inner);
        (model.unwrap(), components.event_processor)
    }
}

type Ended = (Result<Trained<Net>, PowError>, RunDir, TempDir);

fn replicated(apart: Option<u64>, change: fn(PowConfig) -> PowConfig) -> Ended {
    let (place, run) = place();
    let open = create(change(bare_config(&run)));
    let train = open.adapt(foreign_loader());
    let trained = launch(&place, open, train, |training| {
        training.with_training_strategy(TrainingStrategy::Custom(Arc::new(Replicated { apart })))
    });
    (trained, run, place)
}

fn two_copies(config: PowConfig) -> PowConfig {
    config.replicas(NonZeroU32::new(2).unwrap())
}

#[test]
fn of_equal_copies_one_is_recorded() {
    let _alone = alone();
    let (trained, run, _place) = replicated(None, two_copies);
    assert_eq!(trained.unwrap().summary.steps.0, STEPS_PER_EPOCH);
    assert_eq!(steps(&run), [0, 1, 2, 3, 4]);
    let report = report(&run);
    assert!(report.holds(), "{report}");
    assert_eq!(blocks(&run).0.order, OrderRule::Foreign);
}

#[test]
fn a_copy_that_comes_apart_stops_the_training_at_its_step() {
    let _alone = alone();
    let (trained, run, _place) = replicated(Some(3), two_copies);
    let Err(PowError::ReplicaDiffers { step, .. }) = trained else {
        panic!("it continued");
    };
    assert_eq!(step.0, 3);
    assert_eq!(verdict(&report(&run), Level::Finished), Verdict::Fails);
}

#[test]
fn copies_that_were_not_announced_are_refused() {
    let _alone = alone();
    let (trained, ..) = replicated(None, |config| config);
    let error = trained.err().unwrap().to_string();
    assert!(error.contains("steps come from several threads"), "{error}");
}
