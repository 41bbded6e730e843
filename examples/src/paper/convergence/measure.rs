//! The training loop, with the recorder and without it.

use super::plan::{ConvergencePlan, ConvergenceRow, ConvergenceUnit, Task};
use super::tasks::{DigitsTask, TextTask, TrainingTask};
use crate::paper::all_but_replay;
use crate::paper::training::seeded;
use anyhow::{Context, ensure};
use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use burn::train::{InferenceStep, TrainStep};
use burn_pow::loader::{CanonicalBytes, Cursor, SeededLoader, Tracked, dataset_root};
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_pow::{Action, Ending, EngineChoice, PowConfig, PowRun};
use pow_audit::walk::walk;
use pow_audit::{AuditOptions, audit};
use pow_core::hash::ParameterRoot;
use pow_core::order::device_seed;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Held-out items in one batch of an evaluation.
const EVALUATION_BATCH: usize = 128;

/// Trains once and records into a temporary directory.
///
/// # Errors
///
/// If the data are damaged, or the run cannot be recorded or read.
pub fn measure(
    plan: &ConvergencePlan,
    unit: ConvergenceUnit,
) -> anyhow::Result<Vec<ConvergenceRow>> {
    match unit.task {
        Task::Digits => train(&DigitsTask, plan, unit),
        Task::Text => train(&TextTask, plan, unit),
    }
}

fn train<T: TrainingTask>(
    task: &T,
    plan: &ConvergencePlan,
    unit: ConvergenceUnit,
) -> anyhow::Result<Vec<ConvergenceRow>> {
    let device = Device::flex().autodiff();
    let length = plan.length(unit.task);
    let (mut items, mut test) = task.data()?;
    items.truncate(length.items);
    test.truncate(length.held_out);
    let per_epoch = (items.len() as u64).div_ceil(length.batch.get().into());
    let steps = per_epoch * u64::from(length.epochs);
    let every = (steps / plan.segments).max(1);
    let place = TempDir::new()?;
    let config = PowConfig::new(place.path().join("run"))
        .seed(unit.seed)
        .initial_weights_from_seed()
        .planned_steps(steps)
        .checkpoint_every(every)
        .engine(EngineChoice::Cpu)
        .zero_bits(plan.zero_bits);
    let (recorder, loader) = RecorderSwitch::open(task, config, unit, length.batch, items)?;
    let loader = loader.to_device(&device);

    let mut model = seeded(&device, unit.seed, |device| task.model(device));
    let mut optimizer = task.optimizer();
    let mut rate = task.learning_rate(usize::try_from(steps)?)?;
    let mut rows = vec![evaluate(task, &model, &test, unit, steps)?];
    let (mut step, mut losses, mut spent) = (0, Vec::new(), Duration::ZERO);
    for _ in 0..length.epochs {
        let mut began = Instant::now();
        for tracked in loader.iter() {
            let batch = recorder.micro_batch(&device, &model, tracked?);
            let output = TrainStep::step(&model, batch);
            let loss = T::loss(&output.item);
            losses.push(loss);
            model = recorder.step(model, &mut optimizer, rate.step(), output.grads, loss)?;
            step += 1;
            if step % every == 0 || step == steps {
                spent += began.elapsed();
                let mut row = evaluate(task, &model, &test, unit, steps)?;
                row.step = step;
                row.train_loss = Some(losses.iter().sum::<f64>() / losses.len() as f64);
                row.seconds = spent.as_secs_f64();
                row.waited_seconds = recorder.waited().as_secs_f64();
                rows.push(row);
                losses.clear();
                began = Instant::now();
            }
        }
        spent += began.elapsed();
    }
    ensure!(step == steps, "{step} steps of {steps} were taken");
    let last = rows.last_mut().context("no step was taken")?;
    if let Some(end) = recorder.finish(&model)? {
        last.blocks = Some(end.blocks);
        last.verified = Some(end.holds && end.parameters.to_string() == last.parameters);
    }
    Ok(rows)
}

/// The recorder, or what stands in for it.
enum RecorderSwitch {
    /// Seeds the device as the recorder does, and nothing else.
    Off {
        seed: u64,
        cursor: Cursor,
    },
    On(Box<PowRun>),
}

/// What the files of a finished run say.
struct FinishedFiles {
    blocks: u64,
    holds: bool,
    parameters: ParameterRoot,
}

