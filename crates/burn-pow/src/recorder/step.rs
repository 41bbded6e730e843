//! One optimizer step: what is checked before it, and what is sent after it.

use super::Recorder;
use super::first_step::Sizes;
use super::progress::{AfterCheckpoint, Pending, Phase, Progress, RecorderState};
use super::step_info::StepInfo;
use crate::error::{PowError, ResumeError};
use crate::genesis::machine::training_device;
use crate::genesis::probe::draws;
use crate::pipeline::message::{Message, RestSnapshot, Step, Untouched};
use crate::state::loss::Loss;
use crate::state::snapshot::Snapshot;
use crate::state::trainee::{Parameters, Trainee};
use burn::tensor::Tensor;
use pow_core::body::{Mode, Schedule, StepNumber};
use pow_core::order::device_seed;
use pow_ledger::RunDir;
use pow_ledger::space::{Bytes, Forecast};
use std::io::Write;
use std::time::Instant;

impl Recorder {
    /// Notes a micro-batch before the model sees it, and seeds the model's device for
    /// it.
    pub(crate) fn micro_batch(&self, model: &impl Parameters, indices: Option<&[u32]>) {
        let mut state = self.state();
        if let Phase::AwaitingStart(initial @ None) = &mut state.phase {
            // The forward pass changes running statistics, so this is before it.
            *initial = Some(model.parameters());
        }
        state.first_step.see(model);
        if let AfterCheckpoint::Taken(step) = state.after_checkpoint {
            // Statistics of a forward pass between the steps are no part of the checkpoint.
            model.flush_statistics();
            state.after_checkpoint = AfterCheckpoint::Seen(step, Box::new(model.parameters()));
        }
        let device = model.device();
        // A resumed run has its genesis already.
        if !self.resumes
            && state.draws.is_none()
            && let Some(device) = &device
        {
            // Only here: the device is seeded anew before the program draws from it.
            let draws = draws(&training_device(device));
            if let Some(segment) = &self.segment {
                segment.add_to_probe(&draws);
            }
            state.draws = Some(draws);
        }
        let pending = &mut state.pending;
        match indices {
            Some(indices) => {
                pending.hasher.micro_batch(indices);
                pending.samples.extend(indices);
            }
            None => pending.untracked = true,
        }
        pending.since_step += 1;
        pending.thread = Some(std::thread::current().id());
        let seed = device_seed(self.config.seed, self.cursor.advance());
        if let Some(device) = &device {
            device.seed(seed);
        }
    }

    /// Notes the loss of the micro-batch that was noted last.
    pub(crate) fn loss_of_batch(&self, loss: Tensor<1>) {
        if self.config.replicas.get() > 1 {
            // Micro-batches of several threads come in no fixed order.
            return;
        }
        self.state().pending.loss.push(loss);
    }

    /// Call this before an optimizer step. The first call starts the record. In gate
    /// mode, each call waits for the block of the step before.
    pub(crate) fn before_step(&self, trainee: &impl Trainee) -> Result<(), PowError> {
        self.status.check()?;
        let mut state = self.state();
        if state.outbox.has_unsent() {
            return Err(PowError::Interrupted(self.status.unfinished()));
        }
        let progress = match &mut state.phase {
            Phase::Recording(progress) => *progress,
            Phase::AwaitingStart(_) => self.begin(&mut state, trainee)?,
            Phase::AwaitingRestore(_) | Phase::AwaitingOrigin(_) => {
                return Err(ResumeError::NotRestored.into());
            }
        };
        if progress.segment_ended() {
            return Err(PowError::SegmentEnded(StepNumber(progress.step)));
        }
        if self.is_follower(&progress) {
            return Ok(());
        }
        self.check_step(&progress, &state.pending)?;
        self.send_begin(&mut state)?;
        if !self.is_replay() {
            let sizes = state.first_step.check(trainee)?;
            if let Some(sizes) = sizes.filter(|_| !self.resumes) {
                self.foresee(progress.schedule, &sizes);
            }
        }
        self.send_untouched(&mut state, trainee)?;
        if let Some(restored) = state.restored.take() {
            let checked = self.check_restored(&mut state, restored, trainee);
            checked.inspect_err(|error| self.note(error))?;
        }
        drop(state);
        if self.config.mode == Mode::Gate && !self.is_replay() {
            let began = Instant::now();
            let sealed = self
                .status
                .wait_for(StepNumber(progress.step), &self.interrupter());
            self.status.add_wait(began.elapsed());
            sealed?;
        }
        Ok(())
    }

    /// Keeps how much space the run will take, and warns if it is not there. Only the state
    /// after a step says how large an optimizer's is.
    fn foresee(&self, schedule: Schedule, sizes: &Sizes) {
        let checkpoint = Bytes(sizes.model.saturating_add(sizes.rest));
        let forecast = Forecast::of(&schedule, checkpoint, Bytes(sizes.model));
        // A system that does not say how much is free ends no training.
        let free = RunDir::new(self.config.dir()).free_space().ok().flatten();
        if forecast.fits(free) == Some(false) {
            let sentence = forecast.sentence(free);
            // A closed stderr must not end the training.
            let _ = writeln!(std::io::stderr(), "warning: {sentence}");
        }
        let _ = self.forecast.set(forecast);
    }

    /// At the first step after a checkpoint: sends the state, to be compared with it.
    /// A run without a declared order cannot be replayed, so it may change what it likes.
    fn send_untouched(
        &self,
        state: &mut RecorderState,
        trainee: &impl Trainee,
    ) -> Result<(), PowError> {
        let before = std::mem::replace(&mut state.after_checkpoint, AfterCheckpoint::No);
        let AfterCheckpoint::Seen(step, parameters) = before else {
            return Ok(());
        };
        let is_declared = match &state.phase {
            Phase::Recording(progress) => progress.epoch.is_some(),
            _ => false,
        };
        if !is_declared || self.is_replay() {
            return Ok(());
        }
        let untouched = Untouched {
            step,
            parameters: *parameters,
            rest: trainee.rest(),
        };
        self.send(state, Message::Untouched(Box::new(untouched)))
    }

