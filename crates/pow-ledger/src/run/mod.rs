//! The run directory and its files: creating it, reading it, writing to it under its
//! lock, and reopening it after its writer ended.

pub(crate) mod anchors;
mod beside;
pub(crate) mod checkpoint;
pub(crate) mod create;
pub(crate) mod owner;
pub(crate) mod reopen;
pub(crate) mod run_dir;
pub(crate) mod run_file;
pub(crate) mod run_writer;
pub(crate) mod signatures;
pub(crate) mod state_file;
pub(crate) mod surroundings;
