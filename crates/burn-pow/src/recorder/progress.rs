//! How far the training is.

use super::first_step::FirstStep;
use super::neighbours::Training;
use crate::genesis::declaration::{Data, DeclaredOrder, EpochShape};
use crate::genesis::probe::probe;
use crate::pipeline::message::{Begin, Message};
use crate::pipeline::outbox::Outbox;
use crate::resume::origin::Taken;
use crate::resume::point::ResumePoint;
use crate::resume::saved_state::SavedState;
use crate::state::loss::Loss;
use crate::state::snapshot::Snapshot;
use pow_core::body::{Schedule, StepNumber};
use pow_core::extension::Operation;
use pow_core::hash::BatchDigest;
use pow_core::order::BatchHasher;
use std::collections::BTreeSet;
use std::thread::ThreadId;
use std::time::Instant;

/// What the recorder knows about the training.
pub(super) struct RecorderState {
    pub(super) outbox: Outbox,
    pub(super) data: Data,
    pub(super) phase: Phase,
    pub(super) pending: Pending,
    pub(super) followers: Followers,
    /// Present between the restore and the first step after it.
    pub(super) restored: Option<Restored>,
    /// The start of the run, until the first step sends it. It waits for the random
    /// draws of the probe.
    pub(super) begin: Option<Box<Begin>>,
    /// The random draws of the probe, once they are made.
    pub(super) draws: Option<Vec<Operation>>,
    pub(super) after_checkpoint: AfterCheckpoint,
    /// When a whole state was kept last.
    pub(super) kept_at: Instant,
    pub(super) first_step: FirstStep,
    /// What was taken from another run beside the parameters. It is checked when the
    /// optimizer is seen.
    pub(super) taken_rest: Option<SavedState>,
    /// The loss of the last step.
    pub(super) loss: Loss,
    /// Present once the training runs.
    pub(super) training: Option<Training<'static>>,
}

/// How far the program is between a checkpoint and the step after it.
pub(super) enum AfterCheckpoint {
    /// Not there.
    No,
    /// The checkpoint of this step was taken, and no micro-batch followed.
    Taken(StepNumber),
    /// This was the model before the first micro-batch. That one changes running
    /// statistics, so the model is seen before it.
    Seen(StepNumber, Box<Snapshot>),
}

pub(super) enum Phase {
    /// No optimizer step was taken. Holds the model before the first micro-batch.
    AwaitingStart(Option<Snapshot>),
    /// The run starts at this point, and the program was not given its state yet.
    AwaitingRestore(Box<ResumePoint>),
    /// The run goes on from a state of another run, and the program was not given it yet.
    AwaitingOrigin(Box<Taken>),
    Recording(Progress),
}

#[derive(Clone, Copy)]
pub(super) struct Progress {
    pub(super) schedule: Schedule,
    /// How an epoch is divided into steps, if the order is declared.
    pub(super) epoch: Option<EpochShape>,
    /// The thread that takes the steps, after the first step.
    pub(super) thread: Option<ThreadId>,
    /// Steps taken.
    pub(super) step: u64,
    /// The last committed step.
    pub(super) committed: u64,
    pub(super) learning_rate: Option<f64>,
    /// The end of the segment that is replayed.
    pub(super) until: Option<SegmentEnd>,
}

#[derive(Clone, Copy)]
pub(super) struct SegmentEnd {
    pub(super) step: u64,
    pub(super) has_checkpoint: bool,
}

/// What was restored. It is checked at the first step, which shows the optimizer.
pub(super) struct Restored {
    pub(super) saved: SavedState,
    /// The model of step 0, if the chain has no entry for it.
    pub(super) initial: Option<Snapshot>,
}

/// The micro-batches since the last committed step.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) hasher: BatchHasher,
    pub(super) samples: Vec<u32>,
    /// The number of micro-batches since the last step.
    pub(super) since_step: u64,
    /// The loss of the micro-batches since the last step.
    pub(super) loss: Loss,
    /// Whether the samples of a micro-batch are not known.
    pub(super) untracked: bool,
    /// What the steps since the last entry have changed.
    pub(super) moved: Moved,
    /// A thread that ran a micro-batch.
    pub(super) thread: Option<ThreadId>,
}

/// What happened since the last entry.
pub(super) struct SinceEntry {
    pub(super) batch: Option<BatchDigest>,
    /// Absent if they are not known.
    pub(super) samples: Option<Vec<u32>>,
    /// The names of what was changed. Absent if that can be anything.
    pub(super) moved: Option<BTreeSet<String>>,
}

/// What steps have changed, by name.
#[derive(Default)]
pub(super) struct Moved {
    names: BTreeSet<String>,
    /// Whether a step did not name what it changed.
    anything: bool,
}

impl Moved {
    /// Adds what a step has changed. `None` is anything.
    pub(super) fn add(&mut self, names: Option<BTreeSet<String>>) {
        match names {
            Some(names) => self.names.extend(names),
            None => self.anything = true,
        }
    }

    fn names(self) -> Option<BTreeSet<String>> {
        (!self.anything).then_some(self.names)
    }
}

/// The number of steps that the copies on other threads have taken.
#[derive(Default)]
pub(super) struct Followers(Vec<(ThreadId, u64)>);

impl RecorderState {
    pub(super) fn new(outbox: Outbox, phase: Phase) -> Self {
        RecorderState {
            outbox,
            data: Data {
                order: DeclaredOrder::FOREIGN,
                dataset: None,
            },
            phase,
            pending: Pending::default(),
            followers: Followers::default(),
            restored: None,
            begin: None,
            draws: None,
            after_checkpoint: AfterCheckpoint::No,
            kept_at: Instant::now(),
            first_step: FirstStep::default(),
            taken_rest: None,
            loss: Loss::Absent,
            training: None,
        }
    }

    /// The start of the run, if it was not sent yet, with the whole probe.
    pub(super) fn take_begin(&mut self) -> Option<Message> {
        let mut begin = self.begin.take()?;
        if let (Some(draws), Some(known)) = (&self.draws, &begin.declaration.probe) {
            let all = [known.operations(), draws].concat();
            begin.declaration.probe = probe(all);
        }
        Some(Message::Begin(begin))
    }

    pub(super) fn set_committed(&mut self, step: u64) {
        if let Phase::Recording(progress) = &mut self.phase {
            progress.committed = step;
        }
    }

    /// What happened since the last entry. The digest of the samples is there only if
    /// the order is declared.
    pub(super) fn take_pending(&mut self, is_declared: bool) -> SinceEntry {
        let pending = std::mem::take(&mut self.pending);
        SinceEntry {
            batch: is_declared.then(|| pending.hasher.finish()).flatten(),
            samples: (!pending.untracked).then_some(pending.samples),
            moved: pending.moved.names(),
        }
    }
}

impl Progress {
    /// Whether the last step of the replayed segment was taken.
    pub(super) fn segment_ended(&self) -> bool {
        self.until.is_some_and(|end| end.step == self.step)
    }
}

impl Followers {
    /// Counts a step of the copy on this thread, and returns the step's number.
    pub(super) fn step(&mut self, thread: ThreadId) -> StepNumber {
        let known = self.0.iter_mut().find(|(known, _)| *known == thread);
        match known {
            Some((_, steps)) => {
                *steps += 1;
                StepNumber(*steps)
            }
            None => {
                self.0.push((thread, 1));
                StepNumber(1)
            }
        }
    }
}
