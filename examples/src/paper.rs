//! The results of the paper, measured.

pub mod convergence;
pub mod overhead;
pub mod stats;
pub mod tamper;
