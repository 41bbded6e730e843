//! What a run declares in its first block: data, schedule, difficulty, program and
//! machine.

pub(crate) mod declaration;
pub(crate) mod environment;
pub(crate) mod machine;
#[cfg(feature = "portable")]
pub(crate) mod portable;
pub(crate) mod probe;
