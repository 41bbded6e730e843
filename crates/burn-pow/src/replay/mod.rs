//! Training a segment of a recorded run again and comparing every step.

pub(crate) mod checker;
pub(crate) mod segment;
