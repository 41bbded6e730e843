//! A plugin for Burn that commits every training step to a mined chain.
//!
//! [`PowRun`] records a training. After every optimizer step, the model's parameters
//! are hashed into a root. Roots are collected in the bodies of blocks, and the blocks
//! are mined and appended to `chain.pow` in the run's directory. Training continues
//! meanwhile. `pow verify RUN`, from the package `pow-cli`, checks the result without
//! Burn. `docs/threat-model.md` says what that shows and what it does not show.
//!
//! With a seeded loader, the recorder does not change the training. The final weights
//! are bit for bit those of the same program with the same loader and seed, and with
//! the recorder off.

mod config;
mod error;
mod genesis;
mod learner;
pub mod loader;
mod origin;
mod parts;
mod pipeline;
mod recorder;
mod replay;
mod resume;
mod run;
mod state;

pub use config::PowConfig;
pub use error::{PartError, PowError, ResumeError, StepDifference, Unfinished};
#[cfg(feature = "portable")]
pub use genesis::portable::Portability;
pub use genesis::probe::numerics;
pub use learner::gauge;
pub use learner::outcome::{Outcome, Stopped, Trained};
pub use learner::plain_renderer::PlainRenderer;
pub use learner::recorded_training::RecordedTraining;
pub use learner::resumable::Resumable;
pub use origin::Origin;
pub use parts::{Parts, TrainingParts, Value};
pub use pipeline::observer::Committed;
pub use pipeline::stages::{Stage, Stages};
pub use pow_audit::replay::{MachineDifference, MachinePart};
pub use pow_core::body::{Ending, Mode};
pub use pow_ledger::Durability;
pub use pow_mine::{EngineChoice, Threads};
pub use recorder::model::RecordedModel;
pub use recorder::step_info::StepInfo;
pub use replay::segment::{SegmentComparison, SegmentReplay, Tolerance};
pub use resume::directory::{DamagedCheckpoint, Resumed};
pub use resume::settings::program_settings;
pub use run::challenge::{ReplayEvent, replay};
pub use run::children::{ChildError, ChildSegment, Limits, replay_in_children};
pub use run::replay_error::ReplayError;
pub use run::{
    Action, Augmentation, Finished, LoaderBuilder, Pauser, PowRun, RunSummary, Started,
    TrainingLoop, Unchanged,
};
pub use state::{optimizer, snapshot, tensors};

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
