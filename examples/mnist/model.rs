//! Two convolutions and two linear layers.

use crate::data::MnistBatch;
use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use burn::train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep};

/// The side of the pooled images.
const SIDE: usize = 8;
const CHANNELS: usize = 16;

/// The classifier.
#[derive(Module, Debug)]
pub struct Model {
    narrow: Conv2d,
    wide: Conv2d,
    pool: AdaptiveAvgPool2d,
    dropout: Dropout,
    hidden: Linear,
    digits: Linear,
}

/// The classifier's size.
#[derive(Config, Debug)]
pub struct ModelConfig {
    num_classes: usize,
    hidden_size: usize,
    #[config(default = "0.5")]
    dropout: f64,
}

impl ModelConfig {
    /// A classifier with new weights.
    pub fn init(&self, device: &Device) -> Model {
        Model {
            narrow: Conv2dConfig::new([1, CHANNELS / 2], [3, 3]).init(device),
            wide: Conv2dConfig::new([CHANNELS / 2, CHANNELS], [3, 3]).init(device),
            pool: AdaptiveAvgPool2dConfig::new([SIDE, SIDE]).init(),
            dropout: DropoutConfig::new(self.dropout).init(),
            hidden: LinearConfig::new(CHANNELS * SIDE * SIDE, self.hidden_size).init(device),
            digits: LinearConfig::new(self.hidden_size, self.num_classes).init(device),
        }
    }
}

impl Model {
    fn forward(&self, images: Tensor<3>) -> Tensor<2> {
        let x = self.narrow.forward(images.unsqueeze_dim(1));
        let x = relu(self.wide.forward(self.dropout.forward(x)));
        let x: Tensor<2> = self.pool.forward(x).flatten(1, 3);
        let x = relu(self.hidden.forward(self.dropout.forward(x)));
        self.digits.forward(x)
    }

    fn classify(&self, batch: MnistBatch) -> ClassificationOutput {
        let output = self.forward(batch.images);
        let loss = CrossEntropyLossConfig::new()
            .init(&output.device())
            .forward(output.clone(), batch.targets.clone());
        ClassificationOutput {
            loss,
            output,
            targets: batch.targets,
        }
    }
}

impl TrainStep for Model {
    type Input = MnistBatch;
    type Output = ClassificationOutput;

    fn step(&self, batch: MnistBatch) -> TrainOutput<ClassificationOutput> {
        let output = self.classify(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Model {
    type Input = MnistBatch;
    type Output = ClassificationOutput;

    fn step(&self, batch: MnistBatch) -> ClassificationOutput {
        self.classify(batch)
    }
}
