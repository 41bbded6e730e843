//! Measures what the paper claims, and writes down what came out.
//!
//! ```text
//! cargo run --release --example paper
//! ```

use anyhow::Context;
use clap::{Parser, ValueEnum};
use pow_audit::display::utc;
use pow_examples::paper::engines::Engines;
use pow_examples::paper::machine::Machine;
use pow_examples::paper::overhead::Timing;
use pow_examples::paper::parallel::Contest;
use pow_examples::paper::plot::Figure;
use pow_examples::paper::progress::Progress;
use pow_examples::paper::store::Store;
use pow_examples::paper::{convergence, difficulty, opened, overhead, parallel, tamper, work};
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// Measure what the paper claims, and write tables, plots and a report.
///
/// What was measured is kept unit by unit: a run that was stopped goes on where
/// it was, and one that was finished measures nothing anew.
#[derive(Parser)]
struct Args {
    /// Where the results go
    #[arg(long, default_value = "results")]
    out: PathBuf,
    /// How much is measured: some seconds, ten minutes or hours of it
    #[arg(long, value_enum, default_value_t = Size::Default)]
    size: Size,
    /// Seeds of each training
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Only these experiments
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Experiment>,
    /// Throw away what was measured before
    #[arg(long)]
    fresh: bool,
    /// Time one variant of the overhead, for a process that measures them
    #[arg(long, hide = true, value_parser = timing)]
    timed: Option<Timing>,
}

fn timing(text: &str) -> Result<Timing, serde_json::Error> {
    serde_json::from_str(text)
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Size {
    Quick,
    Default,
    Full,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Experiment {
    Convergence,
    Work,
    Overhead,
    Difficulty,
    Tamper,
    Parallel,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do where nobody reads it.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(timing) = &args.timed {
        let row = overhead::time(timing)?;
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&row)?)?;
        return Ok(());
    }
    let machine = Machine::this();
    let store = Store::open(&args.out, machine.clone(), args.fresh)?;
    let mut plans = Plans::of(args.size);
    if let Some(seeds) = args.seeds {
        plans.convergence.seeds = seeds;
    }
    let trainings = convergence::units(&plans.convergence);
    let rounds = overhead::units(&plans.overhead);
    let adjusted = difficulty::units(&plans.difficulty);
    let runs: Vec<u64> = (0..plans.tamper.rounds).collect();
    let turns: Vec<u64> = (0..plans.parallel.rounds).collect();
    let is_asked = |which| args.only.is_empty() || args.only.contains(&which);
    let mut engines = Engines::default();
    let targets = if is_asked(Experiment::Work) {
        work::units(&plans.work, &engines.devices())?
    } else {
        Vec::new()
    };
    let progress = Progress::new(
        &[
            (
                Experiment::Convergence,
                "convergence",
                trainings.len(),
                3000,
            ),
            (Experiment::Work, "work", targets.len(), 1200),
            (Experiment::Overhead, "overhead", rounds.len(), 3000),
            (Experiment::Difficulty, "difficulty", adjusted.len(), 300),
            (Experiment::Tamper, "tamper", tamper::KINDS.len(), 2000),
            (Experiment::Tamper, "tamper_times", runs.len(), 600),
            (Experiment::Parallel, "parallel", turns.len(), 2000),
        ]
        .into_iter()
        .filter(|(which, ..)| is_asked(*which))
        .map(|(_, name, units, weight)| (name, units, weight))
        .collect::<Vec<_>>(),
    )?;

    let mut text = String::new();
    if is_asked(Experiment::Convergence) {
        let rows = store.measure(
            "convergence",
            &plans.convergence,
            &trainings,
            &progress,
            |unit| convergence::measure(&plans.convergence, *unit),
        )?;
        section(
            &mut text,
            "1. Convergence",
            &convergence::report::section(&rows),
        )?;
        draw(&mut text, &store, convergence::report::figures(&rows))?;
    }
    if is_asked(Experiment::Work) {
        let rows = store.measure("work", &plans.work, &targets, &progress, |unit| {
            work::measure(&plans.work, &mut engines, *unit)
        })?;
        section(&mut text, "2. Cost of work", &work::report::section(&rows))?;
        draw(&mut text, &store, work::report::figures(&rows))?;
    }
    if is_asked(Experiment::Overhead) {
        let rows = store.measure("overhead", &plans.overhead, &rounds, &progress, |unit| {
            let timings = overhead::timings(&plans.overhead, *unit)?;
            timings.iter().map(timed_apart).collect()
        })?;
        section(&mut text, "3. Overhead", &overhead::report::section(&rows))?;
        draw(&mut text, &store, overhead::report::figures(&rows))?;
    }
    if is_asked(Experiment::Difficulty) {
        let plan = &plans.difficulty;
        let rows = store.measure("difficulty", plan, &adjusted, &progress, |unit| {
            difficulty::measure(plan, &mut engines, *unit)
        })?;
        let found = difficulty::report::section(plan, &rows);
        section(&mut text, "4. Difficulty adjustment", &found)?;
        draw(&mut text, &store, difficulty::report::figures(&rows))?;
    }
    if is_asked(Experiment::Tamper) {
        // Recorded only if something is left to be done with it.
        let mut scene = None;
        let rows = store.measure("tamper", &plans.tamper, &tamper::KINDS, &progress, |kind| {
            let scene = opened(&mut scene, || tamper::Scene::record(&plans.tamper))?;
            tamper::measure(&plans.tamper, scene, *kind)
        })?;
        let times = store.measure("tamper_times", &plans.tamper, &runs, &progress, |round| {
            Ok(vec![tamper::times::measure(&plans.tamper, *round)?])
        })?;
        let found = tamper::report::section(&rows, &times);
        section(&mut text, "5. Tamper evidence", &found)?;
        draw(&mut text, &store, tamper::report::figures(&rows))?;
    }
    if is_asked(Experiment::Parallel) {
        // Opened and warmed up only if something is left to be measured.
        let mut contest = None;
        let rows = store.measure("parallel", &plans.parallel, &turns, &progress, |round| {
            opened(&mut contest, || Contest::open(&plans.parallel))?.measure(*round)
        })?;
        let found = parallel::report::section(&rows);
        section(&mut text, "6. Parallel mining", &found)?;
        draw(&mut text, &store, parallel::report::figures(&rows))?;
    }
    progress.finish();
    let report = args.out.join("RESULTS.md");
    let text = format!("{}{text}", preamble(args, &machine, &store));
    store.write(&report, text.as_bytes())?;
    writeln!(std::io::stdout(), "results         {}", report.display())?;
    Ok(())
}

