//! Which runs there are, and what is written down about them.

use crate::paper::plan::SectionPlan;
use pow_core::target::{CompactTarget, ZeroBits};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How many blocks are mined, and how. Times are in milliseconds of the simulated
/// clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifficultyPlan {
    /// Runs of each rule in each scenario.
    pub seeds: u64,
    /// Blocks before the change.
    pub before: u32,
    /// Blocks after the change.
    pub after: u32,
    /// Mining time that a block should take.
    pub aim_ms: u64,
    /// ASERT's half-life.
    pub half_life_ms: u64,
    /// Time of the training steps between two blocks, before it drifts.
    pub step_ms: u64,
    /// Leading hex digits, all zero, that the initial hash rate finds in one aim
    /// on average.
    pub hex_digits: u32,
}

impl SectionPlan for DifficultyPlan {
    /// About half a minute on two cores.
    fn standard() -> Self {
        DifficultyPlan {
            seeds: 5,
            before: 200,
            after: 400,
            aim_ms: 1000,
            half_life_ms: 30_000,
            step_ms: 1000,
            hex_digits: 3,
        }
    }

    fn quick() -> Self {
        DifficultyPlan {
            seeds: 1,
            before: 80,
            after: 200,
            hex_digits: 2,
            ..Self::standard()
        }
    }

    fn full() -> Self {
        DifficultyPlan {
            seeds: 30,
            ..Self::standard()
        }
    }
}

impl DifficultyPlan {
    /// The target that meets the aim at the initial hash rate.
    pub(super) fn fitting(&self) -> anyhow::Result<CompactTarget> {
        Ok(ZeroBits::new(4 * self.hex_digits)?.compact())
    }
}

/// What changes during a run.
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

/// All scenarios.
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
            Scenario::Slower => "hash rate divided by 10",
            Scenario::Drift => "step time grows tenfold",
            Scenario::Pause => "pause of 8 hours",
        })
    }
}

/// How the difficulty follows a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustmentRule {
    /// Our rule, on the time spent mining.
    Asert,
    /// The paper's rule, on the time spent mining the last block: one hex digit
    /// more if that was below the aim, one fewer otherwise.
    Paper,
    /// The paper's rule on the time between blocks, steps and pauses included. Its
    /// aim includes the time of the steps.
    PaperWall,
    /// The difficulty never changes.
    Fixed,
}

/// All rules.
pub const ADJUSTMENT_RULES: [AdjustmentRule; 4] = [
    AdjustmentRule::Asert,
    AdjustmentRule::Paper,
    AdjustmentRule::PaperWall,
    AdjustmentRule::Fixed,
];

impl fmt::Display for AdjustmentRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AdjustmentRule::Asert => "ASERT",
            AdjustmentRule::Paper => "paper's ±1, mining time",
            AdjustmentRule::PaperWall => "paper's ±1, time between blocks",
            AdjustmentRule::Fixed => "fixed",
        })
    }
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DifficultyUnit {
    /// What changes.
    pub scenario: Scenario,
    /// How the difficulty follows.
    pub rule: AdjustmentRule,
    /// Seed of the blocks' contents, counted from 0.
    pub seed: u64,
}

/// All runs.
pub fn units(plan: &DifficultyPlan) -> Vec<DifficultyUnit> {
    let mut units = Vec::new();
    for scenario in SCENARIOS {
        for rule in ADJUSTMENT_RULES {
            units.extend((0..plan.seeds).map(|seed| DifficultyUnit {
                scenario,
                rule,
                seed,
            }));
        }
    }
    units
}

/// One block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DifficultyRow {
    /// What changes.
    pub scenario: Scenario,
    /// How the difficulty follows.
    pub rule: AdjustmentRule,
    /// The run, counted from 0.
    pub seed: u64,
    /// The block: 0 is the first one after the change.
    pub block: i64,
    /// Expected attempts.
    pub difficulty: f64,
    /// Attempts that the block took.
    pub attempts: u64,
    /// Expected mining time, in aims.
    pub expected: f64,
    /// Mining time that the block took, in aims.
    pub took: f64,
}
