//! What the timings show.

use super::plan::{MODEL_SIZES, ModelSize, OverheadRow};
use crate::paper::plot::{Axis, Legend, Plot, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, median};
use crate::paper::training::RecorderMode;
use std::collections::BTreeSet;
use std::fmt::Write;

/// One variant over all its rounds. Times are medians over the rounds, in
/// milliseconds.
#[derive(Clone, Debug)]
pub struct VariantTimes {
    /// The size.
    pub size: ModelSize,
    /// Parameters of the model.
    pub parameters: u64,
    /// How it is recorded.
    pub mode: RecorderMode,
    /// Commit interval, in steps. `None` with the recorder off.
    pub commit_every: Option<u64>,
    /// Number of rounds.
    pub rounds: usize,
    /// Time of a step.
    pub step_ms: f64,
    /// Time of a step, divided by the time with the recorder off in the same
    /// round.
    pub ratio: Option<Estimate>,
    /// The part of a step in which training waited for the recorder.
    pub waited_ms: f64,
    /// The time of each of [`STAGES`]. `None` with the recorder off.
    pub stages: [Option<f64>; STAGES.len()],
    /// Committed steps per block. `None` with the recorder off.
    pub per_block: Option<f64>,
}

/// The time of one stage, in milliseconds.
type StageColumn = fn(&OverheadRow) -> Option<f64>;

/// The stages of the recorder, and what each time is measured by.
pub const STAGES: [(&str, StageColumn); 5] = [
    ("snapshot, a commit", |row| row.snapshot_ms),
    ("read, a commit", |row| row.read_ms),
    ("hash, a commit", |row| row.hash_ms),
    ("mine, a block", |row| row.mine_ms),
    ("append and sync, a block", |row| {
        Some(row.append_ms? + row.sync_ms?)
    }),
];

/// All variants, sorted by size.
pub fn variants(rows: &[OverheadRow]) -> Vec<VariantTimes> {
    let mut variants = Vec::new();
    for size in MODEL_SIZES {
        let of_size: Vec<&OverheadRow> = rows.iter().filter(|row| row.size == size).collect();
        let kinds: BTreeSet<_> = of_size
            .iter()
            .map(|row| (row.mode, row.commit_every))
            .collect();
        for (mode, commit_every) in kinds {
            let these: Vec<&OverheadRow> = of_size
                .iter()
                .filter(|row| (row.mode, row.commit_every) == (mode, commit_every))
                .copied()
                .collect();
            variants.extend(VariantTimes::of(&these, &of_size));
        }
    }
    variants
}

impl VariantTimes {
    fn of(rows: &[&OverheadRow], all: &[&OverheadRow]) -> Option<Self> {
        let first = rows.first()?;
        let over_rounds = |value: &dyn Fn(&OverheadRow) -> Option<f64>| {
            let values: Option<Vec<f64>> = rows.iter().map(|row| value(row)).collect();
            median(&values?)
        };
        let off = |round| {
            let mut off = all.iter().filter(|row| row.mode == RecorderMode::Off);
            off.find(|row| row.round == round).map(|row| row.step_ms)
        };
        let pairs: Vec<(f64, f64)> = rows
            .iter()
            .filter_map(|row| Some((row.step_ms, off(row.round)?)))
            .collect();
        Some(VariantTimes {
            size: first.size,
            parameters: first.parameters,
            mode: first.mode,
            commit_every: first.commit_every,
            rounds: rows.len(),
            step_ms: over_rounds(&|row| Some(row.step_ms))?,
            ratio: Estimate::of_ratio(&pairs).filter(|_| first.mode != RecorderMode::Off),
            waited_ms: over_rounds(&|row| Some(row.waited_ms))?,
            stages: STAGES.map(|(_, time)| over_rounds(&time)),
            per_block: over_rounds(&|row| Some(row.committed? as f64 / row.blocks? as f64)),
        })
    }
}