/// How much is measured of everything.
struct Plans {
    convergence: convergence::Plan,
    work: work::Plan,
    overhead: overhead::Plan,
    difficulty: difficulty::Plan,
    tamper: tamper::Plan,
    parallel: parallel::Plan,
}

impl Plans {
    fn of(size: Size) -> Self {
        match size {
            Size::Quick => Plans {
                convergence: convergence::Plan::quick(),
                work: work::Plan::quick(),
                overhead: overhead::Plan::quick(),
                difficulty: difficulty::Plan::quick(),
                tamper: tamper::Plan::quick(),
                parallel: parallel::Plan::quick(),
            },
            Size::Default => Plans {
                convergence: convergence::Plan::standard(),
                work: work::Plan::standard(),
                overhead: overhead::Plan::standard(),
                difficulty: difficulty::Plan::standard(),
                tamper: tamper::Plan::standard(),
                parallel: parallel::Plan::standard(),
            },
            Size::Full => Plans {
                convergence: convergence::Plan::full(),
                work: work::Plan::full(),
                overhead: overhead::Plan::full(),
                difficulty: difficulty::Plan::full(),
                tamper: tamper::Plan::full(),
                parallel: parallel::Plan::full(),
            },
        }
    }
}

/// Times a variant in a process of its own, whose allocator keeps its memory if
/// it is glibc's. Left alone it gives large blocks back to the system and takes
/// them anew in each step, or does not, by what the process allocated before: that
/// doubles the time of some trainings, most often with the recorder off.
fn timed_apart(timing: &Timing) -> anyhow::Result<overhead::Row> {
    let output = Command::new(std::env::current_exe()?)
        .arg("--timed")
        .arg(serde_json::to_string(timing)?)
        .env("MALLOC_TRIM_THRESHOLD_", KEPT)
        .env("MALLOC_MMAP_THRESHOLD_", KEPT)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        anyhow::bail!("a timed training ended with {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("a timed training printed no row")
}

/// Bytes: more than any block of these trainings, and less than any machine's
/// address space.
const KEPT: &str = "1000000000";

fn preamble(args: &Args, machine: &Machine, store: &Store) -> String {
    let memory = machine.memory_mib;
    let memory = memory.map_or("unknown".into(), |mib| format!("{mib} MiB"));
    let (from, to) = match store.when() {
        Some((from, to)) => (utc(from), utc(to)),
        None => ("never".into(), "never".into()),
    };
    format!(
        "# Results\n\nMeasured by the example `paper`, size {:?}. Every figure follows from the \
         rows in the CSV files beside this one.\n\n| | |\n|---|---|\n| CPU | {} |\n| hardware \
         threads | {} |\n| memory | {memory} |\n| system | {} |\n| compiler | {} |\n| Burn | {} \
         |\n| revision | {} |\n| measured | {from} to {to} |\n\n",
        args.size,
        machine.cpu,
        machine.cores,
        machine.system,
        machine.rustc,
        machine.burn,
        machine.revision,
    )
}

fn section(text: &mut String, title: &str, content: &str) -> anyhow::Result<()> {
    writeln!(text, "## {title}\n\n{content}")?;
    Ok(())
}

/// Writes the plots beside the report, and names them in it.
fn draw(text: &mut String, store: &Store, figures: Vec<(String, Figure)>) -> anyhow::Result<()> {
    for (name, figure) in figures {
        store.write(&store.path(&name, "svg"), figure.svg()?.as_bytes())?;
        writeln!(text, "![{}]({name}.svg)\n", figure.title)?;
    }
    Ok(())
}
