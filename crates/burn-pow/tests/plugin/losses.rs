//! The loss of each step, under Burn's `Learner`.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsAccumulator};
use burn::tensor::{Device, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, ItemLazy, Learner, TrainOutput, TrainStep};
use burn_pow::{Action, PowConfig, PowError, PowRun};
use pow_audit::replay::ReplayReport;
use pow_ledger::RunDir;
use std::num::NonZeroU32;

/// The loss of every committed step.
fn losses(run: &RunDir) -> Vec<Option<f64>> {
    let entries = entries(run);
    let losses = entries.iter().map(|entry| entry.loss.map(f64::from_bits));
    losses.skip(1).collect()
}

/// Trains under a `Learner`, with its own loss of an output if there is one.
fn learned(action: Action, config: PowConfig, accumulation: u32) -> Result<(), PowError> {
    let place = tempfile::tempdir().unwrap();
    let run = PowRun::open(action, config)?;
    let train = loader(&run);
    let training = training(place.path(), train.clone());
    let training = match accumulation {
        1 => training,
        several => training.grads_accumulation(several as usize),
    };
    let learner = Learner::new(run.wrap(Net::new()), AdamConfig::new().init(), 1e-2);
    run.launch(training, learner, train).map(drop)
}

fn accumulating(run: &RunDir, batches: u32) -> PowConfig {
    let batches = NonZeroU32::new(batches).unwrap();
    config(run)
        .initial_weights_from_seed()
        .accumulation(batches)
        .checkpoint_every(2)
}

/// The losses of a loop of the program's own, which takes the same steps.
fn expected(accumulation: u64) -> Vec<Option<f64>> {
    let (_place, run) = place();
    let opened = create(bare_config(&run).seed(5));
    let batches = unrecorded_loader();
    let cursor = batches.cursor().clone();
    let batches = batches.to_device(&Device::flex().autodiff());
    let (mut model, mut optimizer) = (Net::new(), AdamConfig::new().init());
    let mut losses = Vec::new();
    drop(opened);
    for _ in 0..2 {
        let (mut gradients, mut sum, mut count) = (GradientsAccumulator::new(), Vec::new(), 0);
        for tracked in batches.iter() {
            let batch = tracked.unwrap().batch;
            let seed = pow_core::order::device_seed(5, cursor.get());
            cursor.advance();
            Device::flex().autodiff().seed(seed);
            let output = TrainStep::step(&model, batch);
            sum.push(output.item.loss.into_scalar::<f64>());
            gradients.accumulate(&model, output.grads);
            count += 1;
            if count % accumulation == 0 || count == STEPS_PER_EPOCH {
                model = optimizer.step(1e-2, model, gradients.grads());
                losses.push(Some(sum.iter().sum::<f64>() / sum.len() as f64));
                sum.clear();
            }
        }
    }
    losses
}

#[test]
fn the_losses_of_a_learner_are_recorded_and_replayed() {
    let _alone = alone();
    for (accumulation, segments) in [(1, &[2, 2, 2, 2][..]), (3, &[2, 2])] {
        let (_place, run) = place();
        learned(
            Action::Create,
            accumulating(&run, accumulation),
            accumulation,
        )
        .unwrap();
        assert_eq!(
            losses(&run),
            expected(accumulation.into()),
            "{accumulation}"
        );
        let report: ReplayReport = replayed(&run, None, |action| {
            learned(action, accumulating(&run, accumulation), accumulation)
        });
        assert_eq!(outcomes(&report), exact(segments));
    }
}

#[derive(Module, Debug)]
struct Other {
    net: Net,
}

/// An output that Burn does not know.
struct OwnOutput(ClassificationOutput);

impl ItemLazy for OwnOutput {
    fn sync(self) -> Result<Self, burn::tensor::ExecutionError> {
        Ok(self)
    }
}

impl TrainStep for Other {
    type Input = Batch;
    type Output = OwnOutput;

    fn step(&self, batch: Batch) -> TrainOutput<OwnOutput> {
        let output = self.net.classify(batch);
        TrainOutput::new(self, output.loss.backward(), OwnOutput(output))
    }
}

impl InferenceStep for Other {
    type Input = Batch;
    type Output = OwnOutput;

    fn step(&self, batch: Batch) -> OwnOutput {
        OwnOutput(self.net.classify(batch))
    }
}

#[test]
fn the_loss_of_an_own_output_is_recorded_if_the_program_says_where_it_is() {
    let _alone = alone();
    let find: fn(&OwnOutput) -> Tensor<1> = |output| output.0.loss.clone();
    for find in [None, Some(find)] {
        let (place, run) = place();
        let opened = create(config(&run));
        let train = loader(&opened);
        let training = training(place.path(), train.clone());
        let model = opened.wrap(Other { net: Net::new() });
        let model = match find {
            Some(find) => model.with_loss(find),
            None => model,
        };
        let learner = Learner::new(model, AdamConfig::new().init(), 1e-2);
        drop(opened.launch(training, learner, train).unwrap());
        let expected = match find {
            Some(_) => expected(1),
            None => vec![None; 8],
        };
        assert_eq!(losses(&run), expected);
    }
}
