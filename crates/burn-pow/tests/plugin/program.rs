//! The training that the tests record: four numbers in, two classes out.

use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::{Dataset, DatasetError, InMemDataset};
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::{AdamConfig, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use burn::train::logger::InMemoryMetricLogger;
use burn::train::{
    ClassificationOutput, InferenceStep, Learner, SupervisedTraining, TrainOutput, TrainStep,
};
use burn_pow::loader::{CanonicalBytes, SeededLoader, Tracked};
use burn_pow::snapshot::Snapshot;
use burn_pow::{
    Action, EngineChoice, Outcome, PlainRenderer, PowConfig, PowError, PowRun, RecordedModel,
    Trained,
};
use pow_audit::walk::walk;
use pow_audit::{AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::body::{BodyKind, Entry, Genesis};
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

/// Items to train on, which become unreadable after so many reads.
pub struct Items {
    items: Vec<Item>,
    reads_left: AtomicUsize,
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

    pub fn classify(&self, batch: Batch) -> ClassificationOutput {
        let x = self.norm.forward(self.first.forward(batch.inputs));
        let output = self.last.forward(self.dropout.forward(x));
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

impl TrainStep for Net {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> TrainOutput<ClassificationOutput> {
        let output = self.classify(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl InferenceStep for Net {
    type Input = Batch;
    type Output = ClassificationOutput;

    fn step(&self, batch: Batch) -> ClassificationOutput {
        self.classify(batch)
    }
}

pub const BATCH: u32 = 6;

/// Three full batches and one of two items.
pub const STEPS_PER_EPOCH: u64 = 4;

/// A run directory that does not exist yet, in one that goes away.
pub fn place() -> (TempDir, RunDir) {
    let place = tempfile::tempdir().unwrap();
    let run = RunDir::new(place.path().join("run"));
    (place, run)
}

/// Two epochs, mined on the CPU with little work.
pub fn config(run: &RunDir) -> PowConfig {
    PowConfig::new(run.path())
        .seed(5)
        .epochs(2)
        .engine(EngineChoice::Cpu)
        .zero_bits(4)
        .checkpoint_every(3)
}

pub fn loader(run: &PowRun) -> Arc<SeededLoader<Item, Batch>> {
    failing_loader(run, usize::MAX)
}

/// A loader whose data can be read for `reads` items in training.
pub fn failing_loader(run: &PowRun, reads: usize) -> Arc<SeededLoader<Item, Batch>> {
    let items = items();
    // All are read once for their root.
    let reads_left = reads.saturating_add(items.len()).into();
    let batch = BATCH.try_into().unwrap();
    run.loader(
        Arc::new(Items { items, reads_left }),
        Arc::new(Batches),
        batch,
    )
    .unwrap()
}

/// Begins a loop of one's own.
pub fn begin(run: &PowRun) -> (Net, ModuleOptimizer) {
    let started = run.start(Net::new(), AdamConfig::new().init()).unwrap();
    (started.model, started.optimizer)
}

pub type TrainLoader = Arc<dyn DataLoader<Tracked<Batch>>>;
pub type Training = SupervisedTraining<RecordedModel<Net>>;

/// Burn's training over `train`, without files or output.
pub fn training(place: &Path, train: TrainLoader) -> Training {
    let valid = burn::data::dataloader::DataLoaderBuilder::new(Batches)
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
    let run = PowRun::open(Action::Create, config)?;
    let train: TrainLoader = loader(&run);
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
    match run.launch(training, learner, train)? {
        Outcome::Trained(trained) => Ok(trained),
        _ => panic!("nobody stopped the mining"),
    }
}

pub fn record(place: &TempDir, config: PowConfig) -> Trained<Net> {
    record_with(place, config, |training| training).unwrap()
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
