//! Section 3, overhead: what a step costs with the recorder and without it, and
//! where the recorder spends its time. Models of three sizes are measured at
//! several commit intervals.
//!
//! Each round times all variants of one size, one after another. Each variant
//! starts with a new model and a new run. A ratio then compares two times that were
//! measured shortly after each other. Each variant has its own process, so that no
//! variant depends on what an earlier one left in memory. Training and recorder
//! share the cores. Burn's CPU backend uses all of them, which is the harder case.

mod plan;
pub mod report;
mod timing;

pub use plan::{
    MODEL_SIZES, ModelPlan, ModelSize, OverheadPlan, OverheadRow, OverheadUnit, Timing, timings,
    units,
};
pub use timing::time;
