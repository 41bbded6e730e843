//! The training.

use crate::data::MnistBatcher;
use crate::dataset::MnistDataset;
use crate::model::ModelConfig;
use burn::config::Config;
use burn::data::dataloader::DataLoaderBuilder;
use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::metric::{AccuracyMetric, LossMetric};
use burn::train::{Learner, SupervisedTraining};
use burn_pow::{Action, LoaderBuilder, PowConfig, PowRun};

/// Its settings.
#[derive(Config, Debug)]
pub struct TrainingConfig {
    pub model: ModelConfig,
    pub optimizer: AdamConfig,
    #[config(default = 10)]
    pub num_epochs: usize,
    #[config(default = 64)]
    pub batch_size: usize,
    #[config(default = 2)]
    pub num_workers: usize,
    #[config(default = 42)]
    pub seed: u64,
    #[config(default = 1.0e-3)]
    pub learning_rate: f64,
}

/// Trains, and saves settings, checkpoints and model.
pub fn train(artifact_dir: &str, config: TrainingConfig, device: Device) {
    std::fs::create_dir_all(artifact_dir).expect("a place for the files");
    config
        .save(format!("{artifact_dir}/config.json"))
        .expect("the settings are saved");
    device.seed(config.seed);

    let plan = PowConfig::new(format!("{artifact_dir}/run")).seed(config.seed);
    let plan = plan.epochs(config.num_epochs as u64);
    let run = PowRun::open(Action::Create, plan).expect("a new run");
    let train = LoaderBuilder::new(&run, MnistBatcher)
        .batch_size(config.batch_size)
        .num_workers(config.num_workers)
        .build_by(MnistDataset::train(), |item| (item.image, item.label))
        .expect("a loader");
    let test = DataLoaderBuilder::new(MnistBatcher)
        .batch_size(config.batch_size)
        .num_workers(config.num_workers)
        .build(MnistDataset::test());
    let training = SupervisedTraining::new(artifact_dir, train, test)
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .with_default_checkpointers()
        .num_epochs(config.num_epochs)
        .summary();

    let model = config.model.init(&device.autodiff());
    let (training, model) = run.record(training, model);
    let result = training.launch(Learner::new(
        model,
        config.optimizer.init(),
        config.learning_rate,
    ));
    let result = result.expect("a recorded run").trained().expect("no stop");

    result
        .model
        .into_record()
        .save(format!("{artifact_dir}/model"))
        .expect("the model is saved");
}
