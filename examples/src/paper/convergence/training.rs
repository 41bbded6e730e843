//! The training loop, with the recorder and without.

use super::subjects::Subject;
use super::{Mode, Plan, Row, Unit};
use crate::paper::all_but_replay;
use anyhow::{Context, ensure};
use burn::data::dataloader::DataLoader;
use burn::data::dataset::InMemDataset;
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

/// A segment's order is drawn from the block that ends the last but one.
const LAG: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// Held-out items that are evaluated together.
const EVALUATED: usize = 128;

pub(super) fn train<S: Subject>(subject: &S, plan: &Plan, unit: Unit) -> anyhow::Result<Vec<Row>> {
    let device = Device::flex().autodiff();
    let length = plan.length(unit.task);
    let (mut items, mut test) = subject.data()?;
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
    let (program, loader) = Program::open(subject, config, unit, length.batch, items)?;
    let loader = loader.to_device(&device);

    device.seed(unit.seed);
    let mut model = subject.model(&device);
    // Burn draws weights on first use, and evaluating must not be that.
    drop(Snapshot::take(&model));
    let mut optimizer = subject.optimizer();
    let mut rate = subject.rate(usize::try_from(steps)?)?;
    let mut rows = vec![evaluate::<S>(subject, &model, &test, unit, steps)?];
    let (mut step, mut losses, mut spent) = (0, Vec::new(), Duration::ZERO);
    for _ in 0..length.epochs {
        let mut began = Instant::now();
        for tracked in loader.iter() {
            let batch = program.micro_batch(&device, &model, tracked?);
            let output = TrainStep::step(&model, batch);
            let loss = S::loss(&output.item);
            losses.push(loss);
            model = program.step(model, &mut optimizer, rate.step(), output.grads, loss)?;
            step += 1;
            if step % every == 0 || step == steps {
                spent += began.elapsed();
                let mut row = evaluate::<S>(subject, &model, &test, unit, steps)?;
                row.step = step;
                row.train_loss = Some(losses.iter().sum::<f64>() / losses.len() as f64);
                row.seconds = spent.as_secs_f64();
                row.waited_seconds = program.waited().as_secs_f64();
                rows.push(row);
                losses.clear();
                began = Instant::now();
            }
        }
        spent += began.elapsed();
    }
    ensure!(step == steps, "{step} steps of {steps} were taken");
    let last = rows.last_mut().context("no step was taken")?;
    if let Some(end) = program.finish(&model)? {
        last.blocks = Some(end.blocks);
        last.verified = Some(end.holds && end.parameters.to_string() == last.parameters);
    }
    Ok(rows)
}

/// The program around the training.
enum Program {
    /// It seeds the device as the recorder would, and that is all.
    Off {
        seed: u64,
        cursor: Cursor,
    },
    On(Box<PowRun>),
}

/// What was recorded, according to the files.
struct End {
    blocks: u64,
    holds: bool,
    parameters: ParameterRoot,
}

type Loader<S> = Arc<SeededLoader<<S as Subject>::Item, <S as Subject>::Batch>>;

impl Program {
    fn open<S: Subject>(
        subject: &S,
        config: PowConfig,
        unit: Unit,
        batch: NonZeroU32,
        items: Vec<S::Item>,
    ) -> anyhow::Result<(Self, Loader<S>)> {
        let data = Arc::new(InMemDataset::new(items));
        let Unit { seed, mode, .. } = unit;
        let config = match mode {
            Mode::Off => {
                let root = dataset_root(data.as_ref(), CanonicalBytes::canonical_bytes)?;
                let loader = SeededLoader::new(data, subject.batcher(), root, seed, batch)?;
                let cursor = loader.cursor().clone();
                return Ok((Program::Off { seed, cursor }, Arc::new(loader)));
            }
            Mode::Pipelined => config,
            Mode::Gate => config.mode(burn_pow::Mode::Gate),
            Mode::Bound => config.bound_order(LAG),
        };
        let run = PowRun::open(Action::Create, config)?;
        let loader = run.loader(data, subject.batcher(), batch)?;
        Ok((Program::On(Box::new(run)), loader))
    }

    fn micro_batch<M: Module, B>(&self, device: &Device, model: &M, tracked: Tracked<B>) -> B {
        match self {
            Program::Off { seed, cursor } => {
                device.seed(device_seed(*seed, cursor.advance()));
                tracked.batch
            }
            Program::On(run) => run.micro_batch(model, tracked),
        }
    }

    fn step<M: Module>(
        &self,
        model: M,
        optimizer: &mut ModuleOptimizer,
        rate: burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate,
        gradients: GradientsParams,
        loss: f64,
    ) -> anyhow::Result<M> {
        Ok(match self {
            Program::Off { .. } => optimizer.step(rate, model, gradients),
            Program::On(run) => run.step(model, optimizer, rate, gradients, Some(loss))?,
        })
    }

    fn waited(&self) -> Duration {
        match self {
            Program::Off { .. } => Duration::ZERO,
            Program::On(run) => run.waited(),
        }
    }

    /// Ends the record, if there is one, and verifies it.
    fn finish<M: Module>(self, model: &M) -> anyhow::Result<Option<End>> {
        let Program::On(run) = self else {
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
        Ok(Some(End {
            blocks: end.blocks,
            holds: report.holds(),
            parameters: last.context("the chain has no entry")?.parameters,
        }))
    }
}

/// The row of a model, with only what the model itself shows.
fn evaluate<S: Subject>(
    subject: &S,
    model: &S::Model,
    test: &[S::Item],
    unit: Unit,
    steps: u64,
) -> anyhow::Result<Row> {
    let model = model.valid();
    let device = model.devices().first().cloned().unwrap_or_default();
    let (mut loss, mut right, mut count) = (0.0, 0, 0);
    for items in test.chunks(EVALUATED) {
        let batch = subject.batcher().batch(items.to_vec(), &device);
        let output = InferenceStep::step(&model, batch);
        loss += S::loss(&output) * items.len() as f64;
        let (of_batch, all) = S::right(&output);
        right += of_batch;
        count += all;
    }
    Ok(Row {
        task: unit.task,
        seed: unit.seed,
        mode: unit.mode,
        step: 0,
        steps,
        train_loss: None,
        test_loss: loss / test.len() as f64,
        test_accuracy: right as f64 / count as f64,
        parameters: parameter_root(&Snapshot::take(&model).read()?)?.to_string(),
        seconds: 0.0,
        waited_seconds: 0.0,
        blocks: None,
        verified: None,
    })
}
