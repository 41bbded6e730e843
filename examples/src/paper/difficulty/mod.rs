//! Section 4, difficulty adjustment: how long blocks take to mine when something
//! changes, under our rule, the paper's rule and a fixed difficulty.
//!
//! Every block is really mined. Only the clock is simulated: it advances by the
//! attempts divided by a hash rate that the scenario sets. So the rate can change
//! tenfold from one block to the next, and every machine gets the same numbers.

mod adjuster;
mod plan;
pub mod report;
mod simulation;

pub use plan::{
    ADJUSTMENT_RULES, AdjustmentRule, DifficultyPlan, DifficultyRow, DifficultyUnit, SCENARIOS,
    Scenario, units,
};
pub use simulation::measure;
