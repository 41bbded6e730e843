//! The results of the paper, measured.

pub mod convergence;
