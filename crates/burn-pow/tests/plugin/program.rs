//! The training that the tests record: four numbers in, two classes out.

use burn::data::dataloader::batcher::Batcher;
use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::{Dataset, DatasetError, InMemDataset};
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn::train::logger::InMemoryMetricLogger;
use burn::train::{
    ClassificationOutput, InferenceStep, Learner, LearnerModel, SupervisedTraining, TrainOutput,
    TrainStep,
};
use burn_pow::loader::{CanonicalBytes, SeededLoader, Tracked, dataset_root};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_pow::{
    Action, Ending, EngineChoice, Finished, Outcome, PlainRenderer, PowConfig, PowError, PowRun,
    RecordedModel, RunSummary, Tolerance, Trained, replay,
};
use pow_audit::replay::{Amount, Challenge, ReplayReport, SegmentOutcome, Segments, Shard};
use pow_audit::walk::walk;
use pow_audit::{AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::body::{BodyKind, Entry, Genesis};
use pow_core::challenge::ChallengeSource;
use pow_core::hash::ParameterRoot;
use pow_ledger::RunDir;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// Flex draws random numbers from one generator in the whole process, so only
/// one training may run at a time.
pub fn alone() -> MutexGuard<'static, ()> {
    static TRAINING: Mutex<()> = Mutex::new(());
    TRAINING.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone, Debug)]
pub struct Item(pub [u8; 5]);

impl CanonicalBytes for Item {
    fn canonical_bytes(&self, out: &mut Vec<u8>) {
        out.extend(self.0);
    }
}

/// Items to train on. They become unreadable after a number of reads.
pub struct Items {
    pub items: Vec<Item>,
    pub reads_left: AtomicUsize,
}

impl Dataset<Item> for Items {
    fn get(&self, index: usize) -> Result<Item, DatasetError> {
        self.reads_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            })
            .map_err(|_| DatasetError::new(std::io::Error::other("the disk is gone")))?;
        Ok(self.items[index].clone())
    }

    fn len(&self) -> usize {
        self.items.len()
    }
}

/// 20 items; the class is whether the first number is above the second.
pub fn items() -> Vec<Item> {
    (0..20u8)
        .map(|i| {
            let (a, b) = (i.wrapping_mul(37) % 16, i.wrapping_mul(53) % 16);
            Item([a, b, i % 3, i % 5, u8::from(a > b)])
        })
        .collect()
}

#[derive(Clone, Debug)]
pub struct Batch {
    pub inputs: Tensor<2>,
    pub classes: Tensor<1, Int>,
}

pub struct Batches;

impl Batcher<Item, Batch> for Batches {
    fn batch(&self, items: Vec<Item>, device: &Device) -> Batch {
        let inputs: Vec<f32> = items
            .iter()
            .flat_map(|item| item.0[..4].to_vec())
            .map(f32::from)
            .collect();
        let classes: Vec<i64> = items.iter().map(|item| item.0[4].into()).collect();
        let count = items.len();
        Batch {
            inputs: Tensor::from_data(TensorData::new(inputs, [count, 4]), device),
            classes: Tensor::from_data(TensorData::new(classes, [count]), device),
        }
    }
}

#[derive(Module, Debug)]
pub struct Net {
    pub first: Linear,
    pub norm: BatchNorm,
    pub dropout: Dropout,
    pub last: Linear,
}

impl Net {
    /// The same weights each time.
    pub fn new() -> Self {
        let device = Device::flex().autodiff();
        device.seed(11);
        let net = Net {
            first: LinearConfig::new(4, 8).init(&device),
            norm: BatchNormConfig::new(8).init(&device),
            dropout: DropoutConfig::new(0.3).init(),
            last: LinearConfig::new(8, 2).init(&device),
        };
        // Burn draws weights on first use.
        drop(Snapshot::take(&net));
        net
    }

    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let x = self.norm.forward(self.first.forward(inputs));
        self.last.forward(self.dropout.forward(x))
    }
}

