//! Recording a training that Burn's `Learner` runs.

mod burn_checkpoint;
pub mod gauge;
mod launch;
pub(crate) mod outcome;
pub(crate) mod plain_renderer;
pub(crate) mod recorded_training;
pub(crate) mod resumable;
mod segment_loop;
