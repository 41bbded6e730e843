//! The start of a new run: the declaration and the initial state.

use super::Recorder;
use super::neighbours::Training;
use super::progress::{AfterCheckpoint, Phase, Progress, RecorderState};
use crate::error::PowError;
use crate::genesis::declaration::{Data, Declaration, DeclaredOrder, EpochShape};
use crate::genesis::environment::environment;
use crate::genesis::machine::training_device;
use crate::genesis::probe::{operations, probe};
use crate::pipeline::message::{Begin, RestSnapshot, Step};
use crate::state::loss::Loss;
use crate::state::snapshot::Snapshot;
use crate::state::trainee::{Parameters, Trainee};
use pow_core::body::{Schedule, StepNumber};

impl Recorder {
    /// Keeps the declaration and the initial state, for the first step to send.
    pub(crate) fn begin_with(&self, trainee: &impl Trainee) -> Result<(), PowError> {
        let mut state = self.state();
        match state.phase {
            Phase::Recording(_) | Phase::AwaitingRestore(_) | Phase::AwaitingOrigin(_) => {
                Err(PowError::Already("has started"))
            }
            Phase::AwaitingStart(_) => self.begin(&mut state, trainee).map(drop),
        }
    }

    pub(super) fn begin(
        &self,
        state: &mut RecorderState,
        trainee: &impl Trainee,
    ) -> Result<Progress, PowError> {
        let thread = std::thread::current().id();
        // Several devices draw their batches side by side, in no fixed order.
        let elsewhere = state.pending.thread.is_some_and(|seen| seen != thread);
        let mut data = state.data.clone();
        if state.pending.untracked || elsewhere || self.config.replicas.get() > 1 {
            data.order = DeclaredOrder::FOREIGN;
        }
        let epoch = EpochShape::of(&data.order);
        let schedule = self.config.schedule(epoch.map(EpochShape::steps))?;
        let initial = match &mut state.phase {
            Phase::AwaitingStart(initial) => initial.take(),
            _ => None,
        };
        let initial = initial.unwrap_or_else(|| trainee.parameters());
        if let Some(taken) = state.taken_rest.take() {
            taken.check_rest(trainee.rest())?;
        }
        let begin = Begin {
            declaration: self.declaration(trainee, schedule, data)?,
            initial: step_zero(initial, trainee),
        };
        state.begin = Some(Box::new(begin));
        state.training = Some(Training::begins());
        state.after_checkpoint = AfterCheckpoint::Taken(StepNumber(0));
        let progress = Progress {
            schedule,
            epoch,
            thread: Some(thread),
            step: 0,
            committed: 0,
            learning_rate: None,
            until: None,
        };
        state.phase = Phase::Recording(progress);
        Ok(progress)
    }

    pub(super) fn declaration(
        &self,
        model: &impl Parameters,
        schedule: Schedule,
        data: Data,
    ) -> Result<Declaration, PowError> {
        let device = model.device();
        Ok(Declaration {
            config: self.config.clone(),
            code: self.code.clone(),
            environment: environment(device.as_ref(), self.config.adapter.as_deref()),
            parent: self.parent,
            difficulty: self.config.difficulty()?,
            schedule,
            data,
            probe: device
                .as_ref()
                .and_then(|device| probe(operations(&training_device(device)))),
        })
    }
}

/// The state before any step.
pub(super) fn step_zero(parameters: Snapshot, trainee: &impl Trainee) -> Step {
    Step {
        number: StepNumber(0),
        parameters,
        trained: None,
        batch: None,
        samples: None,
        moved: None,
        loss: Loss::Absent,
        learning_rate: None,
        checkpoint: Some(RestSnapshot {
            is_committed: true,
            rest: trainee.rest(),
            scheduler_steps: 0,
            cursor: 0,
        }),
    }
}
