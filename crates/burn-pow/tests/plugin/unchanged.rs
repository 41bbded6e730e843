//! Recording changes nothing: the same program without it ends with the same
//! bits, whatever the model.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::transformer::{
    TransformerEncoder, TransformerEncoderConfig, TransformerEncoderInput,
};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Embedding, EmbeddingConfig, Linear,
    LinearConfig,
};
use burn::optim::AdamConfig;
use burn::tensor::{Device, Int, Tensor};
use burn::train::{
    ClassificationOutput, InferenceStep, Learner, LearnerModel, TrainOutput, TrainStep,
};
use burn_pow::snapshot::Snapshot;
use burn_pow::{Mode, PowConfig};
use pow_core::hash::ParameterRoot;
use pow_core::order::device_seed;

/// Something that classifies, with weights that are the same each time.
trait Classifier: Module + TrainStep<Input = Batch> + InferenceStep<Input = Batch> {
    fn seeded(device: &Device) -> Self;
}

macro_rules! seeded {
    ($model:ident, $make:expr) => {
        classifier!($model);

        impl Classifier for $model {
            fn seeded(device: &Device) -> Self {
                device.seed(11);
                let make: fn(&Device) -> Self = $make;
                let model = make(device);
                drop(Snapshot::take(&model));
                model
            }
        }
    };
}

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let [first, second] = &self.layers[..] else {
            panic!("two layers");
        };
        second.forward(burn::tensor::activation::relu(first.forward(inputs)))
    }
}

seeded!(Mlp, |device| Mlp {
    layers: vec![
        LinearConfig::new(4, 9).init(device),
        LinearConfig::new(9, 2).init(device),
    ],
});

#[derive(Module, Debug)]
struct Cnn {
    conv: Conv2d,
    norm: BatchNorm,
    dropout: Dropout,
    last: Linear,
}

impl Cnn {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let [count, _] = inputs.dims();
        let x = self.conv.forward(inputs.reshape([count, 1, 2, 2]));
        let x = self.dropout.forward(self.norm.forward(x));
        self.last.forward(x.flatten(1, 3))
    }
}

seeded!(Cnn, |device| Cnn {
    conv: Conv2dConfig::new([1, 3], [2, 2]).init(device),
    norm: BatchNormConfig::new(3).init(device),
    dropout: DropoutConfig::new(0.4).init(),
    last: LinearConfig::new(3, 2).init(device),
});

#[derive(Module, Debug)]
struct Transformer {
    embedding: Embedding,
    encoder: TransformerEncoder,
    last: Linear,
}

impl Transformer {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let tokens: Tensor<2, Int> = inputs.int();
        let x = self.embedding.forward(tokens);
        let x = self.encoder.forward(TransformerEncoderInput::new(x));
        let [count, ..] = x.dims();
        self.last.forward(x.reshape([count, 32]))
    }
}

seeded!(Transformer, |device| Transformer {
    embedding: EmbeddingConfig::new(16, 8).init(device),
    encoder: TransformerEncoderConfig::new(8, 16, 2, 1)
        .with_dropout(0.2)
        .init(device),
    last: LinearConfig::new(32, 2).init(device),
});

/// The final parameters of a training that nobody records.
fn unrecorded<M: Classifier>() -> ParameterRoot {
    let loader = unrecorded_loader();
    let device = Device::flex().autodiff();
    let mut model = M::seeded(&device);
    let mut optimizer = AdamConfig::new().init();
    for _ in 0..2 {
        for tracked in loader.to_device(&device).iter() {
            device.seed(device_seed(5, loader.cursor().advance()));
            let output = TrainStep::step(&model, tracked.unwrap().batch);
            model = optimizer.step(1e-2, model, output.grads);
        }
    }
    root_of(&model.valid())
}

/// The final parameters of a recorded training, and those of the last entry.
fn recorded<M>(change: fn(PowConfig) -> PowConfig) -> [ParameterRoot; 2]
where
    M: Classifier + LearnerModel,
{
    let (place, run) = place();
    let open = create(change(config(&run)));
    let train: TrainLoader = loader(&open);
    let training = training(place.path(), train.clone());
    let model = M::seeded(&Device::flex().autodiff());
    let learner = Learner::new(open.wrap(model), AdamConfig::new().init(), 1e-2);
    let trained = open.launch(training, learner, train).unwrap().trained();
    let trained = trained.expect("nobody stopped the mining");
    let committed = entries(&run).last().unwrap().parameters;
    assert!(report(&run).holds());
    [root_of(&trained.model), committed]
}

fn unchanged<M>()
where
    M: Classifier + LearnerModel,
{
    let _alone = alone();
    let expected = [unrecorded::<M>(); 2];
    assert_eq!(recorded::<M>(|config| config), expected);
    assert_eq!(recorded::<M>(|config| config.mode(Mode::Gate)), expected);
}

#[test]
fn a_perceptron_is_unchanged() {
    unchanged::<Mlp>();
}

#[test]
fn a_convolution_with_batch_norm_and_dropout_is_unchanged() {
    unchanged::<Cnn>();
}

#[test]
fn a_transformer_is_unchanged() {
    unchanged::<Transformer>();
}
