//! `pow bench`: measures how fast the engines of this machine are.

mod weights;

use crate::output::{complain, print_json, print_text};
use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use pow_gpu::{AdapterChoice, GpuError, KernelForm};
use pow_mine::bench::{
    BenchPhase, BenchReport, BenchSettings, Contestant, ContestantError, EngineKind,
    EngineMeasurement, Spread, bench, cpu_contestants, gpu_contestants,
};
use serde_json::{Value, json};
use std::fmt::Write;
use std::num::NonZeroU32;
use std::time::Duration;

/// Measure every engine of this machine: each CPU kernel on one thread, the best one on
/// all threads, each GPU, and all of them together.
///
/// They are compared with a search by the sha2 crate from a midstate, on one thread. It
/// takes turns with the engines in every round. Figures are medians over the rounds.
///
/// Each GPU also hashes weights in its own memory, beside reading them back and hashing
/// them on one thread of the CPU.
///
/// Software adapters are left out unless --gpu-software, POW_GPU_SOFTWARE=1 or
/// POW_GPU_ADAPTER asks for one. POW_CPU_KERNEL names the kernel for all threads.
///
/// Exit code 0: measured. 2: there is no such engine, an engine failed, or the command
/// line is wrong.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Measure only the GPUs. It is an error if there is none
    #[arg(long)]
    gpu: bool,
    /// Measure only the CPU
    #[arg(long, conflicts_with = "gpu")]
    cpu: bool,
    /// Also use a software adapter if there is no real GPU
    #[arg(long, conflicts_with = "cpu")]
    gpu_software: bool,
    /// Millions of parameters, of 4 bytes each, that each GPU hashes in place; 0 for none
    /// [default: 10,100,1000, and 1 on a software adapter]
    #[arg(
        long,
        value_name = "MILLIONS",
        value_delimiter = ',',
        conflicts_with = "cpu"
    )]
    parameters: Option<Vec<u32>>,
    /// Number of rounds in which each engine is measured
    #[arg(long, default_value = "11")]
    rounds: NonZeroU32,
    /// Seconds that each engine searches, in all rounds together
    #[arg(long, value_name = "SECONDS", default_value = "2.2", value_parser = seconds)]
    seconds: Duration,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  pow bench                            every engine of this machine
  pow bench --cpu --seconds 10         only the CPU, for longer
  pow bench --gpu --json               only the GPUs, as JSON
  pow bench --gpu --parameters 7000    and the weights of a model with 7 billion parameters
  taskset -c 1 pow bench --cpu         on one pinned core";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| String::from("not a number"))?;
    if (0.001..=3600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(String::from("must be from 0.001 to 3600"))
    }
}

/// Measures and prints. Always true.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    let settings = BenchSettings {
        rounds: args.rounds,
        slice: args.seconds / args.rounds.get(),
    };
    let contestants = contestants(args)?;
    let bar = bar(settings.steps(contestants.len()));
    let report = bench(contestants, settings, &mut |phase, name| {
        bar.set_message(format!("{} {name}", phase_name(phase)));
        bar.inc(1);
    })?;
    let weights = weights::measure(&report, args, settings, &bar)?;
    bar.finish_and_clear();
    for engine in report
        .engines
        .iter()
        .filter(|engine| engine.is_slower_than_sha2())
    {
        complain(&slow(engine));
    }
    if args.json {
        let mut json = report_json(&report);
        json["weights"] = weights::json(&weights);
        print_json(&json)?;
    } else {
        print_text(&(table(&report)? + &weights::table(&weights)?))?;
    }
    Ok(true)
}

