//! The training whose run is tampered with: the digits network in a custom loop,
//! which records and replays.

use super::plan::TamperPlan;
use crate::digits::{Batch, Cnn, Digit, DigitBatcher, load};
use crate::paper::training::{digits_learning_rate, seeded};
use anyhow::Context;
use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::TrainStep;
use burn_pow::loader::{CanonicalBytes, SeededLoader, dataset_root};
use burn_pow::{
    Action, Ending, EngineChoice, Finished, Mode, PowConfig, PowRun, RunSummary, replay,
};
use pow_audit::replay::{Amount, Challenge, SegmentOutcome, Segments, Shard};
use pow_core::challenge::ChallengeSource;
use pow_core::order::device_seed;
use pow_ledger::RunDir;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SEED: u64 = 1;
const BATCH: NonZeroU32 = NonZeroU32::MIN.saturating_add(31);

pub(super) struct DigitsTraining {
    config: PowConfig,
    images: Arc<InMemDataset<Digit>>,
    epochs: u64,
    steps: usize,
}

impl DigitsTraining {
    /// A training that records into `run`, which must not exist.
    pub(super) fn new(plan: &TamperPlan, run: &Path) -> anyhow::Result<Self> {
        let (images, _) = load()?;
        let per_epoch = (images.len() as u64).div_ceil(BATCH.get().into());
        let steps = per_epoch * u64::from(plan.epochs);
        let config = PowConfig::new(run)
            .seed(SEED)
            .initial_weights_from_seed()
            .planned_steps(steps)
            .checkpoint_every(plan.segment)
            // Then each step has its own block, however fast the machine is.
            .mode(Mode::Gate)
            .engine(EngineChoice::Cpu)
            .zero_bits(plan.zero_bits);
        Ok(DigitsTraining {
            config,
            images: Arc::new(InMemDataset::new(images)),
            epochs: plan.epochs.into(),
            steps: usize::try_from(steps)?,
        })
    }

    /// Trains and records.
    pub(super) fn record(&self) -> anyhow::Result<RunSummary> {
        let finished = self.train(Action::Create)?;
        finished.sealed().context("the run was stopped")
    }

    fn train(&self, action: Action) -> anyhow::Result<Finished> {
        let device = Device::flex().autodiff();
        let run = PowRun::open(action, self.config.clone())?;
        let loader = run.loader(self.images.clone(), Arc::new(DigitBatcher), BATCH)?;
        let loader = loader.to_device(&device);
        let started = run.start(seeded(&device, SEED, Cnn::new), AdamConfig::new().init())?;
        let (mut model, mut optimizer) = (started.model, started.optimizer);
        let mut rate = digits_learning_rate(self.steps)?;
        for _ in 0..started.steps {
            rate.step();
        }
        for _ in started.epoch..self.epochs {
            for tracked in loader.iter() {
                if run.should_stop() {
                    break;
                }
                let batch = run.micro_batch(&model, tracked?);
                let output = TrainStep::step(&model, batch);
                let loss = Some(output.item.loss.into_scalar());
                model = run.step(model, &mut optimizer, rate.step(), output.grads, loss)?;
            }
        }
        Ok(run.finish(&model, Ending::Completed)?)
    }

    /// Trains with the recorder off, and returns the time that the loop took.
    pub(super) fn unrecorded(&self) -> anyhow::Result<Duration> {
        let device = Device::flex().autodiff();
        let root = dataset_root(self.images.as_ref(), CanonicalBytes::canonical_bytes)?;
        let images = self.images.clone();
        let batcher = Arc::new(DigitBatcher);
        let loader: SeededLoader<Digit, Batch> =
            SeededLoader::new(images, batcher, root, SEED, BATCH)?;
        let batches = loader.to_device(&device);
        let mut model = seeded(&device, SEED, Cnn::new);
        let mut optimizer = AdamConfig::new().init();
        let mut rate = digits_learning_rate(self.steps)?;
        let began = Instant::now();
        for _ in 0..self.epochs {
            for tracked in batches.iter() {
                device.seed(device_seed(SEED, loader.cursor().advance()));
                let output = TrainStep::step(&model, tracked?.batch);
                std::hint::black_box(output.item.loss.into_scalar::<f64>());
                model = optimizer.step(rate.step(), model, output.grads);
            }
        }
        Ok(began.elapsed())
    }

    /// Trains every segment of `run` again. Returns whether the result of any
    /// segment differs from the chain and the checkpoints.
    pub(super) fn differs(&self, run: &RunDir) -> anyhow::Result<bool> {
        let segments = Segments::of(&run, None, &mut |_| {})?;
        let source = ChallengeSource::Head;
        let challenge = Challenge::draw(&segments, source, Amount::All, [])?;
        let train = |action| self.train(action).map(drop);
        let shard = Shard::WHOLE;
        let report = replay(run, &segments, challenge, shard, None, train, |_| true)?;
        let mut results = report.results().iter();
        Ok(!results.all(|result| matches!(result.outcome, SegmentOutcome::BitExact { .. })))
    }
}
