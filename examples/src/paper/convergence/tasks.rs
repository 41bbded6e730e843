//! The networks that are trained.

use crate::paper::training::digits_learning_rate;
use crate::{digits, text};
use burn::data::dataloader::batcher::Batcher;
use burn::lr_scheduler::composed::ComposedLrSchedulerConfig;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::linear::LinearLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::Module;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, SequenceOutput, TrainStep};
use burn_pow::loader::CanonicalBytes;
use std::sync::Arc;

/// Items to train on, and held-out items.
pub(super) type Split<I> = (Vec<I>, Vec<I>);

/// The parts in which one training differs from another.
pub(super) trait TrainingTask {
    type Item: CanonicalBytes + Clone + Send + Sync + 'static;
    type Batch: Send + 'static;
    type Output;
    type Model: Module
        + TrainStep<Input = Self::Batch, Output = Self::Output>
        + InferenceStep<Input = Self::Batch, Output = Self::Output>;

    fn data(&self) -> anyhow::Result<Split<Self::Item>>;
    fn batcher(&self) -> Arc<dyn Batcher<Self::Item, Self::Batch>>;
    fn model(&self, device: &Device) -> Self::Model;
    fn optimizer(&self) -> ModuleOptimizer;
    /// The learning rate over a training of `steps` steps.
    fn learning_rate(&self, steps: usize) -> anyhow::Result<ModuleLrScheduler>;
    /// Mean loss of a batch, in nats.
    fn loss(output: &Self::Output) -> f64;
    /// The number of correct predictions in a batch, and of all predictions.
    fn correct(output: &Self::Output) -> (u64, u64);
}

/// The example `digits`.
pub(super) struct DigitsTask;

impl TrainingTask for DigitsTask {
    type Item = digits::Digit;
    type Batch = digits::Batch;
    type Output = ClassificationOutput;
    type Model = digits::Cnn;

    fn data(&self) -> anyhow::Result<Split<Self::Item>> {
        Ok(digits::load()?)
    }

    fn batcher(&self) -> Arc<dyn Batcher<Self::Item, Self::Batch>> {
        Arc::new(digits::DigitBatcher)
    }

    fn model(&self, device: &Device) -> Self::Model {
        digits::Cnn::new(device)
    }

    fn optimizer(&self) -> ModuleOptimizer {
        AdamConfig::new().init()
    }

    fn learning_rate(&self, steps: usize) -> anyhow::Result<ModuleLrScheduler> {
        digits_learning_rate(steps)
    }

    fn loss(output: &Self::Output) -> f64 {
        output.loss.clone().into_scalar()
    }

    fn correct(output: &Self::Output) -> (u64, u64) {
        let found = output.output.clone().argmax(1).flatten::<1>(0, 1);
        correct(found, output.targets.clone())
    }
}

/// The example `transformer`.
pub(super) struct TextTask;

impl TrainingTask for TextTask {
    type Item = text::Passage;
    type Batch = text::Batch;
    type Output = SequenceOutput;
    type Model = text::CharTransformer;

    fn data(&self) -> anyhow::Result<Split<Self::Item>> {
        Ok(text::load())
    }

    fn batcher(&self) -> Arc<dyn Batcher<Self::Item, Self::Batch>> {
        Arc::new(text::PassageBatcher)
    }

    fn model(&self, device: &Device) -> Self::Model {
        text::CharTransformer::new(device)
    }

    fn optimizer(&self) -> ModuleOptimizer {
        AdamWConfig::new().init()
    }

    fn learning_rate(&self, steps: usize) -> anyhow::Result<ModuleLrScheduler> {
        ComposedLrSchedulerConfig::new()
            .linear(LinearLrSchedulerConfig::new(0.01, 1.0, (steps / 10).max(1)))
            .cosine(CosineAnnealingLrSchedulerConfig::new(5e-3, steps))
            .init()
            .map_err(anyhow::Error::msg)
    }

    fn loss(output: &Self::Output) -> f64 {
        output.loss.clone().into_scalar()
    }

    fn correct(output: &Self::Output) -> (u64, u64) {
        let found = output.logits.clone().argmax(2).flatten::<1>(0, 2);
        correct(found, output.targets.clone().flatten(0, 1))
    }
}

fn correct(found: Tensor<1, Int>, targets: Tensor<1, Int>) -> (u64, u64) {
    let [count] = targets.dims();
    let correct: i64 = found.equal(targets).int().sum().into_scalar();
    (correct.unsigned_abs(), count as u64)
}
