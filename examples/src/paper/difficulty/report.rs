//! What the mining times show.

use super::{Plan, RULES, Row, Rule, SCENARIOS, Scenario};
use crate::paper::plot::{Axis, Figure, Legend, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, mean, median};
use std::fmt::Write;

/// Blocks that must stay near the aim for the rule to have recovered.
const SETTLED: usize = 25;

/// How far from the aim is near, in either direction.
const NEAR: f64 = 2.0;

/// One rule in one scenario, over all its runs.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What changed.
    pub scenario: Scenario,
    /// How the difficulty followed.
    pub rule: Rule,
    /// How far the expected mining time was from the aim before the change, as
    /// a factor: 2 to the root mean square of its binary logarithm.
    pub off_before: f64,
    /// The same from the change on.
    pub off_after: f64,
    /// Mining time of a block in the last quarter, in aims: the mean over the
    /// runs. `None` of one run.
    pub at_last: Option<Estimate>,
    /// For each run, the blocks from the change until the expected mining time
    /// was within a factor of two of the aim and stayed so for 25 blocks, and
    /// the mining time of these blocks in aims.
    pub recovered: Vec<Option<(usize, f64)>>,
}

impl Outcome {
    fn of(rows: &[&Row]) -> Option<Self> {
        let first = rows.first()?;
        let (before, after): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.block < 0);
        let last = after.iter().map(|row| row.block).max()?;
        let (mut at_last, mut recovered) = (Vec::new(), Vec::new());
        for seed in 0.. {
            let run: Vec<&Row> = after.iter().copied().filter(|r| r.seed == seed).collect();
            if run.is_empty() {
                break;
            }
            let late = run.iter().filter(|row| 4 * row.block >= 3 * last);
            at_last.push(mean(&late.map(|row| row.took).collect::<Vec<_>>())?);
            recovered.push(recovery(&run));
        }
        Some(Outcome {
            scenario: first.scenario,
            rule: first.rule,
            off_before: off(&before)?,
            off_after: off(&after)?,
            at_last: Estimate::of_mean(&at_last),
            recovered,
        })
    }

    /// Whether every run recovered.
    pub fn holds(&self) -> bool {
        !self.recovered.is_empty() && self.recovered.iter().all(Option::is_some)
    }
}

/// Every rule in every scenario.
pub fn outcomes(rows: &[Row]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for scenario in SCENARIOS {
        for rule in RULES {
            let these = rows.iter();
            let these = these.filter(|row| (row.scenario, row.rule) == (scenario, rule));
            outcomes.extend(Outcome::of(&these.collect::<Vec<_>>()));
        }
    }
    outcomes
}

/// How far the expected mining times are from the aim.
fn off(rows: &[&Row]) -> Option<f64> {
    let squares: Vec<f64> = rows.iter().map(|row| row.expected.log2().powi(2)).collect();
    Some(mean(&squares)?.sqrt().exp2())
}

/// Blocks, and their mining time, until the expected one stays near the aim.
fn recovery(run: &[&Row]) -> Option<(usize, f64)> {
    let is_near = |row: &&Row| (1.0 / NEAR..=NEAR).contains(&row.expected);
    let at = run
        .windows(SETTLED)
        .position(|rows| rows.iter().all(is_near))?;
    Some((at, run[..at].iter().map(|row| row.took).sum()))
}

/// The plots: a run of each rule, for every scenario.
pub fn figures(rows: &[Row]) -> Vec<(String, Figure)> {
    let mut figures = Vec::new();
    for scenario in SCENARIOS {
        // Drawn over the others, ours last.
        let rules = [
            (Rule::PaperWall, Shape::Dots),
            (Rule::Paper, Shape::Dots),
            (Rule::Fixed, Shape::Line),
            (Rule::Asert, Shape::Line),
        ];
        let series: Vec<Series> = rules
            .into_iter()
            .map(|(rule, shape)| {
                let run = rows
                    .iter()
                    .filter(|row| (row.scenario, row.rule, row.seed) == (scenario, rule, 0));
                let points = run.map(|row| Point {
                    x: row.block as f64,
                    y: row.expected,
                    interval: None,
                });
                Series {
                    label: rule.to_string(),
                    shape,
                    points: points.collect(),
                }
            })
            .collect();
        if series.iter().all(|series| series.points.is_empty()) {
            continue;
        }
        let name = match scenario {
            Scenario::Faster => "difficulty_faster",
            Scenario::Slower => "difficulty_slower",
            Scenario::Drift => "difficulty_drift",
            Scenario::Pause => "difficulty_pause",
        };
        let figure = Figure {
            title: format!("At block 0: {scenario}"),
            x: Axis::new("block", Scale::Linear),
            y: Axis::new("expected mining time, in aims", Scale::Logarithmic),
            series,
            legend: Legend::UpperLeft,
        };
        figures.push((name.into(), figure));
    }
    figures
}

