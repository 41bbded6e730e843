//! A perceptron that trains on noise, to time what recording costs a step.

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Int, Tensor, activation};
use burn_pow::loader::Tracked;
use burn_pow::snapshot::Snapshot;
use burn_pow::{Ending, PowRun, RunSummary};
use indicatif::ProgressBar;
use pow_core::tensor::TensorSet;
use std::time::{Duration, Instant};

/// The number of samples in a batch.
pub const BATCH: usize = 64;

/// Inputs, two hidden layers and classes, with about a million parameters.
pub const MEDIUM: [usize; 4] = [784, 832, 416, 10];

/// Linear layers with ReLU between them.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

/// Inputs and classes.
pub type Batch = (Tensor<2>, Tensor<1, Int>);

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

    fn gradients(&self, (inputs, classes): Batch) -> GradientsParams {
        let mut x = inputs;
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if at + 1 < self.layers.len() {
                x = activation::relu(x);
            }
        }
        let loss = CrossEntropyLossConfig::new().init(&x.device());
        GradientsParams::from_grads(loss.forward(x, classes).backward(), self)
    }
}

/// A batch of noise for a perceptron of these widths.
pub fn noise(widths: [usize; 4], device: &Device) -> Batch {
    let inputs = Tensor::random([BATCH, widths[0]], Distribution::Default, device);
    (inputs, Tensor::zeros([BATCH], device))
}

/// What is done with the model after each step.
pub enum Record {
    /// Nothing.
    Off,
    /// The training thread reads the parameters back and hashes them with the `sha2`
    /// crate, as a program without a recorder would.
    Inline,
    /// The run records it.
    On(Box<PowRun>),
}

/// A perceptron in training.
pub struct Training {
    model: Option<Mlp>,
    optimizer: ModuleOptimizer,
    record: Record,
}

impl Training {
    /// A new perceptron, always with the same weights.
    ///
    /// # Errors
    ///
    /// If the run cannot be started.
    pub fn new(widths: [usize; 4], device: &Device, record: Record) -> anyhow::Result<Self> {
        let (mut model, mut optimizer) = (Mlp::new(widths, device), AdamConfig::new().init());
        if let Record::On(run) = &record {
            let started = run.start(model, optimizer)?;
            (model, optimizer) = (started.model, started.optimizer);
        }
        Ok(Training {
            model: Some(model),
            optimizer,
            record,
        })
    }

    /// The number of parameters.
    pub fn parameters(&self) -> usize {
        self.model.as_ref().map_or(0, Module::num_params)
    }

    /// Takes a step. Returns the time from the gradients on: the optimizer and the
    /// recorder, with all waits.
    ///
    /// # Errors
    ///
    /// If this step or an earlier one cannot be recorded.
    pub fn step(&mut self, batch: &Batch) -> anyhow::Result<Duration> {
        let Some(model) = self.model.take() else {
            anyhow::bail!("an earlier step failed");
        };
        let mut batch = batch.clone();
        if let Record::On(run) = &self.record {
            let indices = None;
            batch = run.micro_batch(&model, Tracked { batch, indices });
        }
        let gradients = model.gradients(batch);
        let began = Instant::now();
        let model = match &self.record {
            Record::On(run) => run.step(model, &mut self.optimizer, 1e-3, gradients, None)?,
            Record::Off | Record::Inline => self.optimizer.step(1e-3, model, gradients),
        };
        if matches!(self.record, Record::Inline) {
            hash(&model)?;
        }
        let took = began.elapsed();
        self.model = Some(model);
        Ok(took)
    }

    /// The time that the training has waited for the recorder, if it has one.
    pub fn waited(&self) -> Option<Duration> {
        match &self.record {
            Record::On(run) => Some(run.waited()),
            Record::Off | Record::Inline => None,
        }
    }

    /// Ends the run, if it is recorded.
    ///
    /// # Errors
    ///
    /// If the run cannot be ended.
    pub fn finish(self) -> anyhow::Result<Option<RunSummary>> {
        match (self.record, self.model) {
            (Record::On(run), Some(model)) => Ok(run.finish(&model, Ending::Completed)?.sealed()),
            _ => Ok(None),
        }
    }
}

fn hash(model: &Mlp) -> anyhow::Result<()> {
    let mut set = TensorSet::new();
    for tensor in Snapshot::take(model).read()? {
        set.insert(&tensor.info(), &tensor.bytes)?;
    }
    std::hint::black_box(set.root());
    Ok(())
}

/// A training that is compared with others.
pub struct Variant {
    /// How its steps are recorded.
    pub name: &'static str,
    /// The training.
    pub training: Training,
    /// The time of a step, a value for each round.
    pub times: Vec<Duration>,
    /// What [`Training::step`] returned, a value for each step.
    pub updates: Vec<Duration>,
}

/// How the variants of a training are compared.
pub struct Comparison {
    /// Rounds that count. One round before them warms up.
    pub rounds: usize,
    /// Steps at the start of a round that are not timed.
    pub warm_up: u32,
    /// Steps of a round that are timed as one.
    pub steps: u32,
    /// The pause between two variants. What is still hashed and mined must not slow the
    /// next variant.
    pub pause: Duration,
}

impl Comparison {
    /// Times the variants in turn, in another order each round.
    ///
    /// # Errors
    ///
    /// If a step cannot be recorded, or the device fails.
    pub fn run(
        &self,
        variants: &mut [Variant],
        device: &Device,
        batch: &Batch,
    ) -> anyhow::Result<()> {
        let progress = ProgressBar::new(self.rounds as u64);
        let count = variants.len();
        for round in 0..=self.rounds {
            for turn in 0..count {
                // No variant is always first, or always after the same other variant.
                let turn = if round % 2 == 0 { turn } else { count - turn };
                self.round(&mut variants[(round + turn) % count], device, batch)?;
                std::thread::sleep(self.pause);
            }
            if round == 0 {
                for variant in variants.iter_mut() {
                    variant.times.clear();
                    variant.updates.clear();
                }
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        Ok(())
    }

    fn round(&self, variant: &mut Variant, device: &Device, batch: &Batch) -> anyhow::Result<()> {
        for _ in 0..self.warm_up {
            variant.training.step(batch)?;
        }
        device.sync()?;
        let began = Instant::now();
        for _ in 0..self.steps {
            variant.updates.push(variant.training.step(batch)?);
        }
        device.sync()?;
        variant.times.push(began.elapsed() / self.steps);
        Ok(())
    }
}

/// Makes the variants of a training.
///
/// # Errors
///
/// If a run cannot be started.
pub fn variants(
    widths: [usize; 4],
    device: &Device,
    records: impl IntoIterator<Item = (&'static str, Record)>,
) -> anyhow::Result<Vec<Variant>> {
    let variant = |(name, record)| {
        Ok(Variant {
            name,
            training: Training::new(widths, device, record)?,
            times: Vec::new(),
            updates: Vec::new(),
        })
    };
    records.into_iter().map(variant).collect()
}

/// The median in milliseconds. NaN if there is no value.
pub fn median_ms(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let middle = times.get(times.len() / 2);
    middle.map_or(f64::NAN, |time| 1000.0 * time.as_secs_f64())
}
