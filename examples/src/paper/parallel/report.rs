//! What the hash rates show.

use super::{EngineGroup, ParallelRow};
use crate::paper::engines::NO_GPU;
use crate::paper::plot::{Axis, Legend, Plot, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, median};
use std::fmt::Write;

/// One engine over all its rounds.
#[derive(Clone, Debug)]
pub struct EngineRate {
    /// The engine's group.
    pub kind: EngineGroup,
    /// The engine's name.
    pub engine: String,
    /// CPU threads that search. `None` for an engine without any.
    pub threads: Option<usize>,
    /// Number of rounds.
    pub rounds: usize,
    /// Headers hashed per second: the median.
    pub rate: f64,
    /// The rate divided by that of the portable kernel on one thread, in the same
    /// rounds. `None` for a single round.
    pub by_portable: Option<Estimate>,
    /// The rate divided by that of the best kernel on one thread, in the same
    /// rounds. `None` for a single round.
    pub by_thread: Option<Estimate>,
    /// The rate divided by the sum of the engine's parts in the same rounds: all
    /// threads and every GPU. Only [`EngineGroup::Together`] has it.
    pub by_parts: Option<Estimate>,
}

/// The name of the kernel that uses the `sha2` crate.
const PORTABLE: &str = "portable";

/// The rates of all engines, sorted by group.
pub fn rates(rows: &[ParallelRow]) -> Vec<EngineRate> {
    let of_round = |round| rows.iter().filter(move |row| row.round == round);
    let mut rates: Vec<EngineRate> = Vec::new();
    for row in rows {
        let is_this = |one: &&ParallelRow| (one.kind, &one.engine) == (row.kind, &row.engine);
        let is_there = |rate: &EngineRate| (rate.kind, &rate.engine) == (row.kind, &row.engine);
        if rates.iter().any(is_there) {
            continue;
        }
        let of: Vec<&ParallelRow> = rows.iter().filter(is_this).collect();
        let by = |other: &dyn Fn(&ParallelRow) -> Option<f64>| {
            let pairs: Vec<(f64, f64)> = of
                .iter()
                .filter_map(|one| Some((one.rate(), other(one)?)))
                .collect();
            Estimate::of_ratio(&pairs)
        };
        let portable = |one: &ParallelRow| {
            let mut all = of_round(one.round);
            Some(all.find(|other| other.engine == PORTABLE)?.rate())
        };
        let thread = |one: &ParallelRow| {
            let mut all = of_round(one.round).filter(|other| other.kind == EngineGroup::Threads);
            Some(all.find(|other| other.threads == Some(1))?.rate())
        };
        let parts = |one: &ParallelRow| {
            let is_part = |other: &&ParallelRow| match other.kind {
                EngineGroup::Gpu => true,
                EngineGroup::Threads => one.threads.is_some() && other.threads == one.threads,
                _ => false,
            };
            let all = of_round(one.round).filter(is_part);
            Some(all.map(ParallelRow::rate).sum())
        };
        let speeds: Vec<f64> = of.iter().map(|one| one.rate()).collect();
        rates.push(EngineRate {
            kind: row.kind,
            engine: row.engine.clone(),
            threads: row.threads,
            rounds: of.len(),
            rate: median(&speeds).unwrap_or_default(),
            by_portable: by(&portable),
            by_thread: by(&thread),
            by_parts: by(&parts).filter(|_| row.kind == EngineGroup::Together),
        });
    }
    rates.sort_by_key(|rate| (rate.kind, rate.kind == EngineGroup::Threads, rate.threads));
    rates
}

