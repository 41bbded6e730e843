//! What recording costs a training on a GPU: the time of a step with the recorder
//! and without, interleaved, as medians.
//!
//! The update is the part of a step from the gradients on. A thread that only
//! hands its work to the device is soon done with it; one that reads the
//! parameters back waits there until the device has done the whole step.
//!
//! ```text
//! cargo run --release -p pow-examples --features wgpu --example gpu_overhead [ROUNDS]
//! ```

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::wgpu::WgpuSetup;
use burn::tensor::{Device, Distribution, Int, Tensor, activation};
use burn_pow::loader::Tracked;
use burn_pow::snapshot::Snapshot;
use burn_pow::tensors::parameter_root;
use burn_pow::{Action, EngineChoice, PowConfig, PowRun};
use indicatif::ProgressBar;
use pow_gpu::{GpuEngine, GpuSettings, Sharing};
use std::num::NonZeroU64;
use std::path::Path;
use std::time::{Duration, Instant};

const BATCH: usize = 64;
/// About a million parameters.
const LAYERS: [usize; 4] = [784, 832, 416, 10];
/// Steps that are timed as one, a multiple of every commit interval. The queue is
/// empty before and after.
const STEPS: u32 = 10;

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn new(device: &Device) -> Self {
        let pairs = LAYERS.windows(2);
        Mlp {
            layers: pairs
                .map(|pair| LinearConfig::new(pair[0], pair[1]).init(device))
                .collect(),
        }
    }

    fn gradients(&self, (inputs, classes): Batch) -> GradientsParams {
        let mut layers = self.layers.iter();
        let first = layers.next().map(|layer| layer.forward(inputs.clone()));
        let scores = layers.fold(first.unwrap_or(inputs), |x, layer| {
            layer.forward(activation::relu(x))
        });
        let loss = CrossEntropyLossConfig::new().init(&scores.device());
        GradientsParams::from_grads(loss.forward(scores, classes).backward(), self)
    }
}

type Batch = (Tensor<2>, Tensor<1, Int>);

/// What is done with the model after a step.
enum Record {
    Nothing,
    /// It is read back and hashed by the thread that trains.
    ThereAndThen,
    On(Box<PowRun>),
}

struct Variant {
    name: &'static str,
    model: Option<Mlp>,
    optimizer: ModuleOptimizer,
    record: Record,
    /// Time of a step, a value a round.
    times: Vec<Duration>,
    /// How much of it the training thread spent from the gradients on, a value a
    /// step: in the optimizer and the recorder, every wait included.
    updates: Vec<Duration>,
}

impl Variant {
    fn new(name: &'static str, device: &Device, record: Record) -> anyhow::Result<Self> {
        device.seed(1);
        let (mut model, mut optimizer) = (Mlp::new(device), AdamConfig::new().init());
        if let Record::On(run) = &record {
            let started = run.start(model, optimizer)?;
            (model, optimizer) = (started.model, started.optimizer);
        }
        Ok(Variant {
            name,
            model: Some(model),
            optimizer,
            record,
            times: Vec::new(),
            updates: Vec::new(),
        })
    }

    fn step(&mut self, batch: Batch) -> anyhow::Result<()> {
        let Some(model) = self.model.take() else {
            anyhow::bail!("an earlier step failed");
        };
        let (batch, run) = match &self.record {
            Record::On(run) => {
                let indices = None;
                let batch = run.micro_batch(&model, Tracked { batch, indices });
                (batch, Some(run))
            }
            _ => (batch, None),
        };
        let gradients = model.gradients(batch);
        let began = Instant::now();
        let model = match run {
            Some(run) => run.step(model, &mut self.optimizer, 1e-3, gradients, None)?,
            None => self.optimizer.step(1e-3, model, gradients),
        };
        if matches!(self.record, Record::ThereAndThen) {
            std::hint::black_box(parameter_root(&Snapshot::take(&model).read()?)?);
        }
        self.updates.push(began.elapsed());
        self.model = Some(model);
        Ok(())
    }

    fn round(&mut self, device: &Device, batch: &Batch) -> anyhow::Result<()> {
        device.sync()?;
        let began = Instant::now();
        for _ in 0..STEPS {
            self.step(batch.clone())?;
        }
        device.sync()?;
        self.times.push(began.elapsed() / STEPS);
        Ok(())
    }
}

