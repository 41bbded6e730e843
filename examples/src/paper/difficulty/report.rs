//! What the mining times show.

use super::plan::{
    ADJUSTMENT_RULES, AdjustmentRule, DifficultyPlan, DifficultyRow, SCENARIOS, Scenario,
};
use crate::paper::plot::{Axis, Legend, Plot, Point, Scale, Series, Shape};
use crate::paper::stats::{Estimate, mean, median};
use std::fmt::Write;

/// A rule has recovered when this many blocks in a row are near the aim.
const SETTLED: usize = 25;

/// Largest factor from the aim, up or down, that still counts as near.
const NEAR: f64 = 2.0;

/// One rule in one scenario, over all its runs.
#[derive(Clone, Debug)]
pub struct RuleResult {
    /// What changed.
    pub scenario: Scenario,
    /// How the difficulty followed.
    pub rule: AdjustmentRule,
    /// How far the expected mining time was from the aim before the change, as
    /// a factor: 2 to the root mean square of its binary logarithm.
    pub off_before: f64,
    /// The same factor after the change.
    pub off_after: f64,
    /// Mining time of a block in the last quarter, in aims: the mean over the
    /// runs. `None` for a single run.
    pub at_last: Option<Estimate>,
    /// The recovery of each run: the number of blocks from the change until the
    /// expected mining time came within a factor of two of the aim and stayed
    /// there for 25 blocks, and the mining time of these blocks in aims. `None` if
    /// the run did not recover.
    pub recovered: Vec<Option<(usize, f64)>>,
}

