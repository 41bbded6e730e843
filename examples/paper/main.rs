//! Measures what the paper claims, and writes down what came out.
//!
//! ```text
//! cargo run --release --example paper
//! ```

use anyhow::Context;
use clap::{Parser, ValueEnum};
use pow_audit::utc;
use pow_examples::paper::machine::Machine;
use pow_examples::paper::plot::Figure;
use pow_examples::paper::progress::Progress;
use pow_examples::paper::store::Store;
use pow_examples::paper::{convergence, overhead, tamper, work};
use std::cell::OnceCell;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

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
    Tamper,
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
    let machine = Machine::this();
    let store = Store::open(&args.out, machine.clone(), args.fresh)?;
    let mut plan = plans(args.size);
    if let Some(seeds) = args.seeds {
        plan.0.seeds = seeds;
    }
    let (convergence_plan, overhead_plan, tamper_plan) = plan;
    let work_plan = work_plan(args.size);
    let targets = work::units(&work_plan)?;
    let trainings = convergence::units(&convergence_plan);
    let rounds = overhead::units(&overhead_plan);
    let runs: Vec<u64> = (0..tamper_plan.rounds).collect();
    let is_asked = |which| args.only.is_empty() || args.only.contains(&which);
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
            (Experiment::Tamper, "tamper", tamper::KINDS.len(), 2000),
            (Experiment::Tamper, "tamper_times", runs.len(), 600),
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
            &convergence_plan,
            &trainings,
            &progress,
            |unit| convergence::measure(&convergence_plan, *unit),
        )?;
        section(
            &mut text,
            "1. Convergence",
            &convergence::report::section(&rows),
        )?;
        draw(&mut text, &store, convergence::report::figures(&rows))?;
    }
    if is_asked(Experiment::Work) {
        let rows = store.measure("work", &work_plan, &targets, &progress, |bits| {
            work::measure(&work_plan, *bits)
        })?;
        section(&mut text, "2. Cost of work", &work::section(&rows))?;
        draw(&mut text, &store, work::figures(&rows))?;
    }
    if is_asked(Experiment::Overhead) {
        let rows = store.measure("overhead", &overhead_plan, &rounds, &progress, |unit| {
            overhead::measure(&overhead_plan, *unit)
        })?;
        section(&mut text, "3. Overhead", &overhead::report::section(&rows))?;
        draw(&mut text, &store, overhead::report::figures(&rows))?;
    }
    if is_asked(Experiment::Tamper) {
        // Recorded only if something is left to be done with it.
        let mut scene = OnceCell::new();
        let rows = store.measure("tamper", &tamper_plan, &tamper::KINDS, &progress, |kind| {
            if scene.get().is_none() {
                let recorded = tamper::Scene::record(&tamper_plan)?;
                let _ = scene.set(recorded);
            }
            let scene = scene.get_mut().context("the run is gone")?;
            tamper::measure(&tamper_plan, scene, *kind)
        })?;
        let times = store.measure("tamper_times", &tamper_plan, &runs, &progress, |round| {
            Ok(vec![tamper::times::measure(&tamper_plan, *round)?])
        })?;
        let found = tamper::report::section(&rows, &times);
        section(&mut text, "5. Tamper evidence", &found)?;
        draw(&mut text, &store, tamper::report::figures(&rows))?;
    }
    progress.finish();
    let report = args.out.join("RESULTS.md");
    let text = format!("{}{text}", preamble(args, &machine, &store));
    store.write(&report, text.as_bytes())?;
    writeln!(std::io::stdout(), "results         {}", report.display())?;
    Ok(())
}

type Plans = (convergence::Plan, overhead::Plan, tamper::Plan);

fn plans(size: Size) -> Plans {
    match size {
        Size::Quick => (
            convergence::Plan::quick(),
            overhead::Plan::quick(),
            tamper::Plan::quick(),
        ),
        Size::Default => (
            convergence::Plan::standard(),
            overhead::Plan::standard(),
            tamper::Plan::standard(),
        ),
        Size::Full => (
            convergence::Plan::full(),
            overhead::Plan::full(),
            tamper::Plan::full(),
        ),
    }
}

fn work_plan(size: Size) -> work::Plan {
    match size {
        Size::Quick => work::Plan::quick(),
        Size::Default => work::Plan::standard(),
        Size::Full => work::Plan::full(),
    }
}

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
