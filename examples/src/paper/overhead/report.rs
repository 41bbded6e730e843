//! What the timings show.

use super::{Mode, Row, SIZES, Size};
use crate::paper::plot::{Axis, Figure, Legend, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, median};
use std::collections::BTreeSet;
use std::fmt::Write;

/// One variant over all its rounds. Times are medians over the rounds, in
/// milliseconds.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Which size.
    pub size: Size,
    /// Parameters of the model.
    pub parameters: u64,
    /// How it is recorded.
    pub mode: Mode,
    /// Commit interval, in steps; none with the recorder off.
    pub commit_every: Option<u64>,
    /// Time of a step.
    pub step_ms: f64,
    /// Time of a step over that with the recorder off in the same round.
    pub ratio: Option<Estimate>,
    /// Of a step, what training waited for the recorder.
    pub waited_ms: f64,
    /// Taking a snapshot of a committed step.
    pub snapshot_ms: Option<f64>,
    /// Reading a committed step's parameters.
    pub read_ms: Option<f64>,
    /// Hashing them.
    pub hash_ms: Option<f64>,
    /// Mining a block.
    pub mine_ms: Option<f64>,
    /// Checking, appending and syncing a block.
    pub append_ms: Option<f64>,
    /// Committed steps in a block.
    pub per_block: Option<f64>,
}

/// All variants, by size.
pub fn variants(rows: &[Row]) -> Vec<Variant> {
    let mut variants = Vec::new();
    for size in SIZES {
        let of_size: Vec<&Row> = rows.iter().filter(|row| row.size == size).collect();
        let kinds: BTreeSet<_> = of_size
            .iter()
            .map(|row| (row.mode, row.commit_every))
            .collect();
        for (mode, commit_every) in kinds {
            let these: Vec<&Row> = of_size
                .iter()
                .filter(|row| (row.mode, row.commit_every) == (mode, commit_every))
                .copied()
                .collect();
            variants.extend(Variant::of(&these, &of_size));
        }
    }
    variants
}

impl Variant {
    fn of(rows: &[&Row], all: &[&Row]) -> Option<Self> {
        let first = rows.first()?;
        let over_rounds = |value: &dyn Fn(&Row) -> Option<f64>| {
            let values: Option<Vec<f64>> = rows.iter().map(|row| value(row)).collect();
            median(&values?)
        };
        let off = |round| {
            let mut off = all.iter().filter(|row| row.mode == Mode::Off);
            off.find(|row| row.round == round).map(|row| row.step_ms)
        };
        let pairs: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|row| Some((row.step_ms, off(row.round)?)))
            .collect();
        Some(Variant {
            size: first.size,
            parameters: first.parameters,
            mode: first.mode,
            commit_every: first.commit_every,
            step_ms: over_rounds(&|row| Some(row.step_ms))?,
            ratio: Estimate::of_ratio(&pairs).filter(|_| first.mode != Mode::Off),
            waited_ms: over_rounds(&|row| Some(row.waited_ms))?,
            snapshot_ms: over_rounds(&|row| row.snapshot_ms),
            read_ms: over_rounds(&|row| row.read_ms),
            hash_ms: over_rounds(&|row| row.hash_ms),
            mine_ms: over_rounds(&|row| row.mine_ms),
            append_ms: over_rounds(&|row| Some(row.append_ms? + row.sync_ms?)),
            per_block: over_rounds(&|row| Some(row.committed? as f64 / row.blocks? as f64)),
        })
    }
}

/// The plots: how much longer a step takes, and what the recorder does with the
/// time, both against the size of the model.
pub fn figures(rows: &[Row]) -> Vec<(String, Figure)> {
    let variants = variants(rows);
    let kinds: BTreeSet<_> = variants
        .iter()
        .filter_map(|variant| Some((variant.mode, variant.commit_every?)))
        .collect();
    let more = kinds.iter().map(|(mode, every)| {
        let these = variants
            .iter()
            .filter(|variant| (variant.mode, variant.commit_every) == (*mode, Some(*every)));
        let points = these.filter_map(|variant| {
            let more = in_percent(variant.ratio?);
            Some(Point::at(variant.parameters as f64, more))
        });
        Series {
            label: format!("{mode}, committed every {every}"),
            shape: Shape::Line,
            points: points.collect(),
        }
    });
    let gate: Vec<&Variant> = variants.iter().filter(|v| v.mode == Mode::Gate).collect();
    let parts: [(&str, Part); 5] = [
        ("snapshot, a commit", |variant| variant.snapshot_ms),
        ("read, a commit", |variant| variant.read_ms),
        ("hash, a commit", |variant| variant.hash_ms),
        ("mine, a block", |variant| variant.mine_ms),
        ("append and sync, a block", |variant| variant.append_ms),
    ];
    let parts = parts.iter().map(|(label, part)| {
        let points = gate.iter().filter_map(|variant| {
            Some(Point {
                x: variant.parameters as f64,
                y: part(variant)?,
                interval: None,
            })
        });
        Series {
            label: (*label).into(),
            shape: Shape::Line,
            points: points.collect(),
        }
    });
    let size = || Axis::new("parameters", Scale::Logarithmic);
    let figures = [
        Figure {
            title: "A step with the recorder on: geometric mean, 95 % confidence".into(),
            x: size(),
            y: Axis::new("longer than with the recorder off, %", Scale::Linear),
            series: more.collect(),
            legend: Legend::UpperRight,
        },
        Figure {
            title: "What the recorder does in gate mode: medians".into(),
            x: size(),
            y: Axis::new("time, ms", Scale::Logarithmic),
            series: parts.collect(),
            legend: Legend::UpperLeft,
        },
    ];
    let names = ["overhead_step", "overhead_parts"].map(String::from);
    let drawn = |(_, figure): &(String, Figure)| figure.series.iter().any(|s| !s.points.is_empty());
    names.into_iter().zip(figures).filter(drawn).collect()
}

