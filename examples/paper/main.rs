//! Measures the paper's claims, and writes a report.
//!
//! ```text
//! cargo run --release --example paper
//! ```

use anyhow::Context;
use clap::{Parser, ValueEnum};
use pow_audit::display::utc;
use pow_examples::paper::engines::Engines;
use pow_examples::paper::machine_info::MachineInfo;
use pow_examples::paper::overhead::{OverheadRow, Timing};
use pow_examples::paper::parallel::Contest;
use pow_examples::paper::plan::{SectionPlan, Size};
use pow_examples::paper::plot::Plot;
use pow_examples::paper::progress::PaperProgress;
use pow_examples::paper::store::Store;
use pow_examples::paper::{convergence, difficulty, opened, overhead, parallel, tamper, work};
use pow_examples::program::exit_without_run;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

/// Measure the paper's claims, and write tables, plots and a report.
///
/// Every measurement is kept on disk. If you stop the program, the same command
/// resumes it. After a finished run, the same command measures nothing again.
#[derive(Parser)]
struct Args {
    /// Directory for the results
    #[arg(long, default_value = "results")]
    out: PathBuf,
    /// How much to measure
    #[arg(long, value_enum, default_value_t = Size::Default)]
    size: Size,
    /// Seeds of each training of section 1; the size sets the default
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: Option<u64>,
    /// Measure only these experiments, separated by commas
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Experiment>,
    /// Throw away earlier measurements
    #[arg(long)]
    fresh: bool,
    /// Time one variant of section 3; the program itself uses this
    #[arg(long, hide = true, value_parser = timing)]
    timed: Option<Timing>,
}

fn timing(text: &str) -> Result<Timing, serde_json::Error> {
    serde_json::from_str(text)
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Experiment {
    /// Section 1: does recording change what a training learns?
    Convergence,
    /// Section 2: how many attempts does a block take?
    Work,
    /// Section 3: what does a step cost with the recorder?
    Overhead,
    /// Section 4: does the difficulty follow the hash rate?
    Difficulty,
    /// Section 5: who notices a changed run?
    Tamper,
    /// Section 6: how fast do engines and threads mine?
    Parallel,
}

fn main() -> ExitCode {
    exit_without_run(run(&Args::parse()))
}

fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(timing) = &args.timed {
        let row = overhead::time(timing)?;
        writeln!(std::io::stdout(), "{}", serde_json::to_string(&row)?)?;
        return Ok(());
    }
    let machine = MachineInfo::this();
    let store = Store::open(&args.out, machine.clone(), args.fresh)?;
    let mut plans = Plans::of(args.size);
    if let Some(seeds) = args.seeds {
        plans.convergence.seeds = seeds;
    }
    let trainings = convergence::units(&plans.convergence);
    let model_rounds = overhead::units(&plans.overhead);
    let rule_runs = difficulty::units(&plans.difficulty);
    let timed_runs: Vec<u64> = (0..plans.tamper.rounds).collect();
    let engine_rounds: Vec<u64> = (0..plans.parallel.rounds).collect();
    let is_asked = |which| args.only.is_empty() || args.only.contains(&which);
    let mut engines = Engines::default();
    let targets = if is_asked(Experiment::Work) {
        work::units(&plans.work, &engines.devices())?
    } else {
        Vec::new()
    };
    let kinds = tamper::TAMPER_KINDS;
    let weights = [
        (
            Experiment::Convergence,
            "convergence",
            trainings.len(),
            3000,
        ),
        (Experiment::Work, "work", targets.len(), 1200),
        (Experiment::Overhead, "overhead", model_rounds.len(), 3000),
        (Experiment::Difficulty, "difficulty", rule_runs.len(), 300),
        (Experiment::Tamper, "tamper", kinds.len(), 2000),
        (Experiment::Tamper, "tamper_times", timed_runs.len(), 600),
        (Experiment::Parallel, "parallel", engine_rounds.len(), 2000),
    ];
    let asked = weights.into_iter().filter(|(which, ..)| is_asked(*which));
    let asked = asked.map(|(_, name, units, weight)| (name, units, weight));
    let progress = PaperProgress::new(&asked.collect::<Vec<_>>())?;

    let mut report = ResultsPage::new(&store);
    if is_asked(Experiment::Convergence) {
        let plan = &plans.convergence;
        let rows = store.measure("convergence", plan, &trainings, &progress, |unit| {
            convergence::measure(plan, *unit)
        })?;
        let text = convergence::report::section(&rows);
        report.add("1. Convergence", &text, convergence::report::plots(&rows))?;
    }
    if is_asked(Experiment::Work) {
        let plan = &plans.work;
        let rows = store.measure("work", plan, &targets, &progress, |unit| {
            work::measure(plan, &mut engines, *unit)
        })?;
        let text = work::report::section(&rows);
        report.add("2. Cost of work", &text, work::report::plots(&rows))?;
    }
    if is_asked(Experiment::Overhead) {
        let plan = &plans.overhead;
        let rows = store.measure("overhead", plan, &model_rounds, &progress, |unit| {
            let timings = overhead::timings(plan, *unit)?;
            timings.iter().map(time_in_own_process).collect()
        })?;
        let text = overhead::report::section(&rows);
        report.add("3. Overhead", &text, overhead::report::plots(&rows))?;
    }
    if is_asked(Experiment::Difficulty) {
        let plan = &plans.difficulty;
        let rows = store.measure("difficulty", plan, &rule_runs, &progress, |unit| {
            difficulty::measure(plan, &mut engines, *unit)
        })?;
        let text = difficulty::report::section(plan, &rows);
        let plots = difficulty::report::plots(&rows);
        report.add("4. Difficulty adjustment", &text, plots)?;
    }
    if is_asked(Experiment::Tamper) {
        let plan = &plans.tamper;
        // Recorded only if a unit is still to be measured.
        let mut run = None;
        let rows = store.measure("tamper", plan, &kinds, &progress, |kind| {
            let run = opened(&mut run, || tamper::TamperedRun::record(plan))?;
            tamper::measure(plan, run, *kind)
        })?;
        let times = store.measure("tamper_times", plan, &timed_runs, &progress, |round| {
            Ok(vec![tamper::measure_times(plan, *round)?])
        })?;
        let text = tamper::report::section(&rows, &times);
        report.add("5. Tamper evidence", &text, tamper::report::plots(&rows))?;
    }
    if is_asked(Experiment::Parallel) {
        let plan = &plans.parallel;
        // Opened and warmed up only if a unit is still to be measured.
        let mut contest = None;
        let rows = store.measure("parallel", plan, &engine_rounds, &progress, |round| {
            opened(&mut contest, || Contest::open(plan))?.measure(*round)
        })?;
        let text = parallel::report::section(&rows);
        report.add("6. Parallel mining", &text, parallel::report::plots(&rows))?;
    }
    progress.finish();
    let path = args.out.join("RESULTS.md");
    let text = format!("{}{}", preamble(args, &machine, &store), report.text);
    store.write(&path, text.as_bytes())?;
    writeln!(std::io::stdout(), "results         {}", path.display())?;
    Ok(())
}