/// Lets Burn train a model that has `forward`.
macro_rules! classifier {
    ($model:ident) => {
        impl $model {
            pub fn classify(&self, batch: Batch) -> ClassificationOutput {
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
    };
}
pub(crate) use classifier;

classifier!(Net);

pub const BATCH: u32 = 6;

/// Three full batches and one of two items.
pub const STEPS_PER_EPOCH: u64 = 4;

/// A run directory that does not exist yet, in one that goes away.
pub fn place() -> (TempDir, RunDir) {
    let place = tempfile::tempdir().unwrap();
    let run = RunDir::new(place.path().join("run"));
    (place, run)
}

/// Mined on the CPU with little work.
pub fn bare_config(run: &RunDir) -> PowConfig {
    PowConfig::new(run.path())
        .engine(EngineChoice::Cpu)
        .zero_bits(4)
}

/// The same, with two epochs and checkpoints.
pub fn config(run: &RunDir) -> PowConfig {
    bare_config(run).seed(5).epochs(2).checkpoint_every(3)
}

/// Opens a new run.
pub fn create(config: PowConfig) -> PowRun {
    PowRun::open(Action::Create, config).unwrap()
}

pub fn loader(run: &PowRun) -> Arc<SeededLoader<Item, Batch>> {
    failing_loader(run, usize::MAX)
}

/// A loader whose data can be read for `reads` items in training.
pub fn failing_loader(run: &PowRun, reads: usize) -> Arc<SeededLoader<Item, Batch>> {
    let items = items();
    // All are read once for their root, and twice to see whether they stay the same.
    let reads_left = reads.saturating_add(3 * items.len()).into();
    let batch = BATCH.try_into().unwrap();
    run.loader(
        Arc::new(Items { items, reads_left }),
        Arc::new(Batches),
        batch,
    )
    .unwrap()
}

/// A loader of Burn's over the same items.
pub fn foreign_loader() -> Arc<dyn DataLoader<Batch>> {
    DataLoaderBuilder::new(Batches)
        .batch_size(BATCH as usize)
        .build(InMemDataset::new(items()))
}

/// The loader of [`config`], made without a run.
pub fn unrecorded_loader() -> SeededLoader<Item, Batch> {
    let data = InMemDataset::new(items());
    let root = dataset_root(&data, |item, out| out.extend(item.0)).unwrap();
    let batch = BATCH.try_into().unwrap();
    SeededLoader::new(Arc::new(data), Arc::new(Batches), root, 5, batch).unwrap()
}

/// A rate that depends on how often it was asked for.
pub fn falling_rate(first: f64) -> ModuleLrScheduler {
    let steps = 2 * STEPS_PER_EPOCH as usize;
    let rate = CosineAnnealingLrSchedulerConfig::new(first, steps).init();
    rate.unwrap()
}

/// A custom loop.
#[derive(Clone, Copy)]
pub struct CustomLoop {
    /// Whether it asks before each step whether to stop.
    pub asks: bool,
    pub epochs: u64,
    pub rate: f64,
    /// What the loss is multiplied by before its gradients are taken.
    pub scale: f32,
}

impl CustomLoop {
    pub const HONEST: CustomLoop = CustomLoop {
        asks: true,
        epochs: 2,
        rate: 1e-2,
        scale: 1.0,
    };

    /// Trains from where `run` starts, and returns the last model and the losses.
    pub fn train(&self, run: &PowRun) -> Result<(Net, Vec<f64>), PowError> {
        let train = loader(run).to_device(&Device::flex().autodiff());
        let started = run.start(Net::new(), AdamConfig::new().init())?;
        let (mut model, mut optimizer) = (started.model, started.optimizer);
        let (mut rate, mut losses) = (falling_rate(self.rate), Vec::new());
        for _ in 0..started.steps {
            rate.step();
        }
        for _ in started.epoch..self.epochs {
            for tracked in train.iter() {
                if self.asks && run.should_stop() {
                    return Ok((model, losses));
                }
                let batch = run.micro_batch(&model, tracked.unwrap());
                let loss = model.classify(batch).loss;
                let value = loss.clone().into_scalar::<f64>();
                losses.push(value);
                let grads = (loss * self.scale).backward();
                let grads = GradientsParams::from_grads(grads, &model);
                model = run.step(model, &mut optimizer, rate.step(), grads, Some(value))?;
            }
        }
        Ok((model, losses))
    }

    /// Opens, trains and finishes.
    pub fn run(&self, action: Action, config: PowConfig) -> Result<Finished, PowError> {
        let run = PowRun::open(action, config)?;
        let (model, _) = self.train(&run)?;
        run.finish(&model, Ending::Completed)
    }
}

/// The summary of a run that has its final block.
pub fn sealed(finished: Finished) -> RunSummary {
    match finished {
        Finished::Sealed(summary) => summary,
        other => panic!("{other:?}"),
    }
}

/// Starts a custom loop.
pub fn begin(run: &PowRun) -> (Net, ModuleOptimizer) {
    let started = run.start(Net::new(), AdamConfig::new().init()).unwrap();
    (started.model, started.optimizer)
}

pub type TrainLoader = Arc<dyn DataLoader<Tracked<Batch>>>;
pub type Training<M = Net> = SupervisedTraining<RecordedModel<M>>;

/// Burn's training over `train`, without files or output.
pub fn training<M>(place: &Path, train: TrainLoader) -> Training<M>
where
    M: LearnerModel + TrainStep<Input = Batch> + InferenceStep<Input = Batch>,
{
    let valid = DataLoaderBuilder::new(Batches)
        .batch_size(20)
        .build(InMemDataset::new(items()));
    SupervisedTraining::new(place.join("burn"), train, valid)
        .with_metric_logger(InMemoryMetricLogger::new())
        .with_application_logger(None)
        .renderer(Box::new(PlainRenderer::default()))
        .num_epochs(2)
}

/// Opens, trains with `change` made to the training, and finishes.
pub fn record_with(
    place: &TempDir,
    config: PowConfig,
    change: impl FnOnce(Training) -> Training,
) -> Result<Trained<Net>, PowError> {
    record_on(place, PowRun::open(Action::Create, config)?, change)
}

/// Trains on the run's own loader.
pub fn record_on(
    place: &TempDir,
    run: PowRun,
    change: impl FnOnce(Training) -> Training,
) -> Result<Trained<Net>, PowError> {
    let train = loader(&run);
    launch(place, run, train, change)
}

pub fn launch(
    place: &TempDir,
    run: PowRun,
    train: TrainLoader,
    change: impl FnOnce(Training) -> Training,
) -> Result<Trained<Net>, PowError> {
    let training = change(training(place.path(), train.clone()));
    let learner = Learner::new(run.wrap(Net::new()), AdamConfig::new().init(), 1e-2);
    run.launch(training, learner, train).map(trained)
}

/// The trained model of a run that was not stopped.
pub fn trained(outcome: Outcome<Net>) -> Trained<Net> {
    outcome.trained().expect("nobody stopped the mining")
}

pub fn record(place: &TempDir, config: PowConfig) -> Trained<Net> {
    record_with(place, config, |training| training).unwrap()
}

/// Replays all segments.
pub fn replayed<E: std::fmt::Display>(
    run: &RunDir,
    tolerance: Option<Tolerance>,
    program: impl FnMut(Action) -> Result<(), E>,
) -> ReplayReport {
    let segments = Segments::of(&run, None, &mut |_| {}).unwrap();
    let source = ChallengeSource::Head;
    let challenge = Challenge::draw(&segments, source, Amount::All, []).unwrap();
    let shard = Shard::WHOLE;
    replay(run, &segments, challenge, shard, tolerance, program, |_| {
        true
    })
    .unwrap()
}

pub fn outcomes(report: &ReplayReport) -> Vec<SegmentOutcome> {
    let results = report.results().iter();
    results.map(|result| result.outcome.clone()).collect()
}

/// The outcomes of segments with this many entries that are exact.
pub fn exact(entries: &[u64]) -> Vec<SegmentOutcome> {
    let exact = |entries: &u64| SegmentOutcome::BitExact { entries: *entries };
    entries.iter().map(exact).collect()
}

/// What the report says of a level.
pub fn verdict(report: &AuditReport, level: Level) -> Verdict {
    report
        .levels
        .iter()
        .find(|line| line.level == level)
        .unwrap()
        .verdict
}

pub fn report(run: &RunDir) -> AuditReport {
    audit(run, &AuditOptions::default(), &mut |_| {}).unwrap()
}

/// How the run ended, as its final block has it.
pub fn ending(run: &RunDir) -> Option<&'static str> {
    report(run).chain.unwrap().ending
}

/// The chain holds up to its last block.
pub fn holds_unfinished(run: &RunDir) {
    let options = AuditOptions {
        allow_unfinished: true,
        ..AuditOptions::default()
    };
    let report = audit(run, &options, &mut |_| {}).unwrap();
    assert!(report.holds(), "{report}");
}

/// The root over a model's parameters.
pub fn root_of<M: Module>(model: &M) -> ParameterRoot {
    parameter_root(&Snapshot::take(model).read().unwrap()).unwrap()
}

pub fn artifact(run: &RunDir) -> Vec<u8> {
    std::fs::read(run.artifact()).unwrap()
}

/// Flips a bit of a file's last byte.
pub fn edit_last_byte(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// The whole verified chain: genesis, and each block's entries.
pub fn blocks(run: &RunDir) -> (Genesis, Vec<Vec<Entry>>) {
    let mut blocks = Vec::new();
    let end = walk(run, None, &mut |row, _| {
        if let BodyKind::Steps(entries) = &row.block.body().kind {
            blocks.push(entries.clone());
        }
    })
    .unwrap();
    assert_eq!(end.failure(), None);
    (end.chain.unwrap().genesis().clone(), blocks)
}

pub fn entries(run: &RunDir) -> Vec<Entry> {
    blocks(run).1.concat()
}

pub fn steps(run: &RunDir) -> Vec<u64> {
    entries(run).iter().map(|entry| entry.step.0).collect()
}

/// Where each block's record ends, from the file header's end on.
pub fn block_ends(chain: &[u8]) -> Vec<usize> {
    let mut ends = vec![16];
    while let Some(header) = chain
        .get(ends[ends.len() - 1]..)
        .filter(|rest| !rest.is_empty())
    {
        let length = |at: usize| u32::from_le_bytes(*header[at..].first_chunk().unwrap()) as usize;
        ends.push(ends[ends.len() - 1] + 16 + length(4) + length(8) + 4);
    }
    ends
}