type Loader<T> = Arc<SeededLoader<<T as TrainingTask>::Item, <T as TrainingTask>::Batch>>;

impl RecorderSwitch {
    fn open<T: TrainingTask>(
        task: &T,
        config: PowConfig,
        unit: ConvergenceUnit,
        batch: NonZeroU32,
        items: Vec<T::Item>,
    ) -> anyhow::Result<(Self, Loader<T>)> {
        let data = Arc::new(InMemDataset::new(items));
        let ConvergenceUnit { seed, mode, .. } = unit;
        let Some(config) = mode.configure(config) else {
            let root = dataset_root(data.as_ref(), CanonicalBytes::canonical_bytes)?;
            let loader = SeededLoader::new(data, task.batcher(), root, seed, batch)?;
            let cursor = loader.cursor().clone();
            return Ok((RecorderSwitch::Off { seed, cursor }, Arc::new(loader)));
        };
        let run = PowRun::open(Action::Create, config)?;
        let loader = run.loader(data, task.batcher(), batch)?;
        Ok((RecorderSwitch::On(Box::new(run)), loader))
    }

    fn micro_batch<M: Module, B>(&self, device: &Device, model: &M, tracked: Tracked<B>) -> B {
        match self {
            RecorderSwitch::Off { seed, cursor } => {
                device.seed(device_seed(*seed, cursor.advance()));
                tracked.batch
            }
            RecorderSwitch::On(run) => run.micro_batch(model, tracked),
        }
    }

    fn step<M: Module>(
        &self,
        model: M,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        gradients: GradientsParams,
        loss: f64,
    ) -> anyhow::Result<M> {
        Ok(match self {
            RecorderSwitch::Off { .. } => optimizer.step(rate, model, gradients),
            RecorderSwitch::On(run) => run.step(model, optimizer, rate, gradients, Some(loss))?,
        })
    }

    fn waited(&self) -> Duration {
        match self {
            RecorderSwitch::Off { .. } => Duration::ZERO,
            RecorderSwitch::On(run) => run.waited(),
        }
    }

    /// Ends the run and verifies it. `None` if nothing was recorded.
    fn finish<M: Module>(self, model: &M) -> anyhow::Result<Option<FinishedFiles>> {
        let RecorderSwitch::On(run) = self else {
            return Ok(None);
        };
        let record = run.finish(model, Ending::Completed)?.sealed();
        let record = record.context("the run was stopped")?;
        let options = AuditOptions {
            genesis: Some(record.genesis),
            head: Some(record.head),
            ..all_but_replay()
        };
        let report = audit(&record.dir, &options, &mut |_| {})?;
        let end = walk(&record.dir, Some(record.genesis), &mut |_, _| {})?;
        let last = end.chain.as_ref().and_then(|chain| chain.last_entry());
        Ok(Some(FinishedFiles {
            blocks: end.blocks,
            holds: report.holds(),
            parameters: last.context("the chain has no entry")?.parameters,
        }))
    }
}

/// Evaluates the model. The row holds only what the model itself shows.
fn evaluate<T: TrainingTask>(
    task: &T,
    model: &T::Model,
    test: &[T::Item],
    unit: ConvergenceUnit,
    steps: u64,
) -> anyhow::Result<ConvergenceRow> {
    let model = model.valid();
    let device = model.devices().first().cloned().unwrap_or_default();
    let (mut loss, mut correct, mut count) = (0.0, 0, 0);
    for items in test.chunks(EVALUATION_BATCH) {
        let batch = task.batcher().batch(items.to_vec(), &device);
        let output = InferenceStep::step(&model, batch);
        loss += T::loss(&output) * items.len() as f64;
        let (of_batch, all) = T::correct(&output);
        correct += of_batch;
        count += all;
    }
    Ok(ConvergenceRow {
        task: unit.task,
        seed: unit.seed,
        mode: unit.mode,
        step: 0,
        steps,
        train_loss: None,
        test_loss: loss / test.len() as f64,
        test_accuracy: correct as f64 / count as f64,
        parameters: parameter_root(&Snapshot::take(&model).read()?)?.to_string(),
        seconds: 0.0,
        waited_seconds: 0.0,
        blocks: None,
        verified: None,
    })
}