/// The plots with their file names: all engines, and the best kernel by number of
/// threads.
pub fn plots(rows: &[ParallelRow]) -> Vec<(String, Plot)> {
    let rates = rates(rows);
    if rates.is_empty() {
        return Vec::new();
    }
    let shown = rates.iter().enumerate().map(|(at, rate)| {
        let range = spread(rows, rate);
        Point {
            x: rate.rate / 1e6,
            y: at as f64,
            interval: range,
        }
    });
    let engines = Plot {
        title: "Hash rate: median, and from least to greatest".into(),
        x: Axis::new("million hashes a second", Scale::Linear),
        y: Axis::new(
            "",
            Scale::Names(rates.iter().map(|rate| rate.engine.clone()).collect()),
        ),
        series: vec![Series {
            label: "measured".into(),
            shape: Shape::Across,
            points: shown.collect(),
        }],
        legend: Legend::LowerRight,
    };
    let threads: Vec<(f64, Estimate)> = rates
        .iter()
        .filter(|rate| rate.kind == EngineGroup::Threads)
        .filter_map(|rate| Some((rate.threads? as f64, rate.by_thread?)))
        .collect();
    let line = |label: &str, points: Vec<Point>| Series {
        label: label.into(),
        shape: Shape::Line,
        points,
    };
    let mut plots = vec![("parallel_engines".to_owned(), engines)];
    if !threads.is_empty() {
        let linear = threads.iter().map(|(threads, _)| Point {
            x: *threads,
            y: *threads,
            interval: None,
        });
        let measured = threads.iter().map(|(x, ratio)| Point::at(*x, *ratio));
        let plot = Plot {
            title: "Threads: hash rate by that of one thread, 95 % confidence".into(),
            x: Axis::new("threads", Scale::Linear),
            y: Axis::new("times one thread", Scale::Linear),
            series: vec![
                line("linear", linear.collect()),
                line("measured", measured.collect()),
            ],
            legend: Legend::UpperLeft,
        };
        plots.push(("parallel_threads".into(), plot));
    }
    plots
}

/// The smallest and the largest rate, in million hashes per second.
fn spread(rows: &[ParallelRow], rate: &EngineRate) -> Option<(f64, f64)> {
    let of = rows
        .iter()
        .filter(|row| (row.kind, &row.engine) == (rate.kind, &rate.engine));
    let speeds: Vec<f64> = of.map(|row| row.rate() / 1e6).collect();
    let least = speeds.iter().copied().reduce(f64::min)?;
    Some((least, speeds.iter().copied().reduce(f64::max)?))
}

/// The section's text: table and verdicts.
pub fn section(rows: &[ParallelRow]) -> String {
    let rates = rates(rows);
    let mut text = String::from(CLAIM);
    for rate in &rates {
        let ratio = |estimate: Option<Estimate>| {
            estimate.map_or("one round".into(), |estimate| format!("{estimate:.2}"))
        };
        let threads = rate
            .threads
            .map_or(String::new(), |count| count.to_string());
        let parts = rate.by_parts.map_or(String::new(), |by| format!("{by:.2}"));
        let _ = writeln!(
            text,
            "| {} | {threads} | {} | {:.1} | {} | {} | {parts} |",
            rate.engine,
            rate.rounds,
            rate.rate / 1e6,
            ratio(rate.by_portable),
            ratio(rate.by_thread),
        );
    }
    let _ = writeln!(text, "\n{}", verdict(&rates));
    if !rates.iter().any(|rate| rate.kind == EngineGroup::Gpu) {
        text.push('\n');
        text.push_str(NO_GPU);
    }
    text
}

const CLAIM: &str = "The paper leaves its section on parallel mining empty. In each round, every engine \
searched nonces of the same header, one engine after another. The portable kernel is that of the \
`sha2` crate. A short trial chooses the kernel for several threads. Ratios are geometric means over \
the rounds with 95 % confidence intervals.\n\n\
| engine | CPU threads | rounds | million hashes per second, median | times the portable kernel | \
times one thread of the chosen kernel | times the sum of its parts |\n\
|---|---:|---:|---:|---|---|---|\n";

/// From this speed-up per thread on, scaling counts as linear.
const LINEAR: f64 = 0.9;

fn verdict(rates: &[EngineRate]) -> String {
    let several = rates
        .iter()
        .filter(|rate| rate.kind == EngineGroup::Threads && rate.threads > Some(1))
        .filter_map(|rate| Some((rate.threads?, rate.by_thread?)));
    let Some((threads, ratio)) = several.max_by_key(|(threads, _)| *threads) else {
        return "**Not measured**: more than one thread.\n".into();
    };
    let a_thread = ratio.times(1.0 / threads as f64);
    let verdict = if a_thread.low >= LINEAR {
        "**Scales with threads**"
    } else if a_thread.high < LINEAR {
        "**Scales partly with threads**"
    } else {
        "**Cannot tell whether it scales with threads**"
    };
    format!(
        "{verdict}: {threads} threads hash {ratio:.2} times as fast as one, {:.0} % of linear.\n",
        100.0 * a_thread.value
    )
}