impl RuleResult {
    fn of(rows: &[&DifficultyRow]) -> Option<Self> {
        let first = rows.first()?;
        let (before, after): (Vec<&DifficultyRow>, Vec<&DifficultyRow>) =
            rows.iter().partition(|row| row.block < 0);
        let last = after.iter().map(|row| row.block).max()?;
        let (mut at_last, mut recovered) = (Vec::new(), Vec::new());
        for seed in 0.. {
            let run: Vec<&DifficultyRow> =
                after.iter().copied().filter(|r| r.seed == seed).collect();
            if run.is_empty() {
                break;
            }
            let late = run.iter().filter(|row| 4 * row.block >= 3 * last);
            at_last.push(mean(&late.map(|row| row.took).collect::<Vec<_>>())?);
            recovered.push(recovery(&run));
        }
        Some(RuleResult {
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

/// The results of every rule in every scenario.
pub fn rule_results(rows: &[DifficultyRow]) -> Vec<RuleResult> {
    let mut rule_results = Vec::new();
    for scenario in SCENARIOS {
        for rule in ADJUSTMENT_RULES {
            let these = rows.iter();
            let these = these.filter(|row| (row.scenario, row.rule) == (scenario, rule));
            rule_results.extend(RuleResult::of(&these.collect::<Vec<_>>()));
        }
    }
    rule_results
}

/// How far the expected mining times are from the aim, as a factor.
fn off(rows: &[&DifficultyRow]) -> Option<f64> {
    let squares: Vec<f64> = rows.iter().map(|row| row.expected.log2().powi(2)).collect();
    Some(mean(&squares)?.sqrt().exp2())
}

/// The number of blocks until the expected mining time stays near the aim, and the
/// mining time of these blocks.
fn recovery(run: &[&DifficultyRow]) -> Option<(usize, f64)> {
    let is_near = |row: &&DifficultyRow| (1.0 / NEAR..=NEAR).contains(&row.expected);
    let at = run
        .windows(SETTLED)
        .position(|rows| rows.iter().all(is_near))?;
    Some((at, run[..at].iter().map(|row| row.took).sum()))
}

/// The plots with their file names: one run of each rule, for every scenario.
pub fn plots(rows: &[DifficultyRow]) -> Vec<(String, Plot)> {
    let mut plots = Vec::new();
    for scenario in SCENARIOS {
        // Later ones cover earlier ones; ours is last.
        let rules = [
            (AdjustmentRule::PaperWall, Shape::Dots),
            (AdjustmentRule::Paper, Shape::Dots),
            (AdjustmentRule::Fixed, Shape::Line),
            (AdjustmentRule::Asert, Shape::Line),
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
        let plot = Plot {
            title: format!("At block 0: {scenario}"),
            x: Axis::new("block", Scale::Linear),
            y: Axis::new("expected mining time, in aims", Scale::Logarithmic),
            series,
            legend: Legend::UpperLeft,
        };
        plots.push((name.into(), plot));
    }
    plots
}

/// The section's text: table and verdict.
pub fn section(plan: &DifficultyPlan, rows: &[DifficultyRow]) -> String {
    let mut text = String::from(CLAIM);
    let _ = writeln!(
        text,
        "The aim is {} ms. The initial hash rate finds {} zero hex digits in that time on average, so \
         the paper's rule can meet the aim exactly. ASERT's half-life is {} aims. Each run has {} \
         blocks before the change and {} after it. Each line shows {} runs.\n",
        plan.aim_ms,
        plan.hex_digits,
        plan.half_life_ms as f64 / plan.aim_ms as f64,
        plan.before,
        plan.after,
        plan.seeds,
    );
    text.push_str(TABLE);
    let rule_results = rule_results(rows);
    for result in &rule_results {
        let at_last = match result.at_last {
            Some(at_last) => format!("{at_last:.2}"),
            None => "one run".into(),
        };
        let _ = writeln!(
            text,
            "| {} | {} | {:.2} | {:.2} | {at_last} | {} |",
            result.scenario,
            result.rule,
            result.off_before,
            result.off_after,
            recovered(result),
        );
    }
    let _ = writeln!(text, "\n{}", verdict(&rule_results));
    text
}

const CLAIM: &str = "The paper adjusts the difficulty by one hex digit after each block: one more if \
the block came too early, one fewer otherwise. We compare its rule with ASERT, which is the rule of \
this project, and with a fixed difficulty. All blocks were really mined, but the clock is simulated. It \
advances by the attempts divided by a hash rate that we set, so the rate can change at once. The paper's \
rule exists only in this comparison. It is measured on both times that the paper may mean. The expected \
mining time follows from the current target alone, so the luck of a single block does not \
count.\n\n";

const TABLE: &str = "| change | rule | factor from the aim, before | factor from the aim, after | mining \
time of a block in the last quarter, in aims | recovered: within a factor of two of the aim for 25 \
blocks |\n|---|---|---:|---:|---|---|\n";

fn recovered(result: &RuleResult) -> String {
    let such: Vec<(usize, f64)> = result.recovered.iter().copied().flatten().collect();
    let blocks: Vec<f64> = such.iter().map(|(blocks, _)| *blocks as f64).collect();
    let times: Vec<f64> = such.iter().map(|(_, time)| *time).collect();
    let all = result.recovered.len();
    match (median(&blocks), median(&times)) {
        (Some(blocks), Some(time)) => format!(
            "{} of {all} runs, after {blocks:.0} blocks and {time:.0} aims of mining (medians)",
            such.len()
        ),
        _ => format!("0 of {all} runs"),
    }
}

fn verdict(rule_results: &[RuleResult]) -> String {
    let holds = |rule| {
        let of: Vec<&RuleResult> = rule_results.iter().filter(|o| o.rule == rule).collect();
        let held = of.iter().filter(|result| result.holds()).count();
        (held, of.len())
    };
    let rules = ADJUSTMENT_RULES.map(|rule| {
        let (held, all) = holds(rule);
        format!("{rule}: {held} of {all}")
    });
    let verdict = match (
        holds(AdjustmentRule::Asert),
        holds(AdjustmentRule::Paper),
        holds(AdjustmentRule::PaperWall),
    ) {
        ((_, 0), ..) | (_, (_, 0), _) | (.., (_, 0)) => "**Not measured** for all rules",
        ((ours, all), (mining, _), (wall, _)) if ours == all && mining.max(wall) == 0 => {
            "**ASERT keeps to the aim, and the paper's rule does not**"
        }
        ((ours, all), (mining, _), (wall, _)) if ours == all && mining.max(wall) < all => {
            "**ASERT keeps to the aim, and the paper's rule does so in part**"
        }
        ((ours, all), ..) if ours == all => "**All rules that adjust keep to the aim**",
        _ => "**ASERT does not keep to the aim in every case**",
    };
    format!(
        "{verdict}. Changes from which all runs of a rule recovered: {}. A fixed difficulty ignores \
         steps and pauses, and does not follow the hash rate.\n",
        rules.join("; ")
    )
}
