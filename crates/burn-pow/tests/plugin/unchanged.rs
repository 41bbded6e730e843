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
    ClassificationOutput, InferenceStep, Learner, LearnerModel, SupervisedTraining, TrainOutput,
    TrainStep,
};
use burn_pow::loader::{SeededLoader, Tracked, dataset_root};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_pow::{Action, Mode, PlainRenderer, PowConfig, PowRun};
use pow_core::hash::ParameterRoot;
use pow_core::order::device_seed;
use std::sync::Arc;

/// Something that classifies, with weights that are the same each time.
trait Classifier: Module + TrainStep<Input = Batch> + InferenceStep<Input = Batch> {
    fn seeded(device: &Device) -> Self;
}

macro_rules! classifier {
    ($model:ident, $make:expr) => {
        impl $model {
            fn classify(&self, batch: Batch) -> ClassificationOutput {
                let output = self.forward(batch.inputs);
                let loss = CrossEntropyLossConfig::new()
                    .init(&output.device())
                    .forward(output.clone(), batch.classes.clone());
                ClassificationOutput {
                    loss,
                    output,
                    targets: batch.classes,
                }
            }
        }

        impl TrainStep for $model {
            type Input = Batch;
            type Output = ClassificationOutput;

            fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
                let output = self.classify(batch);
                TrainOutput::new(self, output.loss.backward(), output)
            }
        }

        impl InferenceStep for $model {
            type Input = Batch;
            type Output = ClassificationOutput;

            fn step(&self, batch: Batch) -> ClassificationOutput {
                self.classify(batch)
            }
        }

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

classifier!(Mlp, |device| Mlp {
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

classifier!(Cnn, |device| Cnn {
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

classifier!(Transformer, |device| Transformer {
    embedding: EmbeddingConfig::new(16, 8).init(device),
    encoder: TransformerEncoderConfig::new(8, 16, 2, 1)
        .with_dropout(0.2)
        .init(device),
    last: LinearConfig::new(32, 2).init(device),
});

/// The final parameters of a training that nobody records.
fn unrecorded<M: Classifier>() -> ParameterRoot {
    let data = burn::data::dataset::InMemDataset::new(items());
    let root = dataset_root(&data, |item, out| out.extend(item.0)).unwrap();
    let batch = BATCH.try_into().unwrap();
    let loader = SeededLoader::new(Arc::new(data), Arc::new(Batches), root, 5, batch).unwrap();
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

fn root_of<M: Module>(model: &M) -> ParameterRoot {
    parameter_root(&Snapshot::take(model).read().unwrap()).unwrap()
}

/// The final parameters of a recorded training, and those of the last entry.
fn recorded<M>(change: fn(PowConfig) -> PowConfig) -> [ParameterRoot; 2]
where
    M: Classifier + LearnerModel,
{
    let (place, run) = place();
    let open = PowRun::open(Action::Create, change(config(&run))).unwrap();
    let train: Arc<dyn DataLoader<Tracked<Batch>>> = loader(&open);
    let valid = burn::data::dataloader::DataLoaderBuilder::new(Batches)
        .batch_size(20)
        .build(burn::data::dataset::InMemDataset::new(items()));
    let training = SupervisedTraining::new(place.path().join("burn"), train.clone(), valid)
        .with_metric_logger(burn::train::logger::InMemoryMetricLogger::new())
        .with_application_logger(None)
        .renderer(Box::new(PlainRenderer::default()))
        .num_epochs(2);
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