/// In milliseconds.
fn median(times: &[Duration]) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    1000.0 * times[times.len() / 2].as_secs_f64()
}

/// A recorded training that mines next to nothing, unless `share` says on what.
fn recorded(dir: &Path, every: u64, share: Option<&WgpuSetup>) -> anyhow::Result<Record> {
    let every = NonZeroU64::new(every).unwrap_or(NonZeroU64::MIN);
    let name = format!("{every} {}", share.is_some());
    let config = PowConfig::new(dir.join(name))
        .commit_every(every)
        .checkpoint_every(0)
        .engine(EngineChoice::Cpu);
    let run = match share {
        None => PowRun::open(Action::Create, config.zero_bits(1))?,
        Some(setup) => {
            let settings = GpuSettings {
                sharing: Sharing::WithTraining,
                ..GpuSettings::default()
            };
            let (device, queue) = (setup.device.clone(), setup.queue.clone());
            let engine = Box::new(GpuEngine::with_device(device, queue, settings)?);
            PowRun::open_with_engine(Action::Create, config.zero_bits(20), engine)?
        }
    };
    Ok(Record::On(Box::new(run)))
}

const OFF: &str = "recorder off";
const EACH: &str = "each step committed";
const THERE_AND_THEN: &str = "each read back by the training thread";

/// Longer than hashing a full queue and mining two blocks takes.
const SETTLE: Duration = Duration::from_millis(500);

fn main() -> anyhow::Result<()> {
    let rounds: usize = match std::env::args().nth(1) {
        Some(rounds) => rounds.parse()?,
        None => 15,
    };
    let (device, setup) = Device::wgpu_options().init_with_setup()?;
    println!("{}", setup.adapter.get_info().name);
    let training = device.clone().autodiff();
    let place = tempfile::tempdir()?;
    let dir = place.path();
    let records = [
        (OFF, Record::Nothing),
        ("off again", Record::Nothing),
        ("every 10th committed", recorded(dir, 10, None)?),
        (EACH, recorded(dir, 1, None)?),
        (THERE_AND_THEN, Record::ThereAndThen),
        (
            "each, mined on the device that trains",
            recorded(dir, 1, Some(&setup))?,
        ),
    ];
    let mut variants = Vec::new();
    for (name, record) in records {
        variants.push(Variant::new(name, &training, record)?);
    }
    let inputs = Tensor::random([BATCH, LAYERS[0]], Distribution::Default, &training);
    let batch = (inputs, Tensor::zeros([BATCH], &training));
    let parameters = variants[0].model.as_ref().map_or(0, Module::num_params);
    println!("{parameters} parameters, batch {BATCH}; medians of {rounds} rounds of {STEPS} steps");

    let progress = ProgressBar::new(rounds as u64);
    for round in 0..=rounds {
        let count = variants.len();
        for turn in 0..count {
            // None always comes first, or always after the same other.
            let turn = if round % 2 == 0 { turn } else { count - turn };
            variants[(round + turn) % count].round(&device, &batch)?;
            std::thread::sleep(SETTLE);
        }
        if round == 0 {
            // Shaders were compiled in it.
            for variant in &mut variants {
                variant.times.clear();
                variant.updates.clear();
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    print(&variants);
    Ok(())
}

fn print(variants: &[Variant]) {
    let medians = |name| {
        let found = variants.iter().find(|variant| variant.name == name);
        found.map_or([f64::NAN; 2], |variant| {
            [&variant.times, &variant.updates].map(|times| median(times))
        })
    };
    let [off, _] = medians(OFF);
    println!("{:<38} {:>10} {:>20}", "", "a step", "of it, the update");
    for variant in variants {
        let [time, spent] = medians(variant.name);
        let waited = match &variant.record {
            Record::On(run) => format!(
                "; {:.1} ms in all for a full queue",
                1000.0 * run.waited().as_secs_f64()
            ),
            _ => String::new(),
        };
        println!(
            "{:<38} {time:7.2} ms {:+6.1} % {spent:8.2} ms{waited}",
            variant.name,
            100.0 * (time / off - 1.0)
        );
    }
    // Against the recorder off there may be nothing left to divide by.
    println!(
        "the update takes {:.1} times as long if the training thread reads back itself",
        medians(THERE_AND_THEN)[1] / medians(EACH)[1]
    );
}
