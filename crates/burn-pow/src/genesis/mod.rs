//! What a run declares in its first block: data, schedule, difficulty, program
//! and machine.

pub(crate) mod declaration;
pub(crate) mod differences;
pub(crate) mod environment;
