//! What the trainings show.

use super::plan::{ConvergenceRow, MODES, TASKS, Task};
use crate::paper::plot::{Axis, Legend, Plot, Point, Scale, Series, Shape};
use crate::paper::stats::Estimate;
use crate::paper::training::RecorderMode;
use std::collections::BTreeMap;
use std::fmt::Write;

/// All trainings of one task in one mode, compared with the trainings of the same
/// seeds with the recorder off.
#[derive(Clone, Debug)]
pub struct ModeComparison {
    /// Which task.
    pub task: Task,
    /// Which mode.
    pub mode: RecorderMode,
    /// Seeds for which both trainings are there.
    pub seeds: usize,
    /// Seeds for which all parameters are equal, bit for bit, at every evaluation.
    pub equal: usize,
    /// Evaluations that were compared, over all seeds.
    pub evaluations: usize,
    /// Runs that verify and end with the trained parameters.
    pub verified: usize,
    /// Held-out accuracy at the end, 0 to 1.
    pub accuracy: Option<Estimate>,
    /// Held-out loss at the end, in nats.
    pub loss: Option<Estimate>,
    /// Accuracy at the end minus the accuracy with the recorder off, paired by
    /// seed.
    pub accuracy_change: Option<Estimate>,
    /// Loss at the end minus the loss with the recorder off, paired by seed.
    pub loss_change: Option<Estimate>,
    /// Share of the time in the loop in which training waited for the recorder.
    pub waited: Option<Estimate>,
}

/// Every comparison for which there are rows.
pub fn compare(rows: &[ConvergenceRow]) -> Vec<ModeComparison> {
    let mut comparisons = Vec::new();
    for task in TASKS {
        let off = by_seed(rows, task, RecorderMode::Off);
        for mode in MODES {
            let these = by_seed(rows, task, mode);
            let pairs: Vec<_> = these
                .iter()
                .filter_map(|(seed, rows)| Some((&rows[..], &off.get(seed)?[..])))
                .collect();
            if !pairs.is_empty() {
                comparisons.push(ModeComparison::of(task, mode, &pairs));
            }
        }
    }
    comparisons
}