/// The time of one of the recorder's parts.
type Part = fn(&Variant) -> Option<f64>;

/// The section's text: tables and verdicts.
pub fn section(rows: &[Row]) -> String {
    let variants = variants(rows);
    let mut text = String::from(CLAIM);
    text.push_str(STEPS);
    for variant in &variants {
        let Variant {
            size,
            mode,
            step_ms,
            waited_ms,
            ..
        } = variant;
        let every = variant
            .commit_every
            .map_or(String::new(), |every| every.to_string());
        let more = match (mode, variant.ratio) {
            (Mode::Off, _) => String::new(),
            (_, None) => "one round".into(),
            (_, Some(ratio)) => format!("{:+.1}", in_percent(ratio)),
        };
        let rounds = rows
            .iter()
            .filter(|row| (row.size, row.mode) == (*size, *mode))
            .filter(|row| row.commit_every == variant.commit_every)
            .count();
        let _ = writeln!(
            text,
            "| {size} ({}) | {mode} | {every} | {rounds} | {step_ms:.2} | {more} | {waited_ms:.3} |",
            variant.parameters
        );
    }
    text.push_str(PARTS);
    for variant in &variants {
        let Variant { size, mode, .. } = variant;
        let (Some(every), Some(snapshot), Some(read), Some(hash)) = (
            variant.commit_every,
            variant.snapshot_ms,
            variant.read_ms,
            variant.hash_ms,
        ) else {
            continue;
        };
        let (Some(mine), Some(append), Some(per_block)) =
            (variant.mine_ms, variant.append_ms, variant.per_block)
        else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {size} | {mode} | {every} | {snapshot:.4} | {read:.4} | {hash:.3} | {mine:.2} | \
             {append:.3} | {per_block:.2} |"
        );
    }
    text.push('\n');
    for size in SIZES {
        verdict(&mut text, &variants, size);
    }
    let intervals = variants.iter().filter(|variant| variant.ratio.is_some());
    let _ = writeln!(
        text,
        "Of intervals with 95 % confidence, one in twenty misses the truth by chance; these are {}.\n",
        intervals.count()
    );
    text
}

const CLAIM: &str = "The paper gives no figure for what recording costs in time. A perceptron of three \
sizes was trained on noise with Adam, batches of 64, on the CPU, with the recorder off, in gate mode, \
and pipelined at several commit intervals. All variants of a size were timed next to each other in \
each round, each in a process of its own in which glibc's allocator, where there is one, was told to \
keep its memory: otherwise it gives large blocks back and takes them again in each step of some \
trainings and not of others, which weighs more than the recorder does. Training and recorder share the cores, and Burn uses all of them. Times are medians over \
the rounds; the increase is the geometric mean over the rounds with its 95 % confidence interval.\n\n";

const STEPS: &str = "| parameters | recorder | committed every | rounds | ms a step | increase over \
off, % | of it waited, ms a step |\n|---|---|---:|---:|---:|---|---:|\n";

const PARTS: &str = "\nWhat the recorder did with the time, by the wall clock. The snapshot is taken \
by the thread that trains; all else is done beside it, on cores that the training also wants.\n\n\
| parameters | recorder | committed every | snapshot, ms a commit | read, ms a commit | hash, ms a \
commit | mine, ms a block | append and sync, ms a block | commits a block |\n\
|---|---|---:|---:|---:|---:|---:|---:|---:|\n";

fn in_percent(ratio: Estimate) -> Estimate {
    Estimate {
        value: 100.0 * (ratio.value - 1.0),
        low: 100.0 * (ratio.low - 1.0),
        high: 100.0 * (ratio.high - 1.0),
        samples: ratio.samples,
    }
}

/// A sentence on each variant of a size: whether it costs anything.
fn verdict(text: &mut String, variants: &[Variant], size: Size) {
    let recorded = variants.iter().filter(|variant| variant.size == size);
    let sentences: Vec<String> = recorded
        .filter_map(|variant| {
            let more = in_percent(variant.ratio?);
            let what = match variant.mode {
                Mode::Gate => "gate mode".to_owned(),
                _ => format!("pipelined, committed every {}", variant.commit_every?),
            };
            let verdict = if more.contains(0.0) {
                "no difference could be told"
            } else if more.value > 0.0 {
                "slower"
            } else {
                "faster"
            };
            Some(format!("{what}: {verdict} ({more:+.1} %)"))
        })
        .collect();
    if !sentences.is_empty() {
        let _ = writeln!(text, "{size} parameters: {}.\n", sentences.join("; "));
    }
}
