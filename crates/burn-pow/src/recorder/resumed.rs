//! A run that goes on, or one segment of it that is replayed.

use super::{Phase, Progress, Recorder, SegmentEnd, State, step_zero};
use crate::error::PowError;
use crate::genesis::declaration::EpochShape;
use crate::genesis::differences::{changed, training_device, warning};
use crate::genesis::environment::environment;
use crate::loader::Keys;
use crate::pipeline::committer::Job;
use crate::replay::segment::SegmentReplay;
use crate::resume::point::{ResumeError, Start};
use crate::state::snapshot::Snapshot;
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use pow_audit::replay::Machine;
use pow_core::body::{Genesis, OrderRule, StepNumber};
use pow_core::hash::BlockHash;
use std::io::Write;
use std::time::Instant;

/// What a run that goes on is compared with.
pub(crate) struct WhereLeft {
    pub(crate) genesis: Genesis,
    pub(crate) start: Start,
    /// The segment that is replayed, which is all that is to be trained.
    pub(crate) segment: Option<SegmentReplay>,
}

/// What the first step of a run that goes on begins with.
pub(super) struct First {
    start: Start,
    /// The model of step 0, if the chain has no entry of it.
    initial: Option<Snapshot>,
}

impl Recorder {
    /// Whether the run goes on and its state was not taken up yet.
    pub(crate) fn is_left(&self) -> bool {
        matches!(self.state().phase, Phase::Left(_))
    }

    /// What trains a model on `device`.
    pub(crate) fn machine(&self, device: Option<&Device>) -> Machine {
        let device = device.map(training_device);
        Machine {
            executable: self.code.executable,
            environment: environment(device.as_ref(), self.config.adapter.as_deref()),
        }
    }

    /// Takes up a run that goes on: `take` gives the program's model and
    /// optimizer the state that it is shown, and returns the model.
    pub(crate) fn take_up<M: Module, T>(
        &self,
        device: Option<&Device>,
        take: impl FnOnce(&Start) -> Result<(M, T), PowError>,
    ) -> Result<(M, T), PowError> {
        let mut state = self.state();
        let Phase::Left(left) = &state.phase else {
            return Err(PowError::Already("has begun"));
        };
        match &left.segment {
            Some(segment) => {
                let environment = environment(device, self.config.adapter.as_deref());
                segment.runs_on(environment, &self.code);
            }
            None => {
                let changed = changed(&self.machine(device), &Machine::of_genesis(&left.genesis));
                if !changed.is_empty() {
                    // A closed stderr must not end the training.
                    let _ = writeln!(std::io::stderr(), "{}", warning(&changed));
                }
            }
        }
        let (model, rest) = take(&left.start).inspect_err(|error| {
            if let (Some(segment), PowError::Resume(error)) = (&left.segment, error) {
                segment.note(error);
            }
        })?;
        let data = state.data;
        if matches!(left.genesis.order, OrderRule::Foreign) || data.epoch.is_none() {
            return Err(ResumeError::ForeignOrder.into());
        }
        let schedule = self.config.schedule(data.epoch.map(EpochShape::steps))?;
        self.declaration(&model, schedule, data)?
            .compare(&left.genesis)?;
        let step = left.start.state.step;
        let progress = Progress {
            schedule,
            epoch: data.epoch,
            thread: None,
            step,
            committed: step,
            learning_rate: left
                .start
                .entry
                .and_then(|entry| entry.learning_rate)
                .map(f64::from_bits),
            loss: None,
            until: left.segment.as_ref().map(|segment| SegmentEnd {
                step: segment.end().step.0,
                has_checkpoint: segment.end().rest.is_some(),
            }),
        };
        let left = std::mem::replace(&mut state.phase, Phase::Recording(progress));
        let Phase::Left(left) = left else {
            return Err(PowError::Already("has begun"));
        };
        let start = left.start;
        let initial = start.entry.is_none().then(|| Snapshot::take(&model));
        state.first = Some(First { start, initial });
        Ok((model, rest))
    }

    /// Checks what [`take_up`](Self::take_up) could not see.
    pub(super) fn first_step(
        &self,
        state: &mut State,
        first: First,
        optimizer: &ModuleOptimizer,
    ) -> Result<(), PowError> {
        first.start.check_optimizer(optimizer)?;
        if let Phase::Recording(progress) = &mut state.phase {
            progress.thread = Some(std::thread::current().id());
        }
        let Some(parameters) = first.initial else {
            return Ok(());
        };
        let initial = step_zero(parameters, optimizer);
        state.hand_over(Job::Step(Box::new(initial)))
    }

    /// Whether a segment is replayed, so that no block will come.
    fn is_replay(&self) -> bool {
        match &self.state().phase {
            Phase::Waiting(_) => false,
            Phase::Left(left) => left.segment.is_some(),
            Phase::Recording(progress) => progress.until.is_some(),
        }
    }
}

impl Keys for Recorder {
    fn key(&self, step: StepNumber) -> Option<BlockHash> {
        if let Some(key) = self.status.key(step) {
            return Some(key);
        }
        let began = Instant::now();
        let key = if self.is_replay() {
            Err(ResumeError::NoKey(step).into())
        } else {
            self.status.wait_for_key(step, &self.interrupter())
        };
        self.status.add_wait(began.elapsed());
        match key {
            Ok(key) => Some(key),
            Err(error) => {
                self.keep_going(Err(error));
                None
            }
        }
    }
}
