//! A perceptron that is trained on noise, and timed.

use super::{Mode, Row, Size, Timing};
use crate::paper::millis;
use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig, Relu};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn_pow::loader::Tracked;
use burn_pow::snapshot::Snapshot;
use burn_pow::{Action, Ending, EngineChoice, Finished, PowConfig, PowRun, RunSummary, Stage};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const BATCH: usize = 64;

/// Inputs, two hidden layers, classes.
fn widths(size: Size) -> [usize; 4] {
    match size {
        Size::Small => [784, 120, 48, 10],
        Size::Medium => [784, 832, 416, 10],
        Size::Large => [784, 3072, 2464, 10],
    }
}

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn new(widths: [usize; 4], device: &Device) -> Self {
        device.seed(1);
        let pairs = widths.windows(2);
        let model = Mlp {
            layers: pairs
                .map(|pair| LinearConfig::new(pair[0], pair[1]).init(device))
                .collect(),
        };
        // Burn draws weights on first use.
        drop(Snapshot::take(&model));
        model
    }

    fn gradients(&self, inputs: Tensor<2>, classes: Tensor<1, Int>) -> GradientsParams {
        let mut x = inputs;
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if at + 1 < self.layers.len() {
                x = Relu::new().forward(x);
            }
        }
        let loss = CrossEntropyLossConfig::new().init(&x.device());
        let loss = loss.forward(x, classes);
        GradientsParams::from_grads(loss.backward(), self)
    }
}

type Batch = (Tensor<2>, Tensor<1, Int>);

/// Trains for the warm-up and the timed steps, recorded into a temporary
/// directory, and says how long they took.
///
/// # Errors
///
/// If the run cannot be recorded.
pub fn time(timing: &Timing) -> anyhow::Result<Row> {
    let Timing {
        size: plan,
        round,
        mode,
        every,
        zero_bits,
    } = timing.clone();
    let device = Device::flex().autodiff();
    let widths = widths(plan.size);
    let place = TempDir::new()?;
    let config = PowConfig::new(place.path().join("run"))
        .commit_every(every)
        .checkpoint_every(0)
        .engine(EngineChoice::Cpu)
        .zero_bits(zero_bits);
    let run = match mode {
        Mode::Off => None,
        Mode::Pipelined => Some(PowRun::open(Action::Create, config)?),
        Mode::Gate => {
            let config = config.mode(burn_pow::Mode::Gate);
            Some(PowRun::open(Action::Create, config)?)
        }
    };
    let mut model = Mlp::new(widths, &device);
    let parameters = model.num_params() as u64;
    let mut optimizer = AdamConfig::new().init();
    let inputs = Tensor::random([BATCH, widths[0]], Distribution::Default, &device);
    let batch = (inputs, Tensor::<1, Int>::zeros([BATCH], &device));
    for _ in 0..plan.warm_up {
        model = step(run.as_ref(), model, &mut optimizer, &batch)?;
    }
    let steps = plan.steps.max(every.get());
    let waited = || run.as_ref().map_or(Duration::ZERO, PowRun::waited);
    let (began, waited_before) = (Instant::now(), waited());
    for _ in 0..steps {
        model = step(run.as_ref(), model, &mut optimizer, &batch)?;
    }
    let (took, waited) = (began.elapsed(), waited() - waited_before);
    let began = Instant::now();
    let record = run
        .map(|run| run.finish(&model, Ending::Completed))
        .transpose()?
        .and_then(Finished::sealed);
    let finish_ms = record.is_some().then(|| millis(began.elapsed()));
    let mean = |stage: fn(&RunSummary) -> Stage| {
        let stage = stage(record.as_ref()?);
        stage.mean().map(millis)
    };
    Ok(Row {
        size: plan.size,
        parameters,
        round,
        mode,
        commit_every: record.as_ref().map(|_| every.get()),
        steps,
        step_ms: millis(took) / steps as f64,
        waited_ms: millis(waited) / steps as f64,
        snapshot_ms: mean(|record| record.stages.snapshot),
        read_ms: mean(|record| record.stages.read),
        hash_ms: mean(|record| record.stages.hash),
        mine_ms: mean(|record| record.stages.mine),
        append_ms: mean(|record| record.stages.append),
        sync_ms: record.as_ref().and_then(|record| {
            let count = record.stages.append.count;
            (count > 0).then(|| millis(record.stages.sync.total) / count as f64)
        }),
        committed: record.as_ref().map(|record| record.stages.hash.count),
        blocks: record.as_ref().map(|record| record.stages.append.count),
        finish_ms,
    })
}

fn step(
    run: Option<&PowRun>,
    model: Mlp,
    optimizer: &mut ModuleOptimizer,
    batch: &Batch,
) -> anyhow::Result<Mlp> {
    let (inputs, classes) = batch.clone();
    let Some(run) = run else {
        let gradients = model.gradients(inputs, classes);
        return Ok(optimizer.step(1e-3, model, gradients));
    };
    let tracked = Tracked {
        batch: (inputs, classes),
        indices: None,
    };
    let (inputs, classes) = run.micro_batch(&model, tracked);
    let gradients = model.gradients(inputs, classes);
    Ok(run.step(model, optimizer, 1e-3, gradients, None)?)
}
