//! What is trained.

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

/// Items to train on, and held-out ones.
pub(super) type Split<I> = (Vec<I>, Vec<I>);

/// A training program, as far as it differs from others.
pub(super) trait Subject {
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
    fn rate(&self, steps: usize) -> anyhow::Result<ModuleLrScheduler>;
    /// Mean loss of a batch, in nats.
    fn loss(output: &Self::Output) -> f64;
    /// How many predictions of a batch are right, and how many there are.
    fn right(output: &Self::Output) -> (u64, u64);
}

pub(super) struct Digits;

impl Subject for Digits {
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

    fn rate(&self, steps: usize) -> anyhow::Result<ModuleLrScheduler> {
        CosineAnnealingLrSchedulerConfig::new(3e-3, steps)
            .init()
            .map_err(anyhow::Error::msg)
    }

    fn loss(output: &Self::Output) -> f64 {
        output.loss.clone().into_scalar()
    }

    fn right(output: &Self::Output) -> (u64, u64) {
        let found = output.output.clone().argmax(1).flatten::<1>(0, 1);
        right(found, output.targets.clone())
    }
}

pub(super) struct Text;

impl Subject for Text {
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

    fn rate(&self, steps: usize) -> anyhow::Result<ModuleLrScheduler> {
        ComposedLrSchedulerConfig::new()
            .linear(LinearLrSchedulerConfig::new(0.01, 1.0, (steps / 10).max(1)))
            .cosine(CosineAnnealingLrSchedulerConfig::new(5e-3, steps))
            .init()
            .map_err(anyhow::Error::msg)
    }

    fn loss(output: &Self::Output) -> f64 {
        output.loss.clone().into_scalar()
    }

    fn right(output: &Self::Output) -> (u64, u64) {
        let found = output.logits.clone().argmax(2).flatten::<1>(0, 2);
        right(found, output.targets.clone().flatten(0, 1))
    }
}

fn right(found: Tensor<1, Int>, targets: Tensor<1, Int>) -> (u64, u64) {
    let [count] = targets.dims();
    let right: i64 = found.equal(targets).int().sum().into_scalar();
    (right.unsigned_abs(), count as u64)
}