/// The rows of one training, and those of the same seed with the recorder off.
type Pair<'a> = (&'a [&'a ConvergenceRow], &'a [&'a ConvergenceRow]);

impl ModeComparison {
    fn of(task: Task, mode: RecorderMode, pairs: &[Pair<'_>]) -> Self {
        let is_equal = |(these, off): &&Pair<'_>| {
            these.len() == off.len()
                && these
                    .iter()
                    .zip(*off)
                    .all(|(a, b)| a.step == b.step && a.parameters == b.parameters)
        };
        let ends: Vec<(&ConvergenceRow, &ConvergenceRow)> = pairs
            .iter()
            .filter_map(|(these, off)| Some((*these.last()?, *off.last()?)))
            .collect();
        let mean = |of: &dyn Fn(&(&ConvergenceRow, &ConvergenceRow)) -> f64| {
            let values: Vec<f64> = ends.iter().map(of).collect();
            Estimate::of_mean(&values)
        };
        ModeComparison {
            task,
            mode,
            seeds: pairs.len(),
            equal: pairs.iter().filter(is_equal).count(),
            evaluations: pairs.iter().map(|(these, _)| these.len()).sum(),
            verified: ends
                .iter()
                .filter(|(this, _)| this.verified == Some(true))
                .count(),
            accuracy: mean(&|(this, _)| this.test_accuracy),
            loss: mean(&|(this, _)| this.test_loss),
            accuracy_change: mean(&|(this, off)| this.test_accuracy - off.test_accuracy),
            loss_change: mean(&|(this, off)| this.test_loss - off.test_loss),
            waited: mean(&|(this, _)| this.waited_seconds / this.seconds),
        }
    }

    /// Whether recording in this mode must change nothing.
    fn must_be_equal(&self) -> bool {
        matches!(self.mode, RecorderMode::Pipelined | RecorderMode::Gate)
    }
}

/// The rows of a task and mode by seed, in the order of steps.
fn by_seed(
    rows: &[ConvergenceRow],
    task: Task,
    mode: RecorderMode,
) -> BTreeMap<u64, Vec<&ConvergenceRow>> {
    let mut found: BTreeMap<u64, Vec<&ConvergenceRow>> = BTreeMap::new();
    for row in rows
        .iter()
        .filter(|row| (row.task, row.mode) == (task, mode))
    {
        found.entry(row.seed).or_default().push(row);
    }
    for rows in found.values_mut() {
        rows.sort_by_key(|row| row.step);
    }
    found
}

/// The plots with their file names: loss and accuracy of each task.
///
/// Pipelined and gate mode have the curve of the recorder off, so only the two
/// modes with curves of their own show a band.
pub fn plots(rows: &[ConvergenceRow]) -> Vec<(String, Plot)> {
    let mut plots = Vec::new();
    for (task, name) in TASKS.into_iter().zip(["digits", "text"]) {
        let loss = Quantity {
            label: "held-out loss, nats",
            legend: Legend::UpperRight,
            of: |row| row.test_loss,
        };
        let accuracy = Quantity {
            label: "held-out accuracy, %",
            legend: Legend::LowerRight,
            of: |row| 100.0 * row.test_accuracy,
        };
        for (quantity, what) in [(loss, "loss"), (accuracy, "accuracy")] {
            let series = MODES.map(|mode| Series {
                label: mode.to_string(),
                shape: Shape::Line,
                points: curve(rows, task, mode, &quantity),
            });
            let series: Vec<Series> = series
                .into_iter()
                .filter(|s| !s.points.is_empty())
                .collect();
            if series.is_empty() {
                continue;
            }
            let plot = Plot {
                title: format!("{task}, {what}: mean over the seeds, 95 % confidence bands"),
                x: Axis::new("optimizer steps", Scale::Linear),
                y: Axis::new(quantity.label, Scale::Linear),
                series,
                legend: quantity.legend,
            };
            plots.push((format!("convergence_{name}_{what}"), plot));
        }
    }
    plots
}

/// A column that is drawn.
struct Quantity {
    label: &'static str,
    legend: Legend,
    of: fn(&ConvergenceRow) -> f64,
}

/// The mean over all seeds, step by step.
fn curve(
    rows: &[ConvergenceRow],
    task: Task,
    mode: RecorderMode,
    quantity: &Quantity,
) -> Vec<Point> {
    let these = rows
        .iter()
        .filter(|row| (row.task, row.mode) == (task, mode));
    let mut by_step: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for row in these {
        by_step
            .entry(row.step)
            .or_default()
            .push((quantity.of)(row));
    }
    let has_band = matches!(mode, RecorderMode::Off | RecorderMode::Bound);
    let point = |(step, values): (&u64, &Vec<f64>)| {
        let point = Point::at(*step as f64, Estimate::of_mean(values)?);
        let interval = point.interval.filter(|_| has_band);
        Some(Point { interval, ..point })
    };
    by_step.iter().filter_map(point).collect()
}

/// The section's text: tables and verdicts.
pub fn section(rows: &[ConvergenceRow]) -> String {
    let comparisons = compare(rows);
    let mut text = String::from(CLAIM);
    text.push_str(TABLE);
    for comparison in &comparisons {
        line(&mut text, comparison);
    }
    text.push('\n');
    verdict_on_recording(&mut text, &comparisons);
    for comparison in comparisons.iter().filter(|c| c.mode == RecorderMode::Bound) {
        verdict_on_bound_order(&mut text, comparison);
    }
    text
}

const CLAIM: &str = "The paper claims a minimal impact on convergence. We trained each network with \
the recorder off, pipelined, in gate mode, and with an order of samples that is bound to the chain. \
For one seed, all trainings start from the same weights. With the recorder off, the program uses the \
same loader and seeds the device in the same way, and runs no other part of the recorder. Values are \
means over the seeds with Student's 95 % confidence intervals. Differences are paired by \
seed.\n\n";

const TABLE: &str = "| training | recorder | seeds | same parameters as off, at every evaluation | \
held-out accuracy, % | difference, points | held-out loss, nats | difference, nats | time waited, % \
| runs that verify |\n|---|---|---:|---:|---|---|---|---|---|---:|\n";

fn line(text: &mut String, comparison: &ModeComparison) {
    let ModeComparison {
        task, mode, seeds, ..
    } = comparison;
    let shown = |estimate: Option<Estimate>, scale: f64, decimals: usize| {
        let estimate = estimate.map(|estimate| estimate.times(scale));
        estimate.map_or("one seed".into(), |e| format!("{e:.decimals$}"))
    };
    let changed = |estimate: Option<Estimate>, scale: f64, decimals: usize| {
        let estimate = estimate.map(|estimate| estimate.times(scale));
        match (mode, estimate) {
            (RecorderMode::Off, _) => "".into(),
            (_, Some(estimate)) => format!("{estimate:+.decimals$}"),
            (_, None) => "one seed".into(),
        }
    };
    let equal = match mode {
        RecorderMode::Off => String::new(),
        _ => format!("{} of {seeds} seeds", comparison.equal),
    };
    let verified = match mode {
        RecorderMode::Off => String::new(),
        _ => format!("{} of {seeds}", comparison.verified),
    };
    let waited = match mode {
        RecorderMode::Off => String::new(),
        _ => shown(comparison.waited, 100.0, 1),
    };
    let _ = writeln!(
        text,
        "| {task} | {mode} | {seeds} | {equal} | {} | {} | {} | {} | {waited} | {verified} |",
        shown(comparison.accuracy, 100.0, 2),
        changed(comparison.accuracy_change, 100.0, 2),
        shown(comparison.loss, 1.0, 4),
        changed(comparison.loss_change, 1.0, 4),
    );
}

fn verdict_on_recording(text: &mut String, comparisons: &[ModeComparison]) {
    let must: Vec<&ModeComparison> = comparisons.iter().filter(|c| c.must_be_equal()).collect();
    let trainings: usize = must.iter().map(|c| c.seeds).sum();
    let equal: usize = must.iter().map(|c| c.equal).sum();
    let evaluations: usize = must.iter().map(|c| c.evaluations).sum();
    let verdict = match (trainings, trainings - equal) {
        (0, _) => {
            "**Not measured**: no training was recorded with its usual order of samples.".into()
        }
        (_, 0) => format!(
            "**Holds, and more than claimed**: pipelined and in gate mode the recorder changed \
             nothing. In all {trainings} recorded trainings the parameters were the same as \
             without the recorder, bit for bit, at each of {evaluations} evaluations."
        ),
        (_, changed) => format!(
            "**Does not hold as designed**: {changed} of {trainings} recorded trainings had other \
             parameters than the training without the recorder."
        ),
    };
    let _ = writeln!(text, "{verdict}\n");
}

fn verdict_on_bound_order(text: &mut String, comparison: &ModeComparison) {
    let task = comparison.task;
    let Some(change) = comparison.accuracy_change.map(|change| change.times(100.0)) else {
        let _ = writeln!(
            text,
            "One seed says nothing about a bound order of the {task}.\n"
        );
        return;
    };
    let verdict = if change.contains(0.0) {
        format!(
            "**no difference was found**. A difference of more than {:.2} points either way is \
             excluded with 95 % confidence",
            change.low.abs().max(change.high.abs())
        )
    } else if change.value < 0.0 {
        "**a loss was found**".into()
    } else {
        "**a gain was found**".into()
    };
    let _ = writeln!(
        text,
        "A bound order differs in every run, so the parameters differ too. It changed the held-out \
         accuracy of the {task} by {change:+.2} percentage points ({} seeds): {verdict}.\n",
        change.samples
    );
}
