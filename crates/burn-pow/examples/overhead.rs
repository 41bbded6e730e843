//! What recording costs a training: the time of a step with the recorder and
//! without, interleaved, as medians. Measured twice: where the backend leaves a
//! core to the recorder, and where it uses them all.
//!
//! ```text
//! cargo run --release -p burn-pow --example overhead [ROUNDS]
//! ```

use burn::module::Module;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig, Relu};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn_pow::loader::Tracked;
use burn_pow::snapshot::Snapshot;
use burn_pow::{Action, EngineChoice, PowConfig, PowError, PowRun, Threads};
use indicatif::ProgressBar;
use pow_core::hash::ParameterRoot;
use pow_core::tensor::TensorSet;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::time::{Duration, Instant};

const BATCH: usize = 64;
/// About a million parameters.
const LAYERS: [usize; 4] = [784, 832, 416, 10];
/// Steps that are timed as one, a multiple of every commit interval.
const STEPS: u32 = 50;
/// Steps before them, until queue, caches and threads are as they stay.
const WARM_UP: u32 = 10;

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn new(device: &Device) -> Self {
        device.seed(1);
        let pairs = LAYERS.windows(2);
        Mlp {
            layers: pairs
                .map(|pair| LinearConfig::new(pair[0], pair[1]).init(device))
                .collect(),
        }
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

/// A training, and how its steps are taken.
struct Variant {
    name: String,
    model: Option<Mlp>,
    optimizer: ModuleOptimizer,
    record: Record,
    /// Time of a step, one value a round.
    times: Vec<Duration>,
}

enum Record {
    Off,
    /// Read back and hash on the training thread, as a program would do that has
    /// no recorder.
    ThereAndThen,
    On(Box<PowRun>),
}

impl Variant {
    fn new(name: &str, device: &Device, record: Record) -> Result<Self, PowError> {
        let (mut model, mut optimizer) = (Mlp::new(device), AdamConfig::new().init());
        if let Record::On(run) = &record {
            let started = run.start(model, optimizer)?;
            (model, optimizer) = (started.model, started.optimizer);
        }
        Ok(Variant {
            name: name.into(),
            model: Some(model),
            optimizer,
            record,
            times: Vec::new(),
        })
    }

    fn step(&mut self, inputs: &Tensor<2>, classes: &Tensor<1, Int>) -> Result<(), PowError> {
        let Some(model) = self.model.take() else {
            return Err(PowError::NotBegun);
        };
        let (inputs, classes) = (inputs.clone(), classes.clone());
        self.model = Some(match &self.record {
            Record::On(run) => {
                let tracked = Tracked {
                    batch: (inputs, classes),
                    indices: None,
                };
                let (inputs, classes) = run.micro_batch(&model, tracked);
                let gradients = model.gradients(inputs, classes);
                run.step(model, &mut self.optimizer, 1e-3, gradients, None)?
            }
            other => {
                let gradients = model.gradients(inputs, classes);
                let model = self.optimizer.step(1e-3, model, gradients);
                if matches!(other, Record::ThereAndThen) {
                    std::hint::black_box(plain_root(&model)?);
                }
                model
            }
        });
        Ok(())
    }

    fn round(&mut self, inputs: &Tensor<2>, classes: &Tensor<1, Int>) -> Result<(), PowError> {
        for _ in 0..WARM_UP {
            self.step(inputs, classes)?;
        }
        let began = Instant::now();
        for _ in 0..STEPS {
            self.step(inputs, classes)?;
        }
        self.times.push(began.elapsed() / STEPS);
        Ok(())
    }

    fn median(&self) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2]
    }
}

/// The parameters' root as a program would find it that has no recorder: with
/// the `sha2` crate.
fn plain_root(model: &Mlp) -> Result<ParameterRoot, PowError> {
    let mut set = TensorSet::new();
    for tensor in Snapshot::take(model).read()? {
        set.insert(&tensor.info(), &tensor.bytes)?;
    }
    Ok(set.root())
}