    /// Whether this thread's copy of the learner is not the recorded one.
    fn is_follower(&self, progress: &Progress) -> bool {
        let thread = std::thread::current().id();
        self.config.replicas.get() > 1 && progress.thread.is_some_and(|takes| takes != thread)
    }

    fn check_step(&self, progress: &Progress, pending: &Pending) -> Result<(), PowError> {
        let thread = std::thread::current().id();
        if progress.thread.is_some_and(|takes| takes != thread) {
            return Err(PowError::Config(
                "optimizer steps come from several threads, but a run records one learner".into(),
            ));
        }
        if let Some(planned) = progress.schedule.planned
            && progress.step >= planned
        {
            return Err(PowError::Config(format!(
                "all {planned} planned steps were taken, and the training continues; give \
                 PowConfig::epochs or PowConfig::planned_steps the length that the training has"
            )));
        }
        let Some(epoch) = progress.epoch else {
            return Ok(());
        };
        if pending.untracked {
            return Err(PowError::Config(
                "a batch came without its sample indices, in a run whose order is declared".into(),
            ));
        }
        let expected = epoch.micro_batches_of_next(progress.step);
        if pending.since_step != expected {
            return Err(PowError::Config(format!(
                "step {} has {} micro-batches, the declared order has {expected}; give \
                 PowConfig::accumulation the number that the training has, and in a custom loop \
                 call PowRun::micro_batch for each micro-batch",
                progress.step + 1,
                pending.since_step
            )));
        }
        Ok(())
    }

    /// Call this after an optimizer step. Sends the model if the step is committed.
    pub(crate) fn after_step(
        &self,
        trainee: &impl Trainee,
        info: StepInfo,
    ) -> Result<(), PowError> {
        let StepInfo {
            learning_rate,
            loss,
            moves,
        } = info;
        let mut state = self.state();
        let Phase::Recording(progress) = &mut state.phase else {
            return Err(PowError::NotStarted);
        };
        if self.is_follower(progress) {
            let schedule = progress.schedule;
            return self.follow(&mut state, schedule, trainee);
        }
        progress.step += 1;
        if let Some(segment) = &self.segment {
            segment.count_step();
        }
        progress.learning_rate = Some(learning_rate);
        let Progress {
            step,
            schedule,
            epoch,
            until,
            ..
        } = *progress;
        state.pending.since_step = 0;
        let of_batches = std::mem::take(&mut state.pending.loss);
        state.loss = loss.map_or(of_batches, Loss::Known);
        state.pending.moved.add(moves);
        if !self.is_replay() {
            state.first_step.take(StepNumber(step), trainee);
        }
        let is_last = schedule.planned == Some(step);
        let segment_end = until.filter(|end| end.step == step);
        if !is_last && segment_end.is_none() && !step.is_multiple_of(schedule.commit_every) {
            return Ok(());
        }
        let began = Instant::now();
        trainee.flush_statistics();
        let has_checkpoint = schedule.has_checkpoint(StepNumber(step))
            || segment_end.is_some_and(|end| end.has_checkpoint);
        let is_inner = !is_last && segment_end.is_none();
        let pauses = self.is_asked_to_pause() && is_inner;
        let keeps = has_checkpoint || pauses || (is_inner && self.is_state_due(&state));
        if keeps {
            state.kept_at = Instant::now();
        }
        let since = state.take_pending(epoch.is_some());
        let message = Step {
            number: StepNumber(step),
            parameters: trainee.parameters(),
            trained: self.trained(trainee),
            batch: since.batch,
            samples: since.samples,
            moved: since.moved,
            loss: std::mem::take(&mut state.loss),
            learning_rate: Some(learning_rate),
            checkpoint: keeps.then(|| RestSnapshot {
                is_committed: has_checkpoint,
                rest: trainee.rest(),
                scheduler_steps: step,
                cursor: self.cursor.get(),
            }),
        };
        self.status.clocks.snapshot.add(began.elapsed());
        state.set_committed(step);
        if has_checkpoint {
            state.after_checkpoint = AfterCheckpoint::Taken(StepNumber(step));
        }
        self.send(&mut state, Message::Step(Box::new(message)))?;
        if segment_end.is_some() {
            self.interrupter().stop(Some("the segment was replayed"));
        }
        if pauses {
            self.interrupter().stop(Some("the run pauses"));
        }
        Ok(())
    }

    /// Whether the last whole state was kept so long ago that another is due.
    fn is_state_due(&self, state: &RecorderState) -> bool {
        let every = self.config.keep_state_every.filter(|_| !self.is_replay());
        every.is_some_and(|every| state.kept_at.elapsed() >= every)
    }

    /// After a step of another copy: sends its parameters to be compared, if the step
    /// is committed.
    fn follow(
        &self,
        state: &mut RecorderState,
        schedule: Schedule,
        model: &impl Parameters,
    ) -> Result<(), PowError> {
        let step = state.followers.step(std::thread::current().id());
        if schedule.planned != Some(step.0) && !step.0.is_multiple_of(schedule.commit_every) {
            return Ok(());
        }
        model.flush_statistics();
        let trained = model.trained();
        self.send(state, Message::Replica(step, Box::new(trained)))
    }

    /// The parameters that are compared with other copies, if there are any.
    pub(super) fn trained(&self, model: &impl Parameters) -> Option<Snapshot> {
        (self.config.replicas.get() > 1).then(|| model.trained())
    }
}
