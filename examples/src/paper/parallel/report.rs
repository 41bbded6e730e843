//! What the hash rates show.

use super::{Kind, Row};
use crate::paper::engines::NO_GPU;
use crate::paper::plot::{Axis, Figure, Legend, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, median};
use std::fmt::Write;

/// One engine over all its rounds.
#[derive(Clone, Debug)]
pub struct Rate {
    /// What it is compared for.
    pub kind: Kind,
    /// The engine's name.
    pub engine: String,
    /// Threads that search on the CPU.
    pub threads: Option<usize>,
    /// Rounds.
    pub rounds: usize,
    /// Headers hashed a second: the median.
    pub rate: f64,
    /// By the portable kernel on one thread, in the same rounds. `None` of one
    /// round.
    pub by_portable: Option<Estimate>,
    /// By the best kernel on one thread, in the same rounds. `None` of one
    /// round.
    pub by_thread: Option<Estimate>,
    /// By the sum of its parts in the same rounds: all threads and every GPU.
    /// Only of those that are together.
    pub by_parts: Option<Estimate>,
}

/// The name of the kernel that the `sha2` crate is.
const PORTABLE: &str = "portable";

/// All engines, in the order in which they were first measured.
pub fn rates(rows: &[Row]) -> Vec<Rate> {
    let mut rates: Vec<Rate> = Vec::new();
    for row in rows {
        let is_this = |one: &&Row| (one.kind, &one.engine) == (row.kind, &row.engine);
        let is_there = |rate: &Rate| (rate.kind, &rate.engine) == (row.kind, &row.engine);
        if rates.iter().any(is_there) {
            continue;
        }
        let of: Vec<&Row> = rows.iter().filter(is_this).collect();
        let by = |other: &dyn Fn(&Row) -> Option<f64>| {
            let pairs: Vec<(f64, f64)> = of
                .iter()
                .filter_map(|one| Some((one.rate(), other(one)?)))
                .collect();
            Estimate::of_ratio(&pairs)
        };
        let portable = |one: &Row| {
            let of_round = |other: &&Row| other.round == one.round;
            let mut all = rows.iter().filter(of_round);
            Some(all.find(|other| other.engine == PORTABLE)?.rate())
        };
        let thread = |one: &Row| {
            let of_round = |other: &&Row| other.round == one.round && other.kind == Kind::Threads;
            let mut all = rows.iter().filter(of_round);
            Some(all.find(|other| other.threads == Some(1))?.rate())
        };
        let parts = |one: &Row| {
            let of_round = |other: &&Row| other.round == one.round;
            let all = rows.iter().filter(of_round);
            let is_part = |other: &&Row| match other.kind {
                Kind::Gpu => true,
                Kind::Threads => one.threads.is_some() && other.threads == one.threads,
                _ => false,
            };
            Some(all.filter(is_part).map(Row::rate).sum())
        };
        let speeds: Vec<f64> = of.iter().map(|one| one.rate()).collect();
        rates.push(Rate {
            kind: row.kind,
            engine: row.engine.clone(),
            threads: row.threads,
            rounds: of.len(),
            rate: median(&speeds).unwrap_or_default(),
            by_portable: by(&portable),
            by_thread: by(&thread),
            by_parts: by(&parts).filter(|_| row.kind == Kind::Together),
        });
    }
    rates.sort_by_key(|rate| (rate.kind, rate.kind == Kind::Threads, rate.threads));
    rates
}

/// The plots: all engines, and the best kernel against threads.
pub fn figures(rows: &[Row]) -> Vec<(String, Figure)> {
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
    let engines = Figure {
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
        .filter(|rate| rate.kind == Kind::Threads)
        .filter_map(|rate| Some((rate.threads? as f64, rate.by_thread?)))
        .collect();
    let line = |label: &str, points: Vec<Point>| Series {
        label: label.into(),
        shape: Shape::Line,
        points,
    };
    let mut figures = vec![("parallel_engines".to_owned(), engines)];
    if !threads.is_empty() {
        let linear = threads.iter().map(|(threads, _)| Point {
            x: *threads,
            y: *threads,
            interval: None,
        });
        let measured = threads.iter().map(|(x, ratio)| Point::at(*x, *ratio));
        let figure = Figure {
            title: "Threads: hash rate by that of one thread, 95 % confidence".into(),
            x: Axis::new("threads", Scale::Linear),
            y: Axis::new("times one thread", Scale::Linear),
            series: vec![
                line("linear", linear.collect()),
                line("measured", measured.collect()),
            ],
            legend: Legend::UpperLeft,
        };
        figures.push(("parallel_threads".into(), figure));
    }
    figures
}

/// The least and the greatest rate, in millions.
fn spread(rows: &[Row], rate: &Rate) -> Option<(f64, f64)> {
    let of = rows
        .iter()
        .filter(|row| (row.kind, &row.engine) == (rate.kind, &rate.engine));
    let speeds: Vec<f64> = of.map(|row| row.rate() / 1e6).collect();
    let least = speeds.iter().copied().reduce(f64::min)?;
    Some((least, speeds.iter().copied().reduce(f64::max)?))
}

/// The section's text: table and verdicts.
pub fn section(rows: &[Row]) -> String {
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
    if !rates.iter().any(|rate| rate.kind == Kind::Gpu) {
        text.push('\n');
        text.push_str(NO_GPU);
    }
    text
}

const CLAIM: &str = "The paper leaves parallel mining empty. Every engine searched nonces of one header \
in turn, in each round. The portable kernel is the `sha2` crate's; a short trial chooses the kernel \
for several threads; ratios are geometric means over the rounds with 95 % confidence intervals.\n\n| engine | CPU threads | rounds | million hashes a second, \
median | by the portable kernel | by one thread of the chosen | by the sum of its parts |\n\
|---|---:|---:|---:|---|---|---|\n";

/// Speed-up a thread from which scaling is called linear.
const LINEAR: f64 = 0.9;

fn verdict(rates: &[Rate]) -> String {
    let several = rates
        .iter()
        .filter(|rate| rate.kind == Kind::Threads && rate.threads > Some(1))
        .filter_map(|rate| Some((rate.threads?, rate.by_thread?)));
    let Some((threads, ratio)) = several.max_by_key(|(threads, _)| *threads) else {
        return "**Not measured**: more than one thread.\n".into();
    };
    let a_thread = ratio.times(1.0 / threads as f64);
    let verdict = if a_thread.low >= LINEAR {
        "**Scales with threads**"
    } else if a_thread.high < LINEAR {
        "**Scales with threads in part**"
    } else {
        "**It could not be told** whether it scales with threads"
    };
    format!(
        "{verdict}: {threads} threads hash {ratio:.2} times as fast as one, {:.0} % of linear.\n",
        100.0 * a_thread.value
    )
}