fn contestants(args: &Args) -> anyhow::Result<Vec<Contestant>> {
    let mut contestants = Vec::new();
    if !args.gpu {
        contestants.extend(cpu_contestants()?);
    }
    if !args.cpu {
        match gpu_contestants(&adapters(args), !args.gpu) {
            Ok(gpus) => contestants.extend(gpus),
            Err(error) if args.gpu => bail!("--gpu: {error}"),
            Err(ContestantError::Gpu(error @ GpuError::NoAdapter { .. })) => {
                complain(&format!("measuring only the CPU: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(contestants)
}

fn adapters(args: &Args) -> AdapterChoice {
    match AdapterChoice::from_env() {
        AdapterChoice::Real if args.gpu_software => AdapterChoice::AllowSoftware,
        choice => choice,
    }
}

/// A progress bar. It prints nothing without a terminal.
fn bar(steps: u64) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    match ProgressStyle::with_template("{bar:40} {pos}/{len} {eta} {msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn phase_name(phase: BenchPhase) -> &'static str {
    match phase {
        BenchPhase::WarmUp => "warm-up",
        BenchPhase::Latency => "latency",
        _ => "measure",
    }
}

fn table(report: &BenchReport) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    let BenchSettings { rounds, slice } = report.settings;
    writeln!(out, "{}", report.machine)?;
    writeln!(
        out,
        "medians of {rounds} rounds of {} ms; sha2 on one thread {:.2} MH/s",
        millis(slice),
        report.sha2_mhs.median
    )?;
    let width = report.engines.iter().map(|engine| engine.name.len()).max();
    let width = width.unwrap_or_default().max("engine".len());
    writeln!(
        out,
        "{:width$}  threads        MH/s         (min to max)  x sha2  dispatch ms  cancel ms  kernel",
        "engine"
    )?;
    for engine in &report.engines {
        let Spread { median, min, max } = engine.mhs;
        let threads = threads(engine).map_or_else(|| "-".into(), |count| count.to_string());
        writeln!(
            out,
            "{:width$}  {threads:>7}  {median:>10.2}  {:>19}  {:>6.2}  {:>11.3}  {:>9.3}  {}",
            engine.name,
            format!("({min:.2} to {max:.2})"),
            engine.ratio_to_sha2.median,
            millis(engine.dispatch_latency),
            millis(engine.cancel_latency),
            form(engine).unwrap_or("-"),
        )?;
    }
    Ok(out)
}

/// A warning about an engine that searches slower than the sha2 crate.
fn slow(engine: &EngineMeasurement) -> String {
    let EngineMeasurement {
        name,
        ratio_to_sha2,
        ..
    } = engine;
    format!(
        "warning: {name} searches slower than sha2 on one thread ({:.2} x)",
        ratio_to_sha2.median
    )
}

fn report_json(report: &BenchReport) -> Value {
    let machine = &report.machine;
    json!({
        "schema": "burn-pow/bench/v0",
        "machine": {
            "cpu": machine.cpu,
            "arch": machine.arch,
            "os": machine.os,
            "cores": machine.cores,
        },
        "rounds": report.settings.rounds,
        "round_ms": millis(report.settings.slice),
        "sha2_mhs": report.sha2_mhs.median,
        "engines": report.engines.iter().map(engine_json).collect::<Vec<_>>(),
    })
}

fn engine_json(engine: &EngineMeasurement) -> Value {
    let mut json = json!({
        "name": engine.name,
        "kind": kind(engine),
        "threads": threads(engine),
        "mhs": engine.mhs.median,
        "mhs_min": engine.mhs.min,
        "mhs_max": engine.mhs.max,
        "ratio_to_sha2": engine.ratio_to_sha2.median,
        "ratio_to_sha2_min": engine.ratio_to_sha2.min,
        "ratio_to_sha2_max": engine.ratio_to_sha2.max,
        "dispatch_latency_ms": millis(engine.dispatch_latency),
        "cancel_latency_ms": millis(engine.cancel_latency),
    });
    if let EngineKind::Gpu { adapter, .. } = &engine.kind {
        json["adapter"] = json!({
            "name": adapter.name,
            "backend": adapter.backend,
            "is_software": adapter.is_software,
            "kernel_form": form(engine),
        });
    }
    json
}

fn kind(engine: &EngineMeasurement) -> &'static str {
    match engine.kind {
        EngineKind::Gpu { .. } => "gpu",
        EngineKind::All { .. } => "all",
        _ => "cpu",
    }
}

/// The number of CPU threads. A GPU has none.
fn threads(engine: &EngineMeasurement) -> Option<usize> {
    match engine.kind {
        EngineKind::Cpu { threads } => Some(threads.get()),
        EngineKind::All { threads } => threads.map(|threads| threads.get()),
        _ => None,
    }
}

fn form(engine: &EngineMeasurement) -> Option<&'static str> {
    match engine.kind {
        EngineKind::Gpu {
            form: KernelForm::Loop,
            ..
        } => Some("loop"),
        EngineKind::Gpu { .. } => Some("traced"),
        _ => None,
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
