//! What the trainings show.

use super::{MODES, Mode, Row, TASKS, Task};
use crate::paper::plot::{Axis, Figure, Legend, Point, Scale, Series, Shape};
use crate::paper::stats::Estimate;
use std::collections::BTreeMap;
use std::fmt::Write;

/// All trainings of one task in one mode, compared with those of the same seeds
/// with the recorder off.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Which task.
    pub task: Task,
    /// Which mode.
    pub mode: Mode,
    /// Seeds of which both trainings are there.
    pub seeds: usize,
    /// Of these, whose parameters are equal bit for bit at every evaluation.
    pub equal: usize,
    /// Evaluations that were compared, all seeds together.
    pub evaluations: usize,
    /// Runs whose record verifies and ends with the trained parameters.
    pub verified: usize,
    /// Held-out accuracy at the end, 0 to 1.
    pub accuracy: Option<Estimate>,
    /// Held-out loss at the end, in nats.
    pub loss: Option<Estimate>,
    /// Accuracy at the end less that with the recorder off, paired by seed.
    pub accuracy_change: Option<Estimate>,
    /// Loss at the end less that with the recorder off, paired by seed.
    pub loss_change: Option<Estimate>,
    /// Share of the time in the loop that training waited for the recorder.
    pub waited: Option<Estimate>,
}

/// All comparisons that the rows allow.
pub fn compare(rows: &[Row]) -> Vec<Comparison> {
    let mut comparisons = Vec::new();
    for task in TASKS {
        let off = by_seed(rows, task, Mode::Off);
        for mode in MODES {
            let these = by_seed(rows, task, mode);
            let pairs: Vec<_> = these
                .iter()
                .filter_map(|(seed, rows)| Some((&rows[..], &off.get(seed)?[..])))
                .collect();
            if !pairs.is_empty() {
                comparisons.push(Comparison::of(task, mode, &pairs));
            }
        }
    }
    comparisons
}

