//! What recording costs a training on a GPU: the time of a step with the recorder and
//! without, as medians. The variants are timed in turn.
//!
//! The update is the part of a step from the gradients on. A thread that only sends work
//! to the device is done with it soon. A thread that reads the parameters back waits
//! until the device has done the whole step.
//!
//! The recorder reads the parameters back, or hashes them in place, on the device.
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
use std::time::Duration;

/// Steps that are timed as one, a multiple of every commit interval. The queue is empty
/// before and after.
const STEPS: u32 = 10;

/// A recorded training. It mines very little.
fn recorded(config: PowConfig, every: u64) -> anyhow::Result<Record> {
    let every = NonZeroU64::new(every).unwrap_or(NonZeroU64::MIN);
    let config = config
        .commit_every(every)
        .checkpoint_every(0)
        .engine(EngineChoice::Cpu)
        .zero_bits(1);
    Ok(Record::On(Box::new(PowRun::open(Action::Create, config)?)))
}

/// A recorded training that mines on the device that trains.
fn sharing(config: PowConfig, setup: &WgpuSetup) -> anyhow::Result<Record> {
    let settings = GpuSettings {
        sharing: Sharing::WithTraining,
        ..GpuSettings::default()
    };
    let (device, queue) = (setup.device.clone(), setup.queue.clone());
    let engine = Box::new(GpuEngine::with_device(device, queue, settings)?);
    let config = config.checkpoint_every(0).zero_bits(20);
    let run = PowRun::open_with_engine(Action::Create, config, engine)?;
    Ok(Record::On(Box::new(run)))
}

const OFF: &str = "recorder off";
const EACH: &str = "each step, read";
const INLINE: &str = "each, read by the training thread";

fn main() -> anyhow::Result<()> {
    let rounds: usize = match std::env::args().nth(1) {
        Some(rounds) => rounds.parse()?,
        None => 15,
    };
    let (device, setup) = Device::wgpu_options().init_with_setup()?;
    println!("{}", setup.adapter.get_info().name);
    let training = device.clone().autodiff();
    let place = tempfile::tempdir()?;
    let read = |name: &str| PowConfig::new(place.path().join(name));
    let in_place = |name: &str| read(name).hash_on_gpu(&setup);
    let records = [
        (OFF, Record::Off),
        ("off again", Record::Off),
        ("every 10th, read", recorded(read("10th read"), 10)?),
        ("every 10th, in place", recorded(in_place("10th"), 10)?),
        (EACH, recorded(read("each read"), 1)?),
        ("each step, in place", recorded(in_place("each"), 1)?),
        (INLINE, Record::Inline),
        (
            "each in place, mined on the same GPU",
            sharing(in_place("mined"), &setup)?,
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
