//! What training does for the record: count, seed, take snapshots, hand them
//! over. Everything slow happens on the other threads.

pub(crate) mod model;
mod resumed;

use resumed::First;
pub(crate) use resumed::WhereLeft;

use crate::config::PowConfig;
use crate::error::PowError;
use crate::genesis::declaration::{Data, Declaration, EpochShape};
use crate::genesis::environment::{code, environment};
use crate::learner::training::Made;
use crate::loader::Cursor;
use crate::pipeline::committer::{Begin, Finish, Job, RestSnapshot, Step};
use crate::pipeline::final_wait::Patience;
use crate::pipeline::outbox::Outbox;
use crate::pipeline::replicas::Followers;
use crate::pipeline::status::Status;
use crate::resume::point::ResumeError;
use crate::state::optimizer::OptimizerSnapshot;
use crate::state::snapshot::Snapshot;
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::train::checkpoint::CheckpointerError;
use burn::train::{Interrupter, TrainingError};
use crossbeam_channel::Sender;
use pow_core::body::{CodeDigests, Ending, Mode, OrderRule, Schedule, StepNumber};
use pow_core::hash::BatchDigest;
use pow_core::order::{BatchHasher, device_seed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Instant;

pub(crate) struct Recorder {
    config: PowConfig,
    status: Arc<Status>,
    /// Micro-batches trained on, shared with the loader.
    cursor: Cursor,
    /// Read when the run was opened: the file may be rebuilt since.
    code: CodeDigests,
    made: Made,
    state: Mutex<State>,
}

struct State {
    outbox: Outbox,
    interrupter: Interrupter,
    data: Data,
    phase: Phase,
    pending: Pending,
    followers: Followers,
    /// Of a run that goes on, until its first step: what is to be checked or
    /// made up for once the optimizer is seen.
    first: Option<First>,
}

enum Phase {
    /// No optimizer step yet. The model is as the first micro-batch met it.
    Waiting(Option<Snapshot>),
    /// The run goes on, and the program has not taken up its state yet.
    Left(Box<WhereLeft>),
    Recording(Progress),
}

#[derive(Clone, Copy)]
struct Progress {
    schedule: Schedule,
    /// Where the order is declared: how an epoch is cut into steps.
    epoch: Option<EpochShape>,
    /// The thread that takes the steps, once one was taken.
    thread: Option<ThreadId>,
    step: u64,
    committed: u64,
    learning_rate: Option<f64>,
    loss: Option<f64>,
    /// Where the segment ends that is replayed.
    until: Option<SegmentEnd>,
}

#[derive(Clone, Copy)]
struct SegmentEnd {
    step: u64,
    has_checkpoint: bool,
}

/// Micro-batches since the last committed step.
#[derive(Default)]
struct Pending {
    hasher: BatchHasher,
    samples: Vec<u32>,
    /// Micro-batches since the last step.
    since_step: u64,
    /// One of them did not say what it was made of.
    untracked: bool,
    /// One of them ran on this thread.
    thread: Option<ThreadId>,
}

impl Recorder {
    /// The recorder of a new run, or of one that goes on from `left`.
    pub(crate) fn new(
        config: PowConfig,
        status: Arc<Status>,
        outbox: Sender<Job>,
        left: Option<WhereLeft>,
    ) -> Self {
        let cursor = left.as_ref().map_or(0, |left| left.start.state.cursor);
        let phase = match left {
            None => Phase::Waiting(None),
            Some(left) => Phase::Left(Box::new(left)),
        };
        Recorder {
            code: code(&config),
            config,
            cursor: Cursor::at(cursor),
            status: status.clone(),
            made: Made::default(),
            state: Mutex::new(State {
                outbox: Outbox::new(outbox, status),
                interrupter: Interrupter::new(),
                data: Data {
                    order: OrderRule::Foreign,
                    dataset: None,
                    epoch: None,
                },
                phase,
                pending: Pending::default(),
                followers: Followers::default(),
                first: None,
            }),
        }
    }

    pub(crate) fn config(&self) -> &PowConfig {
        &self.config
    }

    /// The epoch that the cursor stands in; 0 where the order is not declared.
    pub(crate) fn epoch(&self) -> u64 {
        let epoch = self.state().data.epoch;
        epoch.map_or(0, |epoch| self.cursor.get() / epoch.micro_batches)
    }

    pub(crate) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The loaders that the run made.
    pub(crate) fn made(&self) -> &Made {
        &self.made
    }

    /// Says what genesis will say of the data; once, before the first step.
    pub(crate) fn declare(&self, data: Data) -> Result<(), PowError> {
        let mut state = self.state();
        if matches!(state.phase, Phase::Recording(_)) || state.data.dataset.is_some() {
            return Err(PowError::Already("has its data"));
        }
        state.data = data;
        Ok(())
    }

    /// Refuses another loader than the declared one.
    pub(crate) fn check_loader(&self, found: usize) -> Result<(), PowError> {
        match self.state().data.order {
            OrderRule::Seeded { items, .. } | OrderRule::Bound { items, .. }
                if items.get() as usize != found =>
            {
                Err(PowError::Config(format!(
                    "the loader holds {found} items, the run's own {items}"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Which handle stops the training if recording fails, and is asked while
    /// the recorder waits.
    pub(crate) fn stop_with(&self, interrupter: Interrupter) {
        self.state().interrupter = interrupter;
    }

    pub(crate) fn interrupter(&self) -> Interrupter {
        self.state().interrupter.clone()
    }

    /// Notes a micro-batch before the model sees it, and seeds the model's
    /// device for it.
    pub(crate) fn micro_batch<M: Module>(&self, model: &M, indices: Option<&[u32]>) {
        let mut state = self.state();
        if let Phase::Waiting(initial @ None) = &mut state.phase {
            // Taken before the forward pass, which moves running statistics.
            *initial = Some(Snapshot::take(model));
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
        if let Some(device) = model.devices().first() {
            device.seed(seed);
        }
    }

    /// To be called before an optimizer step: begins the record if this is the
    /// first, and in gate mode waits for the block of the step before.
    pub(crate) fn before_step<M: Module>(
        &self,
        model: &M,
        optimizer: &ModuleOptimizer,
    ) -> Result<(), PowError> {
        self.status.check()?;
        let mut state = self.state();
        if state.outbox.holds_back() {
            return Err(self.status.interrupted());
        }
        let progress = match &mut state.phase {
            Phase::Recording(progress) => *progress,
            Phase::Waiting(_) => self.begin(&mut state, model, optimizer)?,
            Phase::Left(_) => return Err(ResumeError::NotRestored.into()),
        };
        if progress.until.is_some_and(|end| end.step == progress.step) {
            return Err(PowError::Replayed);
        }
        if self.is_follower(&progress) {
            return Ok(());
        }
        self.check_step(&progress, &state.pending)?;
        if let Some(first) = state.first.take() {
            self.first_step(&mut state, first, optimizer)?;
        }
        let interrupter = state.interrupter.clone();
        drop(state);
        // A replay has no blocks to wait for.
        if self.config.mode == Mode::Gate && progress.until.is_none() {
            let began = Instant::now();
            let sealed = self
                .status
                .wait_for(StepNumber(progress.step), &interrupter);
            self.status.add_wait(began.elapsed());
            sealed?;
        }
        Ok(())
    }

    /// Whether this thread's copy of the learner is another than the recorded one.
    fn is_follower(&self, progress: &Progress) -> bool {
        let thread = std::thread::current().id();
        self.config.replicas.get() > 1 && progress.thread.is_some_and(|takes| takes != thread)
    }

    fn check_step(&self, progress: &Progress, pending: &Pending) -> Result<(), PowError> {
        let thread = std::thread::current().id();
        if progress.thread.is_some_and(|takes| takes != thread) {
            return Err(PowError::Config(
                "optimizer steps come from several threads; a run records one learner".into(),
            ));
        }
        if let Some(planned) = progress.schedule.planned
            && progress.step >= planned
        {
            return Err(PowError::Config(format!(
                "{planned} steps were planned and taken, and training goes on; tell \
                 PowConfig::epochs or PowConfig::planned_steps what the training is told"
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
                "step {} is about to be made of {} micro-batches, the declared order says \
                 {expected}; tell PowConfig::accumulation what the training is told, and in a \
                 loop of your own call PowRun::micro_batch for each",
                progress.step + 1,
                pending.since_step
            )));
        }
        Ok(())
    }

    /// Hands over the declaration and the initial state.
    pub(crate) fn begin_with<M: Module>(
        &self,
        model: &M,
        optimizer: &ModuleOptimizer,
    ) -> Result<(), PowError> {
        let mut state = self.state();
        match state.phase {
            Phase::Recording(_) | Phase::Left(_) => Err(PowError::Already("has begun")),
            Phase::Waiting(_) => self.begin(&mut state, model, optimizer).map(drop),
        }
    }

    fn begin<M: Module>(
        &self,
        state: &mut State,
        model: &M,
        optimizer: &ModuleOptimizer,
    ) -> Result<Progress, PowError> {
        let thread = std::thread::current().id();
        // Several devices draw their batches side by side, in no fixed order.
        let elsewhere = state.pending.thread.is_some_and(|seen| seen != thread);
        let mut data = state.data;
        if state.pending.untracked || elsewhere || self.config.replicas.get() > 1 {
            data.order = OrderRule::Foreign;
            data.epoch = None;
        }
        let schedule = self.config.schedule(data.epoch.map(EpochShape::steps))?;
        let initial = match &mut state.phase {
            Phase::Waiting(initial) => initial.take(),
            Phase::Recording(_) | Phase::Left(_) => None,
        };
        let begin = Begin {
            declaration: self.declaration(model, schedule, data)?,
            initial: step_zero(initial.unwrap_or_else(|| Snapshot::take(model)), optimizer),
        };
        state.hand_over(Job::Begin(Box::new(begin)))?;
        let progress = Progress {
            schedule,
            epoch: data.epoch,
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

    fn declaration<M: Module>(
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
        })
    }

    /// To be called after an optimizer step: hands the model over if the step
    /// is to be committed.
    pub(crate) fn after_step<M: Module>(
        &self,
        model: &M,
        optimizer: &ModuleOptimizer,
        learning_rate: f64,
        loss: Option<f64>,
    ) -> Result<(), PowError> {
        let mut state = self.state();
        let Phase::Recording(progress) = &mut state.phase else {
            return Err(PowError::NotBegun);
        };
        if self.is_follower(progress) {
            let schedule = progress.schedule;
            return self.follow(&mut state, schedule, model);
        }
        progress.step += 1;
        progress.learning_rate = Some(learning_rate);
        progress.loss = loss;
        let Progress {
            step,
            schedule,
            epoch,
            until,
            ..
        } = *progress;
        state.pending.since_step = 0;
        let is_last = schedule.planned == Some(step);
        let segment_end = until.filter(|end| end.step == step);
        if !is_last && segment_end.is_none() && !step.is_multiple_of(schedule.commit_every) {
            return Ok(());
        }
        let began = Instant::now();
        // BatchNorm keeps the newest statistics aside until a model is asked
        // for its inference form; clones share them.
        drop(model.valid());
        let every = schedule.checkpoint_every;
        let has_checkpoint = is_last
            || (every != 0 && step.is_multiple_of(every))
            || segment_end.is_some_and(|end| end.has_checkpoint);
        let (batch, samples) = state.take_batch(epoch.is_some());
        let job = Step {
            number: StepNumber(step),
            parameters: Snapshot::take(model),
            trained: (self.config.replicas.get() > 1).then(|| Snapshot::of_trained(model)),
            batch,
            samples,
            loss,
            learning_rate: Some(learning_rate),
            checkpoint: has_checkpoint.then(|| RestSnapshot {
                optimizer: OptimizerSnapshot::take(optimizer),
                scheduler_steps: step,
                cursor: self.cursor.get(),
            }),
        };
        self.status.clocks.snapshot.add(began.elapsed());
        state.set_committed(step);
        state.hand_over(Job::Step(Box::new(job)))?;
        if segment_end.is_some() {
            state.interrupter.stop(Some("the segment was replayed"));
        }
        Ok(())
    }

    /// After a step of another copy: hands it over to be compared, if the step is
    /// a committed one.
    fn follow<M: Module>(
        &self,
        state: &mut State,
        schedule: Schedule,
        model: &M,
    ) -> Result<(), PowError> {
        let step = state.followers.step(std::thread::current().id());
        if schedule.planned != Some(step.0) && !step.0.is_multiple_of(schedule.commit_every) {
            return Ok(());
        }
        drop(model.valid());
        let trained = Snapshot::of_trained(model);
        state.hand_over(Job::Replica(step, Box::new(trained)))
    }

    /// Hands over the end; nothing can be recorded after it.
    pub(crate) fn end<M: Module>(
        &self,
        model: &M,
        ending: Ending,
        patience: &mut Patience<'_>,
    ) -> Result<(), PowError> {
        self.status.check()?;
        let mut state = self.state();
        let Phase::Recording(progress) = state.phase else {
            return Err(PowError::NotBegun);
        };
        // The chain's rules would refuse it, after the run has been used up.
        let ending = match (ending, progress.schedule.planned) {
            (Ending::Completed, Some(planned)) if planned != progress.step => Ending::Stopped,
            (ending, _) => ending,
        };
        drop(model.valid());
        let model_went_on = state.pending.since_step > 0;
        let is_committed = progress.step == progress.committed;
        let last = (!is_committed && !model_went_on).then(|| {
            let (batch, samples) = state.take_batch(progress.epoch.is_some());
            Step {
                number: StepNumber(progress.step),
                parameters: Snapshot::take(model),
                trained: (self.config.replicas.get() > 1).then(|| Snapshot::of_trained(model)),
                batch,
                samples,
                loss: progress.loss,
                learning_rate: progress.learning_rate,
                checkpoint: None,
            }
        });
        let finish = Finish {
            ending,
            model: Snapshot::take(model),
            last,
            model_went_on,
        };
        state.outbox.queue(Job::Finish(Box::new(finish)));
        state.outbox.hand_over_all(patience)
    }

    /// How a training ended that met no error and was not stopped, for all Burn
    /// knows: a planned length that was not reached, or, where none is planned, an
    /// epoch that was broken off, makes it stopped after all.
    pub(crate) fn natural_ending(&self) -> Ending {
        let completed = match self.state().phase {
            Phase::Recording(Progress { schedule, step, .. }) => match schedule.planned {
                Some(planned) => planned == step,
                None => !self.cursor.fate().was_broken_off(),
            },
            _ => false,
        };
        if completed {
            Ending::Completed
        } else {
            Ending::Stopped
        }
    }

    /// Whether anything was handed over.
    pub(crate) fn has_begun(&self) -> bool {
        matches!(self.state().phase, Phase::Recording(_))
    }

    /// Hangs up: the threads seal what they have and end.
    pub(crate) fn close(&self, patience: &mut Patience<'_>) {
        let mut state = self.state();
        // A failure has been noted where it happened.
        let _ = state.outbox.hand_over_all(patience);
        state.outbox.close();
    }

    /// Stops the training on an error; false if there was one. (Where somebody
    /// has stopped it already there is nothing to do.)
    pub(crate) fn keep_going(&self, result: Result<(), PowError>) -> bool {
        let error = match result {
            Ok(()) => return true,
            Err(PowError::Interrupted { .. } | PowError::Replayed) => return false,
            Err(error) => error,
        };
        let message = format!("recording failed: {error}");
        self.status.fail(error);
        let interrupter = self.state().interrupter.clone();
        interrupter.fail(TrainingError::from(CheckpointerError::Unknown(message)));
        false
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic leaves at worst a step uncounted, which the chain's own
        // rules then refuse.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The state before any step.
fn step_zero(parameters: Snapshot, optimizer: &ModuleOptimizer) -> Step {
    Step {
        number: StepNumber(0),
        parameters,
        trained: None,
        batch: None,
        samples: None,
        loss: None,
        learning_rate: None,
        checkpoint: Some(RestSnapshot {
            optimizer: OptimizerSnapshot::take(optimizer),
            scheduler_steps: 0,
            cursor: 0,
        }),
    }
}

impl State {
    fn hand_over(&mut self, job: Job) -> Result<(), PowError> {
        self.outbox.hand_over(job, &self.interrupter)
    }

    fn set_committed(&mut self, step: u64) {
        if let Phase::Recording(progress) = &mut self.phase {
            progress.committed = step;
        }
    }

    /// The samples since the last entry, where they are known, and their
    /// digest, where the order is declared.
    fn take_batch(&mut self, is_seeded: bool) -> (Option<BatchDigest>, Option<Vec<u32>>) {
        let pending = std::mem::take(&mut self.pending);
        let samples = (!pending.untracked).then_some(pending.samples);
        let digest = is_seeded.then(|| pending.hasher.finish()).flatten();
        (digest, samples)
    }
}

#[cfg(test)]
mod tests;
