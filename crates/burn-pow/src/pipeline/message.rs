//! What the training thread sends to the committing thread.

use crate::genesis::declaration::Declaration;
use crate::state::loss::Loss;
use crate::state::snapshot::Snapshot;
use crate::state::trainee::RestTaken;
use pow_core::body::{Ending, StepNumber};
use pow_core::hash::BatchDigest;
use std::collections::BTreeSet;

pub(crate) enum Message {
    Begin(Box<Begin>),
    Step(Box<Step>),
    /// The state before the first step after a checkpoint.
    Untouched(Box<Untouched>),
    /// Another copy of the learner, after a committed step.
    Replica(StepNumber, Box<Snapshot>),
    Finish(Box<Finish>),
}

impl Message {
    /// The number of entries that it makes.
    pub(crate) fn entries(&self) -> u64 {
        match self {
            Message::Begin(_) | Message::Step(_) => 1,
            Message::Untouched(_) | Message::Replica(..) => 0,
            Message::Finish(finish) => finish.last.is_some().into(),
        }
    }
}

/// The start of the run: the initial state, and the declaration, which lacks only
/// that state's root.
pub(crate) struct Begin {
    pub(crate) declaration: Declaration,
    pub(crate) initial: Step,
}

/// The model after a step that is to be committed.
pub(crate) struct Step {
    pub(crate) number: StepNumber,
    pub(crate) parameters: Snapshot,
    /// The parameters that are compared with other copies of the learner, if there
    /// are any.
    pub(crate) trained: Option<Snapshot>,
    pub(crate) batch: Option<BatchDigest>,
    /// The samples that `batch` is the digest of, if they are known.
    pub(crate) samples: Option<Vec<u32>>,
    /// The names of what was changed since the last entry. Absent if that can be
    /// anything.
    pub(crate) moved: Option<BTreeSet<String>>,
    pub(crate) loss: Loss,
    pub(crate) learning_rate: Option<f64>,
    /// Present if the step has a checkpoint, or the run pauses after it.
    pub(crate) checkpoint: Option<RestSnapshot>,
}

/// The state before the first step after a checkpoint. It must be the checkpoint's.
pub(crate) struct Untouched {
    pub(crate) step: StepNumber,
    pub(crate) parameters: Snapshot,
    pub(crate) rest: RestTaken,
}

/// All of a state except the parameters.
pub(crate) struct RestSnapshot {
    /// Whether the step's entry commits to it. A pause may come at a step whose entry
    /// may not (rule 16 of the format).
    pub(crate) is_committed: bool,
    pub(crate) rest: RestTaken,
    pub(crate) scheduler_steps: u64,
    pub(crate) cursor: u64,
}

/// The end of the run.
pub(crate) struct Finish {
    pub(crate) ending: Ending,
    pub(crate) model: Snapshot,
    /// The last step, if it is not committed yet.
    pub(crate) last: Option<Step>,
    /// The model ran forward after the last step, because the run was stopped within
    /// an accumulation. So its running statistics are not those of that step.
    pub(crate) ran_on: bool,
}
