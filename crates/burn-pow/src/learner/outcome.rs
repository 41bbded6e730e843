//! How a launched training ended.

use crate::error::Unfinished;
use crate::run::{Finished, RunSummary};
use burn::train::Interruption;

/// How a launched training ended.
#[must_use]
#[non_exhaustive]
pub enum Outcome<M> {
    /// The training ended, and the chain has its final block.
    Trained(Trained<M>),
    /// The training was stopped, and the run is set to
    /// [pause](crate::PowConfig::pause_when_stopped). It can be
    /// [resumed](crate::Action::Resume).
    Paused(Stopped<M>),
    /// The training ended, and the run was stopped while its last blocks were mined.
    /// The chain keeps the blocks that were mined, and has no final block. The model
    /// is also in the run directory, as `model.safetensors`.
    Interrupted(Stopped<M>),
    /// A segment was [replayed](crate::Action::Replay). Its
    /// [`SegmentReplay`](crate::SegmentReplay) has the result.
    Replayed,
}

/// A trained model and what was recorded.
#[non_exhaustive]
pub struct Trained<M> {
    /// The model with the learned weights, in validation mode, as in Burn's
    /// [`LearningResult`](burn::train::LearningResult). It is no longer recorded.
    pub model: M,
    /// The stop that ended the training before its last epoch, if there was one.
    pub interrupted: Option<Interruption>,
    /// What was recorded.
    pub summary: RunSummary,
}

/// A model whose chain has no final block.
#[non_exhaustive]
pub struct Stopped<M> {
    /// The same as [`Trained::model`].
    pub model: M,
    /// The same as [`Trained::interrupted`].
    pub interrupted: Option<Interruption>,
    /// How far the chain reaches.
    pub chain: Unfinished,
}

impl<M> Outcome<M> {
    /// The trained model, if the chain has its final block.
    pub fn trained(self) -> Option<Trained<M>> {
        match self {
            Outcome::Trained(trained) => Some(trained),
            _ => None,
        }
    }

    /// How the run ended, without the model.
    pub fn finished(self) -> Finished {
        match self {
            Outcome::Trained(trained) => Finished::Sealed(trained.summary),
            Outcome::Paused(stopped) => Finished::Paused(stopped.chain),
            Outcome::Interrupted(stopped) => Finished::Interrupted(stopped.chain),
            Outcome::Replayed => Finished::Replayed,
        }
    }

    /// The outcome of a training that left `model`.
    pub(super) fn of(model: M, interrupted: Option<Interruption>, finished: Finished) -> Self {
        match finished {
            Finished::Sealed(summary) => Outcome::Trained(Trained {
                model,
                interrupted,
                summary,
            }),
            Finished::Paused(chain) => Outcome::Paused(Stopped {
                model,
                interrupted,
                chain,
            }),
            Finished::Interrupted(chain) => Outcome::Interrupted(Stopped {
                model,
                interrupted,
                chain,
            }),
            Finished::Replayed => Outcome::Replayed,
        }
    }
}
