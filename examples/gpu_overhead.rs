//! What recording costs a training on a GPU: the time of a step with the recorder and
//! without, as medians. The variants are timed in turn.
//!
//! The update is the part of a step from the gradients on. A thread that only sends work
//! to the device is done with it soon. A thread that reads the parameters back waits
//! until the device has done the whole step.
//!
//! ```text
//! cargo run --release -p pow-examples --features wgpu --example gpu_overhead [ROUNDS]
//! ```

use burn::tensor::Device;
use burn::tensor::wgpu::WgpuSetup;
use burn_pow::{Action, EngineChoice, PowConfig, PowRun};
use pow_examples::perceptron::{
    BATCH, Comparison, MEDIUM, Record, Variant, median_ms, noise, variants,
};
use pow_gpu::{GpuEngine, GpuSettings, Sharing};
use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

/// Steps that are timed as one, a multiple of every commit interval. The queue is empty
/// before and after.
const STEPS: u32 = 10;

/// A recorded training. It mines very little, unless `share` names the device to mine on.
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
const INLINE: &str = "each read back by the training thread";

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
        (OFF, Record::Off),
        ("off again", Record::Off),
        ("every 10th committed", recorded(dir, 10, None)?),
        (EACH, recorded(dir, 1, None)?),
        (INLINE, Record::Inline),
        (
            "each, mined on the device that trains",
            recorded(dir, 1, Some(&setup))?,
        ),
    ];
    let mut variants = variants(MEDIUM, &training, records)?;
    let parameters = variants[0].training.parameters();
    println!("{parameters} parameters, batch {BATCH}; medians of {rounds} rounds of {STEPS} steps");
    let comparison = Comparison {
        rounds,
        // The first round compiles the shaders, and does not count.
        warm_up: 0,
        steps: STEPS,
        // Longer than hashing a full queue and mining two blocks takes.
        pause: Duration::from_millis(500),
    };
    comparison.run(&mut variants, &device, &noise(MEDIUM, &training))?;
    print(&variants);
    Ok(())
}

fn print(variants: &[Variant]) {
    let medians = |name| {
        let found = variants.iter().find(|variant| variant.name == name);
        found.map_or([f64::NAN; 2], |variant| {
            [&variant.times, &variant.updates].map(|times| median_ms(times))
        })
    };
    let [off, _] = medians(OFF);
    println!("{:<38} {:>10} {:>20}", "", "a step", "of it, the update");
    for variant in variants {
        let [time, spent] = medians(variant.name);
        let waited = variant.training.waited().map_or(String::new(), |waited| {
            let waited = 1000.0 * waited.as_secs_f64();
            format!("; {waited:.1} ms in total for a full queue")
        });
        println!(
            "{:<38} {time:7.2} ms {:+6.1} % {spent:8.2} ms{waited}",
            variant.name,
            100.0 * (time / off - 1.0)
        );
    }
    // The recorder may add nothing that can be measured, so this is not compared with it off.
    println!(
        "the update takes {:.1} times as long if the training thread reads back itself",
        medians(INLINE)[1] / medians(EACH)[1]
    );
}
