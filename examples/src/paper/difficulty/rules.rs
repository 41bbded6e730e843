//! The rules: ours as `pow-core` has it, and the paper's as it is written there.

use super::{Plan, Rule};
use pow_core::difficulty::{Asert, Difficulty, Millis, MiningClock, Policy};
use pow_core::target::{CompactTarget, MAX_TARGET, ZeroBits};

/// A rule at work.
pub(super) enum Adjuster {
    /// Any rule that a chain can have.
    Chain {
        difficulty: Difficulty,
        clock: MiningClock,
        /// What the clock, which counts whole milliseconds, has still to get.
        rest_ms: f64,
    },
    /// The paper's.
    Paper {
        /// Leading hex digits that must be zero.
        digits: u32,
        aim_ms: f64,
        /// Whether what lies between blocks counts as well.
        by_wall: bool,
    },
}

impl Adjuster {
    /// At the difficulty that fits at first.
    pub(super) fn new(plan: &Plan, rule: Rule) -> anyhow::Result<Self> {
        let fitting = plan.fitting()?;
        let paper = |aim_ms: u64, by_wall| Adjuster::Paper {
            digits: plan.hex_digits,
            aim_ms: aim_ms as f64,
            by_wall,
        };
        let chain = |difficulty| Adjuster::Chain {
            difficulty,
            // As after a genesis that took the aim.
            clock: MiningClock {
                spent: u128::from(plan.aim_ms),
                blocks: 0,
            },
            rest_ms: 0.0,
        };
        let adjuster = match rule {
            Rule::Asert => chain(Difficulty {
                policy: Policy::Asert(Asert {
                    reference: fitting,
                    spacing: Millis(plan.aim_ms),
                    half_life: Millis(plan.half_life_ms),
                }),
                floor: MAX_TARGET,
                final_bits: fitting,
            }),
            Rule::Fixed => chain(Difficulty::fixed(fitting)),
            Rule::Paper => paper(plan.aim_ms, false),
            Rule::PaperWall => paper(plan.aim_ms + plan.step_ms, true),
        };
        Ok(adjuster)
    }

    /// The next block's target; `None` if any hash will do.
    pub(super) fn bits(&self) -> anyhow::Result<Option<CompactTarget>> {
        Ok(match self {
            Adjuster::Chain {
                difficulty, clock, ..
            } => Some(difficulty.required(*clock, false)?),
            Adjuster::Paper { digits: 0, .. } => None,
            Adjuster::Paper { digits, .. } => Some(ZeroBits::new(4 * digits)?.compact()),
        })
    }

    /// The block was found.
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
