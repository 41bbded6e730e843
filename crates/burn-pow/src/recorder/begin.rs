//! The start of a new run: the declaration and the initial state.

use super::Recorder;
use super::neighbours::Training;
use super::progress::{AfterCheckpoint, Phase, Progress, RecorderState};
use crate::error::PowError;
use crate::genesis::declaration::{Data, Declaration, EpochShape};
use crate::genesis::environment::environment;
use crate::genesis::machine::training_device;
use crate::genesis::probe::{operations, probe};
use crate::pipeline::message::{Begin, RestSnapshot, Step};
use crate::state::optimizer::OptimizerSnapshot;
use crate::state::snapshot::Snapshot;
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use pow_core::body::{OrderRule, Schedule, StepNumber};

impl Recorder {
    /// Keeps the declaration and the initial state, for the first step to send.
    pub(crate) fn begin_with<M: Module>(
        &self,
        model: &M,
        optimizer: &ModuleOptimizer,
    ) -> Result<(), PowError> {
        let mut state = self.state();
        match state.phase {
            Phase::Recording(_) | Phase::AwaitingRestore(_) => {
                Err(PowError::Already("has started"))
            }
            Phase::AwaitingStart(_) => self.begin(&mut state, model, optimizer).map(drop),
        }
    }

    pub(super) fn begin<M: Module>(
        &self,
        state: &mut RecorderState,
        model: &M,
        optimizer: &ModuleOptimizer,
    ) -> Result<Progress, PowError> {
        let thread = std::thread::current().id();
        // Several devices draw their batches side by side, in no fixed order.
        let elsewhere = state.pending.thread.is_some_and(|seen| seen != thread);
        let mut data = state.data;
        if state.pending.untracked || elsewhere || self.config.replicas.get() > 1 {
            data.order = OrderRule::Foreign;
        }
        let epoch = EpochShape::of(data.order);
        let schedule = self.config.schedule(epoch.map(EpochShape::steps))?;
        let initial = match &mut state.phase {
            Phase::AwaitingStart(initial) => initial.take(),
            Phase::Recording(_) | Phase::AwaitingRestore(_) => None,
        };
        let begin = Begin {
            declaration: self.declaration(model, schedule, data)?,
            initial: step_zero(initial.unwrap_or_else(|| Snapshot::take(model)), optimizer),
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
            loss: None,
            until: None,
        };
        state.phase = Phase::Recording(progress);
        Ok(progress)
    }

    pub(super) fn declaration<M: Module>(
        &self,
        model: &M,
        schedule: Schedule,
        data: Data,
    ) -> Result<Declaration, PowError> {
        Ok(Declaration {
            config: self.config.clone(),
            code: self.code.clone(),
            environment: environment(model.devices().first(), self.config.adapter.as_deref()),
            difficulty: self.config.difficulty()?,
            schedule,
            data,
            probe: model
                .devices()
                .first()
                .and_then(|device| probe(operations(&training_device(device)))),
        })
    }
}

/// The state before any step.
pub(super) fn step_zero(parameters: Snapshot, optimizer: &ModuleOptimizer) -> Step {
    Step {
        number: StepNumber(0),
        parameters,
        trained: None,
        batch: None,
        samples: None,
        loss: None,
        learning_rate: None,
        checkpoint: Some(RestSnapshot {
            is_committed: true,
            optimizer: OptimizerSnapshot::take(optimizer),
            scheduler_steps: 0,
            cursor: 0,
        }),
    }
}
