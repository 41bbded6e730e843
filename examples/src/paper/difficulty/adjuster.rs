//! The rules at work: ours as `pow-core` has it, and the paper's as it is written
//! there.

use super::plan::{AdjustmentRule, DifficultyPlan};
use pow_core::difficulty::{Asert, Difficulty, Millis, MiningClock, Policy};
use pow_core::target::{CompactTarget, MAX_TARGET, ZeroBits};

/// A rule, and the state that it adjusts.
pub(super) enum Adjuster {
    /// A rule that a chain can have.
    Chain {
        difficulty: Difficulty,
        clock: MiningClock,
        /// Time that the clock has not counted yet, as it counts whole milliseconds.
        rest_ms: f64,
    },
    /// The paper's rule.
    Paper {
        /// Leading hex digits that must be zero.
        digits: u32,
        aim_ms: f64,
        /// Whether the time between blocks counts too.
        by_wall: bool,
    },
}

impl Adjuster {
    /// The rule at the difficulty that meets the aim at first.
    pub(super) fn new(plan: &DifficultyPlan, rule: AdjustmentRule) -> anyhow::Result<Self> {
        let fitting = plan.fitting()?;
        let paper = |aim_ms: u64, by_wall| Adjuster::Paper {
            digits: plan.hex_digits,
            aim_ms: aim_ms as f64,
            by_wall,
        };
        let chain = |difficulty| Adjuster::Chain {
            difficulty,
            // As after a genesis block that took exactly the aim.
            clock: MiningClock {
                spent: u128::from(plan.aim_ms),
                blocks: 0,
            },
            rest_ms: 0.0,
        };
        let adjuster = match rule {
            AdjustmentRule::Asert => chain(Difficulty {
                policy: Policy::Asert(Asert {
                    reference: fitting,
                    spacing: Millis(plan.aim_ms),
                    half_life: Millis(plan.half_life_ms),
                }),
                floor: MAX_TARGET,
                final_bits: fitting,
            }),
            AdjustmentRule::Fixed => chain(Difficulty::fixed(fitting)),
            AdjustmentRule::Paper => paper(plan.aim_ms, false),
            AdjustmentRule::PaperWall => paper(plan.aim_ms + plan.step_ms, true),
        };
        Ok(adjuster)
    }

    /// The next block's target. `None` if every hash meets it.
    pub(super) fn bits(&self) -> anyhow::Result<Option<CompactTarget>> {
        Ok(match self {
            Adjuster::Chain {
                difficulty, clock, ..
            } => Some(difficulty.required(*clock, false)?),
            Adjuster::Paper { digits: 0, .. } => None,
            Adjuster::Paper { digits, .. } => Some(ZeroBits::new(4 * digits)?.compact()),
        })
    }

    /// Adjusts to a block that was found.
    pub(super) fn found(&mut self, mining_ms: f64, between_ms: f64) {
        match self {
            Adjuster::Chain { clock, rest_ms, .. } => {
                *rest_ms += mining_ms;
                let whole = rest_ms.floor();
                *rest_ms -= whole;
                clock.spent += whole as u128;
                clock.blocks += 1;
            }
            Adjuster::Paper {
                digits,
                aim_ms,
                by_wall,
            } => {
                let took = mining_ms + if *by_wall { between_ms } else { 0.0 };
                *digits = if took < *aim_ms {
                    *digits + 1
                } else {
                    digits.saturating_sub(1)
                };
            }
        }
    }
}
