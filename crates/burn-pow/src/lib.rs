//! Burn plugin that commits every training step to a mined chain.
//!
//! [`PowRun`] records a training: after every optimizer step the model's
//! parameters are hashed into a root, roots are collected in block bodies, and
//! the blocks are mined and appended to `chain.pow` in the run's directory,
//! while training goes on. `pow verify RUN`, from the package `pow-cli`, checks
//! the result without Burn. What that does and does not show is said in
//! `docs/threat-model.md`.
//!
//! With a seeded loader the recorder does not change the training: final
//! weights are bit for bit those of the same program, loader and seeding with
//! the recorder off.

mod config;
mod error;
mod genesis;
mod learner;
pub mod loader;
mod pipeline;
mod recorder;
mod replay;
mod resume;
mod run;
mod state;

pub use config::PowConfig;
pub use error::PowError;
pub use genesis::differences::{Changed, ChangedPart};
pub use learner::gauge;
pub use learner::launch::{Interrupted, Outcome, Trained};
pub use learner::plain_renderer::PlainRenderer;
pub use learner::training::{Recorded, RecordedTraining};
pub use pipeline::observer::Committed;
pub use pipeline::stages::{Stage, Stages};
pub use pow_core::body::{Ending, Mode};
pub use pow_ledger::Durability;
pub use pow_mine::{EngineChoice, Threads};
pub use recorder::model::RecordedModel;
pub use replay::segment::{Replayed, SegmentReplay, Tolerance};
pub use resume::point::{Difference, ResumeError, Resumed, program_settings};
pub use run::challenge::{ReplayError, ReplayEvent, replay};
pub use run::{Action, LoaderBuilder, PowRun, Record, Started};
pub use state::{optimizer, snapshot, tensors};