/// The section's text: table and verdict.
pub fn section(plan: &Plan, rows: &[Row]) -> String {
    let mut text = String::from(CLAIM);
    let _ = writeln!(
        text,
        "The aim is {} ms; at first the hash rate finds {} zero hex digits in that time on average, \
         so that the paper's rule can meet it exactly. ASERT's half-life is {} aims. Each run has {} \
         blocks before the change and {} from it on, {} runs a line.\n",
        plan.aim_ms,
        plan.hex_digits,
        plan.half_life_ms as f64 / plan.aim_ms as f64,
        plan.before,
        plan.after,
        plan.seeds,
    );
    text.push_str(TABLE);
    let outcomes = outcomes(rows);
    for outcome in &outcomes {
        let at_last = match outcome.at_last {
            Some(at_last) => format!("{at_last:.2}"),
            None => "one run".into(),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} | {at_last} | {} |",
            outcome.scenario,
            outcome.rule,
            outcome.off_before,
            outcome.off_after,
            recovered(outcome),
        );
    }
    let _ = writeln!(text, "\n{}", verdict(&outcomes));
    text
}

const CLAIM: &str = "The paper adjusts the difficulty by one hex digit after each block: one more if \
it came too early, else one fewer. Beside it stand ASERT, which is this workspace's rule, and a fixed \
difficulty. All blocks were mined, but by a clock that is not real: it goes on by the attempts over \
a hash rate that is set, so that the rate can change at once. The paper's rule exists only in this \
comparison, on either of the times that it may mean. Expected mining time is that of the target in \
force, without the luck of the single block.\n\n";

const TABLE: &str = "| change | rule | off the aim before, factor | off the aim after, factor | mining \
time of a block in the last quarter, in aims | recovered: within a factor of two of the aim for 25 \
blocks |\n|---|---|---:|---:|---|---|\n";

fn recovered(outcome: &Outcome) -> String {
    let such: Vec<(usize, f64)> = outcome.recovered.iter().copied().flatten().collect();
    let blocks: Vec<f64> = such.iter().map(|(blocks, _)| *blocks as f64).collect();
    let times: Vec<f64> = such.iter().map(|(_, time)| *time).collect();
    let all = outcome.recovered.len();
    match (median(&blocks), median(&times)) {
        (Some(blocks), Some(time)) => format!(
            "{} of {all} runs, after {blocks:.0} blocks and {time:.0} aims of mining (medians)",
            such.len()
        ),
        _ => format!("0 of {all} runs"),
    }
}

fn verdict(outcomes: &[Outcome]) -> String {
    let holds = |rule| {
        let of: Vec<&Outcome> = outcomes.iter().filter(|o| o.rule == rule).collect();
        let held = of.iter().filter(|outcome| outcome.holds()).count();
        (held, of.len())
    };
    let rules = RULES.map(|rule| {
        let (held, all) = holds(rule);
        format!("{rule}: {held} of {all}")
    });
    let verdict = match (
        holds(Rule::Asert),
        holds(Rule::Paper),
        holds(Rule::PaperWall),
    ) {
        ((_, 0), ..) | (_, (_, 0), _) | (.., (_, 0)) => "**Not measured** for all rules",
        ((ours, all), (mining, _), (wall, _)) if ours == all && mining.max(wall) == 0 => {
            "**The paper's rule does not hold the mining time, and ASERT does**"
        }
        ((ours, all), (mining, _), (wall, _)) if ours == all && mining.max(wall) < all => {
            "**ASERT holds the mining time, and the paper's rule does so in part**"
        }
        ((ours, all), ..) if ours == all => "**All rules that adjust hold the mining time**",
        _ => "**ASERT does not hold the mining time in every case**",
    };
    format!(
        "{verdict}. Changes from which a rule recovered in all runs: {}. A fixed difficulty does not \
         see a step or a pause at all, and does not follow the hash rate.\n",
        rules.join("; ")
    )
}
