//! What recording costs a training: the time of a step with the recorder and without,
//! as medians. The variants are timed in turn. All is measured twice: with a core left
//! to the recorder, and with all cores used by the training.
//!
//! ```text
//! cargo run --release --example overhead [ROUNDS]
//! ```

use burn::tensor::Device;
use burn_pow::{Action, EngineChoice, PowConfig, PowError, PowRun, Threads};
use pow_examples::perceptron::{
    BATCH, Comparison, MEDIUM, Record, Variant, median_ms, noise, variants,
};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;
use std::time::Duration;

/// Steps that are timed as one, a multiple of every commit interval.
const STEPS: u32 = 50;
/// Steps before them, until the queue, the caches and the threads are in a steady state.
const WARM_UP: u32 = 10;

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

fn main() -> anyhow::Result<()> {
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
    // A block takes about 60 ms. So mining never pauses while steps come, and pauses soon
    // after the last of them.
    let mined = |config: PowConfig| config.zero_bits(22);
    let one = |config: PowConfig| mined(config).mining_threads(Threads::new(NonZeroUsize::MIN));
    let records = [
        (OFF, Record::Off),
        (EVERY_10TH, recorded(dir, "10", 10, |config| config)?),
        (EACH, recorded(dir, "1", 1, |config| config)?),
        (INLINE, Record::Inline),
        ("each, mined on all cores", recorded(dir, "all", 1, mined)?),
        ("each, mined on one thread", recorded(dir, "one", 1, one)?),
    ];
    let mut variants = variants(MEDIUM, &device, records)?;
    let parameters = variants[0].training.parameters();
    println!("{parameters} parameters, batch {BATCH}; medians of {rounds} rounds of {STEPS} steps");
    let comparison = Comparison {
        rounds,
        warm_up: WARM_UP,
        steps: STEPS,
        // Longer than hashing a full queue and mining two blocks takes.
        pause: Duration::from_millis(250),
    };
    comparison.run(&mut variants, &device, &noise(MEDIUM, &device))?;
    print(&variants);
    Ok(())
}

/// The number of threads that Burn's CPU backend uses. A process reads it once.
const THREADS: &str = "RAYON_NUM_THREADS";

/// Runs this program with a core to spare, and with none.
fn run_both(rounds: usize) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    for threads in [cores.saturating_sub(1).max(1), cores] {
        println!("{threads} of {cores} cores for the training");
        let status = std::process::Command::new(std::env::current_exe()?)
            .arg(rounds.to_string())
            .env(THREADS, threads.to_string())
            .status()?;
        if !status.success() {
            anyhow::bail!("the measurement ended with {status}");
        }
    }
    Ok(())
}

/// The two of `count` sorted values that bound the median with 95 % confidence, by the
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
const INLINE: &str = "each hashed on the training thread";

fn print(variants: &[Variant]) {
    let median = |name: &str| {
        let found = variants.iter().find(|variant| variant.name == name);
        found.map_or(0.0, |variant| median_ms(&variant.times))
    };
    let off = median(OFF);
    for variant in variants {
        // Each round is compared with the nearest round of the recorder off.
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
            median(variant.name),
            100.0 * (median(variant.name) / off - 1.0),
            percent(shares.len() / 2),
            percent(low),
            percent(high),
        );
        if let Some(waited) = variant.training.waited() {
            let waited = 1000.0 * waited.as_secs_f64();
            println!("{:<36} {waited:8.2} ms waited in total", "");
        }
    }
    // Without a measurable cost there is no ratio.
    let [inline, each] = [INLINE, EACH].map(|name| median(name) - off);
    if each > 0.0 {
        let times = inline / each;
        println!(
            "hashing on the training thread costs {times:.1} times as much as committing each step"
        );
    } else {
        println!(
            "hashing on the training thread costs {inline:.2} ms a step; committing each step has \
             no measurable cost"
        );
    }
}