/// The plans of all sections.
struct Plans {
    convergence: convergence::ConvergencePlan,
    work: work::WorkPlan,
    overhead: overhead::OverheadPlan,
    difficulty: difficulty::DifficultyPlan,
    tamper: tamper::TamperPlan,
    parallel: parallel::ParallelPlan,
}

impl Plans {
    fn of(size: Size) -> Self {
        Plans {
            convergence: SectionPlan::of(size),
            work: SectionPlan::of(size),
            overhead: SectionPlan::of(size),
            difficulty: SectionPlan::of(size),
            tamper: SectionPlan::of(size),
            parallel: SectionPlan::of(size),
        }
    }
}

/// Times a variant in its own process. If the allocator is glibc's, it keeps its
/// memory there.
///
/// By default it returns large blocks to the system and requests them again in each
/// step, or does not, depending on what the process allocated before. That doubles
/// the time of some trainings, most often with the recorder off.
fn time_in_own_process(timing: &Timing) -> anyhow::Result<OverheadRow> {
    let output = Command::new(std::env::current_exe()?)
        .arg("--timed")
        .arg(serde_json::to_string(timing)?)
        .env("MALLOC_TRIM_THRESHOLD_", KEPT_BYTES)
        .env("MALLOC_MMAP_THRESHOLD_", KEPT_BYTES)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        anyhow::bail!("a timed training ended with {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("a timed training printed no row")
}

/// More than any block of these trainings, and less than any machine's address
/// space.
const KEPT_BYTES: &str = "1000000000";

fn preamble(args: &Args, machine: &MachineInfo, store: &Store) -> String {
    let memory = machine.memory_mib;
    let memory = memory.map_or("unknown".into(), |mib| format!("{mib} MiB"));
    let (from, to) = match store.when() {
        Some((from, to)) => (utc(from), utc(to)),
        None => ("never".into(), "never".into()),
    };
    format!(
        "# Results\n\nMeasured by the example `paper`, size {:?}. Every number follows from the \
         rows in the CSV files next to this one.\n\n| | |\n|---|---|\n| CPU | {} |\n| hardware \
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

/// The report's text so far. Its plots are written next to it.
struct ResultsPage<'a> {
    store: &'a Store,
    text: String,
}

impl<'a> ResultsPage<'a> {
    fn new(store: &'a Store) -> Self {
        ResultsPage {
            store,
            text: String::new(),
        }
    }

    /// Adds a section and its plots.
    fn add(
        &mut self,
        title: &str,
        section: &str,
        plots: Vec<(String, Plot)>,
    ) -> anyhow::Result<()> {
        writeln!(self.text, "## {title}\n\n{section}")?;
        for (name, plot) in plots {
            let path = self.store.path(&name, "svg");
            self.store.write(&path, plot.svg()?.as_bytes())?;
            writeln!(self.text, "![{}]({name}.svg)\n", plot.title)?;
        }
        Ok(())
    }
}
