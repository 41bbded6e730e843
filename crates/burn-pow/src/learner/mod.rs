//! Recording a training that Burn's `Learner` runs.

mod burn_checkpoint;
pub mod gauge;
pub(crate) mod launch;
pub(crate) mod plain_renderer;
mod segment_loop;
pub(crate) mod training;
