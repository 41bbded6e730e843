//! Resuming a run that was killed or paused: what its directory holds, and giving
//! it back to the program.

pub(crate) mod directory;
pub(crate) mod load;
pub(crate) mod origin;
pub(crate) mod point;
mod restore;
pub(crate) mod saved_state;
pub(crate) mod settings;
