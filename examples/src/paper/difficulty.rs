//! Section 4, difficulty adjustment: how long blocks are mined when something
//! changes, by our rule, by the paper's and at a fixed difficulty.
//!
//! Every block is mined; only the clock is not real. It goes on by the attempts
//! over a hash rate that the scenario sets, so that the rate can change tenfold
//! from one block to the next, and the same figures come out on every machine.

use super::engines::{Device, Engines, difficulty, mine, template};
use pow_core::target::{CompactTarget, ZeroBits};
use rules::Adjuster;
use serde::{Deserialize, Serialize};
use std::fmt;

pub mod report;
mod rules;

/// What is measured. Times are in milliseconds of the clock that is not real.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Runs of each rule in each scenario.
    pub seeds: u64,
    /// Blocks before the change.
    pub before: u32,
    /// Blocks from the change on.
    pub after: u32,
    /// Mining time that a block should take.
    pub aim_ms: u64,
    /// ASERT's half-life.
    pub half_life_ms: u64,
    /// Time of the training steps between two blocks, before it drifts.
    pub step_ms: u64,
    /// Leading hex digits, all zero, that the hash rate at first finds in the
    /// aim on average.
    pub hex_digits: u32,
}

impl Plan {
    /// Half a minute or so on two cores.
    pub fn standard() -> Self {
        Plan {
            seeds: 5,
            before: 200,
            after: 400,
            aim_ms: 1000,
            half_life_ms: 30_000,
            step_ms: 1000,
            hex_digits: 3,
        }
    }

    /// A second or so: a look at whether everything works.
    pub fn quick() -> Self {
        Plan {
            seeds: 1,
            before: 80,
            after: 200,
            hex_digits: 2,
            ..Plan::standard()
        }
    }

    /// Some minutes.
    pub fn full() -> Self {
        Plan {
            seeds: 30,
            ..Plan::standard()
        }
    }

    /// The target that fits at first.
    fn fitting(&self) -> anyhow::Result<CompactTarget> {
        Ok(ZeroBits::new(4 * self.hex_digits)?.compact())
    }
}

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// The hash rate rises tenfold.
    Faster,
    /// The hash rate falls to a tenth.
    Slower,
    /// The time of the steps between blocks grows tenfold, little by little.
    Drift,
    /// Nothing is trained or mined for eight hours.
    Pause,
}

/// All of them.
pub const SCENARIOS: [Scenario; 4] = [
    Scenario::Faster,
    Scenario::Slower,
    Scenario::Drift,
    Scenario::Pause,
];

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scenario::Faster => "hash rate times 10",
            Scenario::Slower => "hash rate by 10",
            Scenario::Drift => "step time grows tenfold",
            Scenario::Pause => "pause of 8 hours",
        })
    }
}

/// How the difficulty follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Ours, on the time that blocks were mined.
    Asert,
    /// The paper's, on the time that the last block was mined: a hex digit more
    /// if it was below the aim, else one fewer.
    Paper,
    /// The paper's, on the time between blocks, steps and pauses included. Its
    /// aim has the time of the steps in it.
    PaperWall,
    /// Not at all.
    Fixed,
}

/// All of them.
pub const RULES: [Rule; 4] = [Rule::Asert, Rule::Paper, Rule::PaperWall, Rule::Fixed];

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::Asert => "ASERT",
            Rule::Paper => "paper's ±1, mining time",
            Rule::PaperWall => "paper's ±1, time between blocks",
            Rule::Fixed => "fixed",
        })
    }
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unit {
    /// What changes.
    pub scenario: Scenario,
    /// How the difficulty follows.
    pub rule: Rule,
    /// What the blocks' contents derive from, from 0 on.
    pub seed: u64,
}

/// One block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What changes.
    pub scenario: Scenario,
    /// How the difficulty follows.
    pub rule: Rule,
    /// Which run, from 0 on.
    pub seed: u64,
    /// Which block: 0 is the first after the change.
    pub block: i64,
    /// Expected attempts.
    pub difficulty: f64,
    /// Attempts that it took.
    pub attempts: u64,
    /// Mining time to expect, in aims.
    pub expected: f64,
    /// Mining time that it took, in aims.
    pub took: f64,
}

/// All runs.
pub fn units(plan: &Plan) -> Vec<Unit> {
    let mut units = Vec::new();
    for scenario in SCENARIOS {
        for rule in RULES {
            units.extend((0..plan.seeds).map(|seed| Unit {
                scenario,
                rule,
                seed,
            }));
        }
    }
    units
}

/// Mines the blocks of one run.
///
/// # Errors
///
/// If the engine fails, or the plan's hex digits are out of range.
pub fn measure(plan: &Plan, engines: &mut Engines, unit: Unit) -> anyhow::Result<Vec<Row>> {
    let engine = engines.on(Device::Cpu)?;
    let mut adjuster = Adjuster::new(plan, unit.rule)?;
    // The same contents under every rule.
    let mut random = fastrand::Rng::with_seed(unit.seed);
    let aim = plan.aim_ms as f64;
    let rate = difficulty(plan.fitting()?)? / aim;
    let mut rows = Vec::new();
    for height in 1..=plan.before + plan.after {
        let block = i64::from(height) - i64::from(plan.before) - 1;
        let now = Conditions::of(unit.scenario, plan, block);
        let bits = adjuster.bits()?;
        let attempts = match bits {
            Some(bits) => mine(engine, &template(&mut random, height, bits)?)?,
            None => 1,
        };
        let difficulty = match bits {
            Some(bits) => difficulty(bits)?,
            None => 1.0,
        };
        let rate = rate * now.speed;
        let mining_ms = attempts as f64 / rate;
        adjuster.found(mining_ms, now.between_ms);
        rows.push(Row {
            scenario: unit.scenario,
            rule: unit.rule,
            seed: unit.seed,
            block,
            difficulty,
            attempts,
            expected: difficulty / rate / aim,
            took: mining_ms / aim,
        });
    }
    Ok(rows)
}

/// What a block is mined under.
struct Conditions {
    /// Hash rate, by that at first.
    speed: f64,
    /// Time since the block before in which nothing was mined.
    between_ms: f64,
}

/// The length of the pause.
const PAUSE_MS: f64 = 8.0 * 3_600_000.0;

impl Conditions {
    fn of(scenario: Scenario, plan: &Plan, block: i64) -> Self {
        let step_ms = plan.step_ms as f64;
        let is_after = block >= 0;
        let speed = match scenario {
            Scenario::Faster if is_after => 10.0,
            Scenario::Slower if is_after => 0.1,
            _ => 1.0,
        };
        let between_ms = match scenario {
            Scenario::Drift if is_after => {
                step_ms * (1.0 + 9.0 * block as f64 / f64::from(plan.after))
            }
            Scenario::Pause if block == 0 => step_ms + PAUSE_MS,
            _ => step_ms,
        };
        Conditions { speed, between_ms }
    }
}
