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

mod attached;
mod attested;
mod changed;
mod committer;
mod config;
mod declaration;
mod environment;
mod error;
pub mod gauge;
mod later;
mod launch;
pub mod loader;
mod observe;
mod opened;
pub mod optimizer;
mod outbox;
mod patience;
mod plain;
mod quantised;
mod recorder;
mod replay;
mod replicas;
mod restore;
mod resume;
mod run;
mod sealer;
pub mod snapshot;
mod stages;
mod status;
mod stored;
pub mod tensors;
mod threads;
mod untracked;

pub use attached::{Recorded, RecordedTraining};
pub use attested::RecordedModel;
pub use changed::{Changed, ChangedPart};
pub use config::PowConfig;
pub use error::PowError;
pub use launch::{Interrupted, Outcome, Trained};
pub use observe::Committed;
pub use plain::PlainRenderer;
pub use pow_core::body::{Ending, Mode};
pub use pow_ledger::Durability;
pub use pow_mine::{EngineChoice, Threads};
pub use replay::{ReplayError, ReplayEvent, Replayed, SegmentReplay, Tolerance, replay};
pub use resume::{Difference, ResumeError, Resumed, program_settings};
pub use run::{Action, PowRun, Record, Started};
pub use stages::{Stage, Stages};
