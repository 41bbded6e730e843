//! Replaying a segment of a recorded run: its steps are repeated and compared with
//! the chain. Nothing is mined and no file is written.

pub(crate) mod checker;
mod distance;
pub(crate) mod executed;
mod job;
pub(crate) mod segment;
