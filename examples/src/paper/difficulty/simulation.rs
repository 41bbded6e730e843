//! Mining the blocks of a run by a simulated clock.

use super::adjuster::Adjuster;
use super::plan::{DifficultyPlan, DifficultyRow, DifficultyUnit, Scenario};
use crate::paper::engines::{Engines, MiningDevice, difficulty, mine, template};

/// Mines the blocks of one run.
///
/// # Errors
///
/// If the engine fails, or the plan's hex digits are out of range.
pub fn measure(
    plan: &DifficultyPlan,
    engines: &mut Engines,
    unit: DifficultyUnit,
) -> anyhow::Result<Vec<DifficultyRow>> {
    let engine = engines.on(MiningDevice::Cpu)?;
    let mut adjuster = Adjuster::new(plan, unit.rule)?;
    // The contents are the same under every rule.
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
        rows.push(DifficultyRow {
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

/// The conditions under which a block is mined.
struct Conditions {
    /// Hash rate, divided by the initial one.
    speed: f64,
    /// Time since the block before in which nothing was mined.
    between_ms: f64,
}

/// The length of the pause.
const PAUSE_MS: f64 = 8.0 * 3_600_000.0;

impl Conditions {
    fn of(scenario: Scenario, plan: &DifficultyPlan, block: i64) -> Self {
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
