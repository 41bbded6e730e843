//! The results of the paper, measured.

pub mod convergence;
pub mod difficulty;
pub mod engines;
pub mod machine;
pub mod overhead;
pub mod parallel;
pub mod plot;
pub mod progress;
pub mod stats;
pub mod store;
pub mod tamper;
pub mod work;
