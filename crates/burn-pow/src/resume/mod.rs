//! Continuing a run that was killed or paused.

pub(crate) mod directory;
pub(crate) mod point;
mod restore;