impl Comparison {
    fn of(task: Task, mode: Mode, pairs: &[(&[&Row], &[&Row])]) -> Self {
        let is_equal = |(these, off): &&(&[&Row], &[&Row])| {
            these.len() == off.len()
                && these
                    .iter()
                    .zip(*off)
                    .all(|(a, b)| a.step == b.step && a.parameters == b.parameters)
        };
        let ends: Vec<(&Row, &Row)> = pairs
            .iter()
            .filter_map(|(these, off)| Some((*these.last()?, *off.last()?)))
            .collect();
        let mean = |of: &dyn Fn(&(&Row, &Row)) -> f64| {
            let values: Vec<f64> = ends.iter().map(of).collect();
            Estimate::of_mean(&values)
        };
        Comparison {
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

    /// Whether the recorder must change nothing in this mode.
    fn must_be_equal(&self) -> bool {
        matches!(self.mode, Mode::Pipelined | Mode::Gate)
    }
}

/// The rows of a task and mode by seed, each in the order of steps.
fn by_seed(rows: &[Row], task: Task, mode: Mode) -> BTreeMap<u64, Vec<&Row>> {
    let mut found: BTreeMap<u64, Vec<&Row>> = BTreeMap::new();
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

/// The plots: loss and accuracy of each task. Where a mode's parameters are those
/// of the recorder off, its curve is the same, so only two have their bands.
pub fn figures(rows: &[Row]) -> Vec<(String, Figure)> {
    let mut figures = Vec::new();
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
            let figure = Figure {
                title: format!("{task}, {what}: mean over the seeds, 95 % confidence bands"),
                x: Axis::new("optimizer steps", Scale::Linear),
                y: Axis::new(quantity.label, Scale::Linear),
                series,
                legend: quantity.legend,
            };
            figures.push((format!("convergence_{name}_{what}"), figure));
        }
    }
    figures
}

/// What is drawn.
struct Quantity {
    label: &'static str,
    legend: Legend,
    of: fn(&Row) -> f64,
}

/// The mean over all seeds, step by step.
fn curve(rows: &[Row], task: Task, mode: Mode, quantity: &Quantity) -> Vec<Point> {
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
    let has_band = matches!(mode, Mode::Off | Mode::Bound);
    let point = |(step, values): (&u64, &Vec<f64>)| {
        let point = Point::at(*step as f64, Estimate::of_mean(values)?);
        let interval = point.interval.filter(|_| has_band);
        Some(Point { interval, ..point })
    };
    by_step.iter().filter_map(point).collect()
}

/// The section's text: tables and verdicts.
pub fn section(rows: &[Row]) -> String {
    let comparisons = compare(rows);
    let mut text = String::from(CLAIM);
    text.push_str(TABLE);
    for comparison in &comparisons {
        line(&mut text, comparison);
    }
    text.push('\n');
    verdict_on_recording(&mut text, &comparisons);
    for comparison in comparisons.iter().filter(|c| c.mode == Mode::Bound) {
        verdict_on_bound_order(&mut text, comparison);
    }
    text
}

const CLAIM: &str = "The paper claims a minimal impact on convergence. Each training was done with \
the recorder off, pipelined, in gate mode, and with an order of samples that is bound to the chain, \
for each seed from the same initial weights. The program with the recorder off has the same loader \
and seeds the device alike, and is otherwise without it. Values are means over the seeds with 95 % \
confidence intervals (Student's); differences are paired by seed.\n\n";

const TABLE: &str = "| training | recorder | seeds | parameters equal to off, at every evaluation | \
held-out accuracy, % | difference, points | held-out loss, nats | difference, nats | waited, % of \
the time | runs that verify |\n|---|---|---:|---:|---|---|---|---|---|---:|\n";

fn line(text: &mut String, comparison: &Comparison) {
    let Comparison {
        task, mode, seeds, ..
    } = comparison;
    let shown = |estimate: Option<Estimate>, scale: f64, decimals: usize| {
        let estimate = estimate.map(|estimate| estimate.times(scale));
        estimate.map_or("one seed".into(), |e| format!("{e:.decimals$}"))
    };
    let changed = |estimate: Option<Estimate>, scale: f64, decimals: usize| {
        let estimate = estimate.map(|estimate| estimate.times(scale));
        match (mode, estimate) {
            (Mode::Off, _) => "".into(),
            (_, Some(estimate)) => format!("{estimate:+.decimals$}"),
            (_, None) => "one seed".into(),
        }
    };
    let equal = match mode {
        Mode::Off => String::new(),
        _ => format!("{} of {seeds} seeds", comparison.equal),
    };
    let verified = match mode {
        Mode::Off => String::new(),
        _ => format!("{} of {seeds}", comparison.verified),
    };
    let waited = match mode {
        Mode::Off => String::new(),
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

fn verdict_on_recording(text: &mut String, comparisons: &[Comparison]) {
    let must: Vec<&Comparison> = comparisons.iter().filter(|c| c.must_be_equal()).collect();
    let trainings: usize = must.iter().map(|c| c.seeds).sum();
    let equal: usize = must.iter().map(|c| c.equal).sum();
    let evaluations: usize = must.iter().map(|c| c.evaluations).sum();
    let verdict = match (trainings, trainings - equal) {
        (0, _) => {
            "**Not measured** for a recorder that leaves the order of samples as it is.".into()
        }
        (_, 0) => format!(
            "**Holds, and more than claimed**: pipelined and in gate mode the recorder changed \
             nothing. In all {trainings} recorded trainings the parameters were those of the \
             training without it, bit for bit, at each of {evaluations} evaluations."
        ),
        (_, changed) => format!(
            "**Does not hold as designed**: {changed} of {trainings} recorded trainings came to \
             other parameters than without the recorder."
        ),
    };
    let _ = writeln!(text, "{verdict}\n");
}

fn verdict_on_bound_order(text: &mut String, comparison: &Comparison) {
    let task = comparison.task;
    let Some(change) = comparison.accuracy_change.map(|change| change.times(100.0)) else {
        let _ = writeln!(
            text,
            "Of a bound order of the {task}, one seed says nothing.\n"
        );
        return;
    };
    let verdict = if change.contains(0.0) {
        format!(
            "**no difference was found**; one of more than {:.2} points either way is excluded \
             with 95 % confidence",
            change.low.abs().max(change.high.abs())
        )
    } else if change.value < 0.0 {
        "**a loss was found**".into()
    } else {
        "**a gain was found**".into()
    };
    let _ = writeln!(
        text,
        "A bound order is another order in every run, hence other parameters. Of the {task} it \
         changed the held-out accuracy by {change:+.2} percentage points ({} seeds): {verdict}.\n",
        change.samples
    );
}
