//! Burn's other ways to train: several devices, and a strategy of one's own.
//! The order in which several devices draw their batches is nobody's to
//! declare; the steps are recorded all the same.

use crate::program::*;
use burn::tensor::Device;
use burn::train::{
    ExecutionStrategy, Learner, MultiDeviceOptim, SupervisedLearningStrategy,
    SupervisedTrainingEventProcessor, TrainingComponents, TrainingStrategy, ValidLoader,
};
use burn_pow::{Action, Attested, EngineChoice, PowConfig, PowError, PowRun};
use pow_audit::{Level, Verdict};
use pow_core::body::OrderRule;
use std::sync::Arc;

/// Flex has one device, which Burn takes for two.
fn two(optim: MultiDeviceOptim) -> TrainingStrategy<Attested<Net>> {
    let devices = vec![Device::flex(), Device::flex()];
    TrainingStrategy::Default(ExecutionStrategy::MultiDevice(devices, optim))
}

fn recorded(optim: MultiDeviceOptim) {
    let _alone = alone();
    let (place, run) = place();
    let config = PowConfig::new(run.path())
        .engine(EngineChoice::Cpu)
        .zero_bits(4);
    let open = PowRun::open(Action::Create, config).unwrap();
    let train: TrainLoader = loader(&open);
    let trained = launch(&place, open, train, |training| {
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
    assert_eq!(trained.record.steps.0, 4);
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

impl SupervisedLearningStrategy<Attested<Net>> for Plain {
    fn fit(
        &self,
        components: TrainingComponents<Attested<Net>>,
        mut learner: Learner<Attested<Net>>,
        train: TrainLoader,
        _valid: ValidLoader<Attested<Net>>,
        starting_epoch: usize,
    ) -> (
        Attested<Net>,
        SupervisedTrainingEventProcessor<Attested<Net>>,
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
fn a_strategy_of_ones_own_takes_the_same_steps() {
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
