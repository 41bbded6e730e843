//! A small convolutional network.

use super::{Batch, DigitBatcher};
use crate::digits::Digit;
use burn::data::dataloader::batcher::Batcher;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig, PaddingConfig2d, Relu,
};
use burn::tensor::{Device, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};

/// Two convolutions with batch normalisation and pooling, dropout, and two linear
/// layers. It has about 14,000 parameters.
#[derive(Module, Debug)]
pub struct Cnn {
    conv1: Conv2d,
    norm1: BatchNorm,
    conv2: Conv2d,
    norm2: BatchNorm,
    pool: MaxPool2d,
    dropout: Dropout,
    linear1: Linear,
    linear2: Linear,
    relu: Relu,
}

impl Cnn {
    /// A network with random weights. Seed the device first.
    pub fn new(device: &Device) -> Self {
        let conv = |channels| {
            Conv2dConfig::new(channels, [3, 3])
                .with_padding(PaddingConfig2d::Same)
                .init(device)
        };
        Cnn {
            conv1: conv([1, 16]),
            norm1: BatchNormConfig::new(16).init(device),
            conv2: conv([16, 32]),
            norm2: BatchNormConfig::new(32).init(device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            dropout: DropoutConfig::new(0.25).init(),
            linear1: LinearConfig::new(32 * 2 * 2, 64).init(device),
            linear2: LinearConfig::new(64, 10).init(device),
            relu: Relu::new(),
        }
    }

    /// The scores of the ten digits, with shape `[images, 10]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self
            .relu
            .forward(self.norm1.forward(self.conv1.forward(images)));
        let x = self.pool.forward(x);
        let x = self.relu.forward(self.norm2.forward(self.conv2.forward(x)));
        let x = self.pool.forward(x).flatten(1, 3);
        let x = self.dropout.forward(x);
        let x = self.relu.forward(self.linear1.forward(x));
        self.linear2.forward(x)
    }

    fn classify(&self, batch: Batch) -> ClassificationOutput {
        let output = self.forward(batch.images);
        let loss = CrossEntropyLossConfig::new()
            .init(&output.device())
            .forward(output.clone(), batch.labels.clone());
        ClassificationOutput {
            loss,
            output,
            targets: batch.labels,
        }
    }
}

impl TrainStep for Cnn {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let output = self.classify(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Cnn {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        self.classify(batch)
    }
}

/// The share of images that the network recognises, from 0 to 1. The network must be in
/// inference form ([`Module::valid`]).
pub fn accuracy(model: &Cnn, images: Vec<Digit>) -> f64 {
    let device = model.devices().first().cloned().unwrap_or_default();
    let count = images.len() as f64;
    let batch = DigitBatcher.batch(images, &device);
    let found = model.forward(batch.images).argmax(1).flatten::<1>(0, 1);
    let right: i64 = found.equal(batch.labels).int().sum().into_scalar();
    right as f64 / count
}