/// The plots with their file names: how much longer a step takes, and where the
/// recorder spends its time, both by the size of the model.
pub fn plots(rows: &[OverheadRow]) -> Vec<(String, Plot)> {
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
    let gate: Vec<&VariantTimes> = variants
        .iter()
        .filter(|v| v.mode == RecorderMode::Gate)
        .collect();
    let stages = STAGES.iter().enumerate().map(|(at, (label, _))| {
        let points = gate.iter().filter_map(|variant| {
            Some(Point {
                x: variant.parameters as f64,
                y: variant.stages[at]?,
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
    let plots = [
        Plot {
            title: "A step with the recorder on: geometric mean, 95 % confidence".into(),
            x: size(),
            y: Axis::new("longer than with the recorder off, %", Scale::Linear),
            series: more.collect(),
            legend: Legend::UpperRight,
        },
        Plot {
            title: "What the recorder does in gate mode: medians".into(),
            x: size(),
            y: Axis::new("time, ms", Scale::Logarithmic),
            series: stages.collect(),
            legend: Legend::UpperLeft,
        },
    ];
    let names = ["overhead_step", "overhead_parts"].map(String::from);
    let drawn = |(_, plot): &(String, Plot)| plot.series.iter().any(|s| !s.points.is_empty());
    names.into_iter().zip(plots).filter(drawn).collect()
}

/// The section's text: tables and verdicts.
pub fn section(rows: &[OverheadRow]) -> String {
    let variants = variants(rows);
    let mut text = String::from(CLAIM);
    text.push_str(STEPS);
    for variant in &variants {
        let VariantTimes {
            size,
            mode,
            rounds,
            step_ms,
            waited_ms,
            ..
        } = variant;
        let every = variant
            .commit_every
            .map_or(String::new(), |every| every.to_string());
        let more = match (mode, variant.ratio) {
            (RecorderMode::Off, _) => String::new(),
            (_, None) => "one round".into(),
            (_, Some(ratio)) => format!("{:+.1}", in_percent(ratio)),
        };
        let _ = writeln!(
            text,
            "| {size} ({}) | {mode} | {every} | {rounds} | {step_ms:.2} | {more} | {waited_ms:.3} |",
            variant.parameters
        );
    }
    text.push_str(PARTS);
    for variant in &variants {
        let VariantTimes { size, mode, .. } = variant;
        let [
            Some(snapshot),
            Some(read),
            Some(hash),
            Some(mine),
            Some(append),
        ] = variant.stages
        else {
            continue;
        };
        let (Some(every), Some(per_block)) = (variant.commit_every, variant.per_block) else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {size} | {mode} | {every} | {snapshot:.4} | {read:.4} | {hash:.3} | {mine:.2} | \
             {append:.3} | {per_block:.2} |"
        );
    }
    text.push('\n');
    for size in MODEL_SIZES {
        verdict(&mut text, &variants, size);
    }
    let intervals = variants.iter().filter(|variant| variant.ratio.is_some());
    let _ = writeln!(
        text,
        "By chance, one in twenty 95 % intervals misses the true value. There are {} here.\n",
        intervals.count()
    );
    text
}

const CLAIM: &str = "The paper does not say how much time recording takes. We trained a perceptron of \
three sizes on noise, with Adam and batches of 64, on the CPU. The recorder was off, in gate mode, or \
pipelined at several commit intervals. Each round timed all variants of a size, one after another, each \
in its own process. Where the allocator is glibc's, it was told to keep its memory. Otherwise some \
trainings return large blocks to the system and request them again in each step, and others do not, \
which costs more than the recorder. Training and recorder share the cores, and Burn uses all of them. \
Times are medians over the rounds. The increase is the geometric mean over the rounds with its 95 % \
confidence interval.\n\n";

const STEPS: &str = "| parameters | recorder | committed every | rounds | ms per step | increase over \
off, % | ms waited per step |\n|---|---|---:|---:|---:|---|---:|\n";

const PARTS: &str = "\nWhere the recorder spent its time, by the wall clock. The training thread takes \
the snapshot. Other threads do the rest, on cores that the training also uses.\n\n\
| parameters | recorder | committed every | snapshot, ms per commit | read, ms per commit | hash, ms \
per commit | mine, ms per block | append and sync, ms per block | commits per block |\n\
|---|---|---:|---:|---:|---:|---:|---:|---:|\n";

fn in_percent(ratio: Estimate) -> Estimate {
    Estimate {
        value: 100.0 * (ratio.value - 1.0),
        low: 100.0 * (ratio.low - 1.0),
        high: 100.0 * (ratio.high - 1.0),
        samples: ratio.samples,
    }
}

/// Whether each variant of a size is slower than with the recorder off.
fn verdict(text: &mut String, variants: &[VariantTimes], size: ModelSize) {
    let recorded = variants.iter().filter(|variant| variant.size == size);
    let sentences: Vec<String> = recorded
        .filter_map(|variant| {
            let more = in_percent(variant.ratio?);
            let what = match variant.mode {
                RecorderMode::Gate => "gate mode".to_owned(),
                _ => format!("pipelined, committed every {}", variant.commit_every?),
            };
            let verdict = if more.contains(0.0) {
                "no measurable difference"
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