fn recorded(
    dir: &Path,
    name: &str,
    every: u64,
    change: impl FnOnce(PowConfig) -> PowConfig,
) -> Result<Record, PowError> {
    let every = NonZeroU64::new(every).unwrap_or(NonZeroU64::MIN);
    let config = PowConfig::new(dir.join(name))
        .commit_every(every)
        .checkpoint_every(0)
        .engine(EngineChoice::Cpu)
        .zero_bits(1);
    let run = PowRun::open(Action::Create, change(config))?;
    Ok(Record::On(Box::new(run)))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = match std::env::args().nth(1) {
        Some(rounds) => rounds.parse()?,
        None => 31,
    };
    if std::env::var_os(THREADS).is_none() {
        return run_both(rounds);
    }
    let device = Device::flex().autodiff();
    let place = tempfile::tempdir()?;
    let dir = place.path();
    // Some 60 ms a block: while steps come, mining never pauses, and soon after
    // the last of them it does.
    let mined = |config: PowConfig| config.zero_bits(22);
    let one = |config: PowConfig| mined(config).mining_threads(Threads::new(NonZeroUsize::MIN));
    let records = [
        (OFF, Record::Off),
        (EVERY_10TH, recorded(dir, "10", 10, |config| config)?),
        (EACH, recorded(dir, "1", 1, |config| config)?),
        (THERE_AND_THEN, Record::ThereAndThen),
        ("each, mined on all cores", recorded(dir, "all", 1, mined)?),
        ("each, mined on one thread", recorded(dir, "one", 1, one)?),
    ];
    let mut variants = Vec::new();
    for (name, record) in records {
        variants.push(Variant::new(name, &device, record)?);
    }
    let inputs = Tensor::random([BATCH, LAYERS[0]], Distribution::Default, &device);
    let classes = Tensor::<1, Int>::zeros([BATCH], &device);
    let parameters = variants[0].model.as_ref().map_or(0, Module::num_params);
    println!("{parameters} parameters, batch {BATCH}; medians of {rounds} rounds of {STEPS} steps");

    let progress = ProgressBar::new(rounds as u64);
    for round in 0..=rounds {
        // No variant always comes first, or always after the same other.
        let count = variants.len();
        for turn in 0..count {
            let turn = if round % 2 == 0 { turn } else { count - turn };
            let variant = &mut variants[(round + turn) % count];
            variant.round(&inputs, &classes)?;
            // What is still hashed and mined must not slow the next one.
            std::thread::sleep(SETTLE);
            if round == 0 {
                // Warm-up.
                variant.times.clear();
            }
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    print(&variants);
    Ok(())
}

/// How many threads Burn's CPU backend uses; read once in a process.
const THREADS: &str = "RAYON_NUM_THREADS";

/// Runs this program with a core to spare, and with none.
fn run_both(rounds: usize) -> Result<(), Box<dyn std::error::Error>> {
    let cores = std::thread::available_parallelism()?.get();
    for threads in [cores.saturating_sub(1).max(1), cores] {
        println!("{threads} of {cores} cores for the training");
        let status = std::process::Command::new(std::env::current_exe()?)
            .arg(rounds.to_string())
            .env(THREADS, threads.to_string())
            .status()?;
        if !status.success() {
            return Err(format!("the measurement ended with {status}").into());
        }
    }
    Ok(())
}

/// Which of `count` sorted values bound the median with 95 % confidence, in the
/// normal approximation of the binomial distribution.
fn median_interval(count: usize) -> [usize; 2] {
    let half = 0.98 * (count as f64).sqrt();
    let middle = count as f64 / 2.0;
    let low = (middle - half).floor().max(0.0) as usize;
    let high = (middle + half).ceil() as usize;
    [low, high.min(count - 1)]
}

const OFF: &str = "recorder off";
const EVERY_10TH: &str = "every 10th committed";
const EACH: &str = "each committed";
const THERE_AND_THEN: &str = "each hashed on the training thread";

/// Longer than hashing a full queue and mining two blocks takes.
const SETTLE: Duration = Duration::from_millis(250);

fn print(variants: &[Variant]) {
    let median = |name: &str| {
        let found = variants.iter().find(|variant| variant.name == name);
        found.map_or(0.0, |variant| 1000.0 * variant.median().as_secs_f64())
    };
    let off = median(OFF);
    for variant in variants {
        // Each round against that of the recorder off, just before or after it.
        let mut shares: Vec<f64> = variant
            .times
            .iter()
            .zip(&variants[0].times)
            .map(|(time, off)| time.as_secs_f64() / off.as_secs_f64())
            .collect();
        shares.sort_unstable_by(f64::total_cmp);
        let percent = |at: usize| 100.0 * (shares[at] - 1.0);
        let [low, high] = median_interval(shares.len());
        println!(
            "{:<36} {:7.2} ms a step  {:+6.1} %  (paired: {:+6.1} %, 95 % of {:+.1} to {:+.1} %)",
            variant.name,
            median(&variant.name),
            100.0 * (median(&variant.name) / off - 1.0),
            percent(shares.len() / 2),
            percent(low),
            percent(high),
        );
        if let Record::On(run) = &variant.record {
            println!(
                "{:<36} {:8.2} ms waited in all",
                "",
                1000.0 * run.waited().as_secs_f64()
            );
        }
    }
    // No ratio where nothing was lost, but for noise.
    let [there_and_then, each] = [THERE_AND_THEN, EACH].map(|name| median(name) - off);
    if each > 0.0 {
        let times = there_and_then / each;
        println!(
            "hashing on the training thread costs it {times:.1} times what committing each step does"
        );
    } else {
        println!(
            "hashing on the training thread costs it {there_and_then:.2} ms a step; committing each step, \
             nothing that could be told"
        );
    }
}
