//! The training whose run is tampered with: the digits network, in a loop of
//! its own, which creates and replays.

use super::Plan;
use crate::digits::{Batch, Cnn, Digit, DigitBatcher, load};
use anyhow::Context;
use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::TrainStep;
use burn_pow::loader::{CanonicalBytes, SeededLoader, dataset_root};
use burn_pow::snapshot::Snapshot;
use burn_pow::{Action, Ending, EngineChoice, Finished, Mode, PowConfig, PowRun};
use burn_pow::{RunSummary, replay};
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

pub(super) struct Program {
    config: PowConfig,
    images: Arc<InMemDataset<Digit>>,
    epochs: u64,
    steps: u64,
}

impl Program {
    /// A program that records into `run`, which must not exist.
    pub(super) fn new(plan: &Plan, run: &Path) -> anyhow::Result<Self> {
        let (images, _) = load()?;
        let per_epoch = (images.len() as u64).div_ceil(BATCH.get().into());
        let steps = per_epoch * u64::from(plan.epochs);
        let config = PowConfig::new(run)
            .seed(SEED)
            .initial_weights_from_seed()
            .planned_steps(steps)
            .checkpoint_every(plan.segment)
            // One block for each step, however fast the machine is.
            .mode(Mode::Gate)
            .engine(EngineChoice::Cpu)
            .zero_bits(plan.zero_bits);
        Ok(Program {
            config,
            images: Arc::new(InMemDataset::new(images)),
            epochs: plan.epochs.into(),
            steps,
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
        let started = run.start(seeded(&device), AdamConfig::new().init())?;
        let (mut model, mut optimizer) = (started.model, started.optimizer);
        let mut rate = rate(self.steps)?;
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

    /// The same training with the recorder off: how long its loop took.
    pub(super) fn unrecorded(&self) -> anyhow::Result<Duration> {
        let device = Device::flex().autodiff();
        let root = dataset_root(self.images.as_ref(), CanonicalBytes::canonical_bytes)?;
        let images = self.images.clone();
        let batcher = Arc::new(DigitBatcher);
        let loader: SeededLoader<Digit, Batch> =
            SeededLoader::new(images, batcher, root, SEED, BATCH)?;
        let batches = loader.to_device(&device);
        let mut model = seeded(&device);
        let mut optimizer = AdamConfig::new().init();
        let mut rate = rate(self.steps)?;
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

    /// Trains every segment of `run` again: whether any came out otherwise than
    /// its chain and checkpoints say.
    pub(super) fn is_otherwise(&self, run: &RunDir) -> anyhow::Result<bool> {
        let segments = Segments::of(&run.chain(), None, &mut |_| {})?;
        let source = ChallengeSource::Head;
        let challenge = Challenge::draw(&segments, source, Amount::All, [])?;
        let train = |action| self.train(action).map(drop);
        let shard = Shard::WHOLE;
        let report = replay(run, &segments, challenge, shard, None, train, |_| true)?;
        let mut results = report.results().iter();
        Ok(!results.all(|result| matches!(result.outcome, SegmentOutcome::BitExact { .. })))
    }
}

fn seeded(device: &Device) -> Cnn {
    device.seed(SEED);
    let model = Cnn::new(device);
    // Burn draws weights on first use.
    drop(Snapshot::take(&model));
    model
}

fn rate(steps: u64) -> anyhow::Result<burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler> {
    CosineAnnealingLrSchedulerConfig::new(3e-3, usize::try_from(steps)?)
        .init()
        .map_err(anyhow::Error::msg)
}
