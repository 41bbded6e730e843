//! A recorded run, from the program's side.

mod builder;
pub(crate) mod challenge;
mod loaders;

pub use builder::LoaderBuilder;

use crate::config::PowConfig;
use crate::error::PowError;
use crate::genesis::differences::{Changed, changed};
use crate::loader::Tracked;
use crate::pipeline::final_wait::Patience;
use crate::pipeline::observer::{Committed, Observer};
use crate::pipeline::stages::Stages;
use crate::pipeline::status::Status;
use crate::pipeline::threads::{start, start_replay};
use crate::recorder::model::RecordedModel;
use crate::recorder::{Recorder, WhereLeft};
use crate::replay::checker::Checker;
use crate::replay::segment::SegmentReplay;
use crate::resume::point::Resumed;
use crate::resume::directory::{Opened, Way};
use crate::state::snapshot::Snapshot;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::train::Interrupter;
use pow_core::body::{Ending, Mode, StepNumber};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::search::{Engine, EngineError};
use pow_ledger::RunDir;
use pow_mine::{CpuShare, Priority, Selected, select};
use std::io::Write;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// What to do with a run's directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Record a new run; the directory must not exist.
    Create,
    /// Go on with a run that was killed: from its newest checkpoint, with the
    /// same settings, data and program. Steps that the chain has already are
    /// taken again and compared with it; the first that differs ends the
    /// training with [`ResumeError::Diverged`](crate::ResumeError::Diverged).
    Resume,
    /// Train one segment of a recorded run again, with the same settings, data
    /// and program, and compare every entry; nothing is mined and no file is
    /// written. A launched training comes out as
    /// [`Outcome::Replayed`](crate::Outcome::Replayed); a loop of one's own ends
    /// with [`PowError::Replayed`].
    Replay(SegmentReplay),
}

/// A run being recorded. Dropping it before it is finished seals what was
/// handed over, as [`finish`](Self::finish) does, and leaves a chain without a
/// final block. Of a run that was not begun no directory stays, unless other
/// files lie in it.
///
/// With Burn's `Learner`, it takes four lines of a training program:
///
/// ```no_run
/// # use burn::data::dataloader::{DataLoader, batcher::Batcher};
/// # use burn::data::dataset::Dataset;
/// # use burn::optim::ModuleOptimizer;
/// # use burn::train::{Learner, LearnerModel, SupervisedTraining, TrainStep, InferenceStep};
/// # use burn_pow::loader::CanonicalBytes;
/// # use burn_pow::{Action, RecordedModel, Outcome, PowConfig, PowError, PowRun};
/// # use std::sync::Arc;
/// # fn program<I, B, M>(
/// #     dataset: Arc<dyn Dataset<I>>,
/// #     batcher: Arc<dyn Batcher<I, B>>,
/// #     valid: Arc<dyn DataLoader<<M as InferenceStep>::Input>>,
/// #     model: M,
/// #     optimizer: ModuleOptimizer,
/// # ) -> Result<(), Box<dyn std::error::Error>>
/// # where
/// #     I: CanonicalBytes + 'static,
/// #     B: Send + 'static,
/// #     M: LearnerModel + TrainStep<Input = B>,
/// # {
/// let config = PowConfig::new("runs/mine").seed(7).epochs(3);
/// let run = PowRun::open(Action::Create, config)?;
/// let train = run.loader(dataset, batcher, 64.try_into()?)?;
/// let training = SupervisedTraining::new("logs", train.clone(), valid).num_epochs(3);
/// let learner = Learner::new(run.wrap(model), optimizer, 1e-3);
/// let Outcome::Trained(trained) = run.launch(training, learner, train)? else {
///     return Ok(());
/// };
/// println!("recorded {} steps", trained.record.steps);
/// # Ok(())
/// # }
/// ```
///
/// A loop of one's own calls [`start`](Self::start),
/// [`micro_batch`](Self::micro_batch), [`step`](Self::step) and
/// [`finish`](Self::finish).
pub struct PowRun {
    recorder: Arc<Recorder>,
    dir: RunDir,
    engine: String,
    status: Arc<Status>,
    threads: Vec<JoinHandle<()>>,
    resumed: Option<Resumed>,
    observer: Observer,
    /// What is replayed, if the run is only that.
    segment: Option<SegmentReplay>,
}

/// What a loop of one's own begins with.
#[non_exhaustive]
pub struct Started<M> {
    /// The model, of a resumed run as it was.
    pub model: M,
    /// Its optimizer, likewise.
    pub optimizer: ModuleOptimizer,
    /// Steps taken before: so often the learning-rate scheduler must be stepped
    /// before the loop.
    pub steps: u64,
    /// The epoch that the loader's next iteration belongs to, from 0 on. Of a
    /// resumed run, that iteration is what is left of the epoch.
    pub epoch: u64,
}

/// What was recorded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Record {
    /// Where the run lies.
    pub dir: RunDir,
    /// Hash of the genesis block: the chain's id, for others to pin.
    pub genesis: BlockHash,
    /// Hash of the final block.
    pub head: BlockHash,
    /// Height of the final block.
    pub height: Height,
    /// The last committed step, whose model is the artifact. (A run that is
    /// stopped within an accumulation ends with the last step committed before
    /// it.)
    pub steps: StepNumber,
    /// Time that training waited for the recorder.
    pub waited: Duration,
    /// What the recording's time was spent on.
    pub stages: Box<Stages>,
    /// Engines that failed while others mined on, each with its reason.
    pub failed_engines: Vec<EngineError>,
}

impl PowRun {
    /// Opens the run: the engine, the directory, the threads. The chain itself
    /// begins with the first optimizer step, when model and optimizer are known.
    ///
    /// A run that goes on is verified first. If its writer was killed while it
    /// appended a block, the bytes of that block are moved out of the chain file
    /// ([`Resumed::torn`]).
    ///
    /// # Errors
    ///
    /// [`PowError`] if a setting is refused, the engine asked for is not there,
    /// or the directory exists or cannot be created; [`PowError::Resume`] if a
    /// run cannot go on, or [`PowError::Ledger`] if somebody else writes to it.
    pub fn open(action: Action, config: PowConfig) -> Result<Self, PowError> {
        Self::open_by(action, config, |config| {
            let priority = match config.mode {
                Mode::Pipelined => Priority::Low,
                // Training waits for the miner anyway.
                Mode::Gate => Priority::Normal,
            };
            let share = CpuShare {
                threads: config.mining_threads,
                priority,
            };
            Ok(select(config.engine, share)?)
        })
    }

    /// As [`open`](Self::open), with an engine of the program's own in place of
    /// the one that [`PowConfig::engine`] and [`PowConfig::mining_threads`] ask
    /// for: such as one that mines on the GPU that trains, through the wgpu
    /// device that Burn has opened.
    ///
    /// ```no_run
    /// use burn_pow::{Action, PowConfig, PowError, PowRun};
    /// # fn program(engine: impl pow_core::search::Engine + 'static) -> Result<(), PowError> {
    /// // pow_gpu::GpuEngine::with_device(setup.device, setup.queue, settings)?, where
    /// // setup is what Burn's Device::wgpu_options().init_with_setup() gives.
    /// let run = PowRun::open_with_engine(
    ///     Action::Create,
    ///     PowConfig::new("runs/mine"),
    ///     Box::new(engine),
    /// )?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with_engine(
        action: Action,
        config: PowConfig,
        engine: Box<dyn Engine>,
    ) -> Result<Self, PowError> {
        Self::open_by(action, config, |_| {
            let note = format!("mining with {}, which the program opened", engine.name());
            Ok(Selected { engine, note })
        })
    }

    /// Opens the engine only if something is to be mined.
    fn open_by(
        action: Action,
        config: PowConfig,
        engine: impl FnOnce(&PowConfig) -> Result<Selected, PowError>,
    ) -> Result<Self, PowError> {
        config.check()?;
        let way = match action {
            Action::Create => Way::Create,
            Action::Resume => Way::Resume,
            Action::Replay(segment) => return Self::open_replay(segment, config),
        };
        let selected = engine(&config)?;
        Self::open_selected(way, config, selected)
    }

    fn open_selected(
        way: Way,
        mut config: PowConfig,
        selected: Selected,
    ) -> Result<Self, PowError> {
        let dir = RunDir::new(config.dir());
        let opened = Opened::open(way, &dir, &mut config)?;
        Self::begin(config, dir, opened, selected)
    }

    /// Starts the threads over an open directory.
    fn begin(
        config: PowConfig,
        dir: RunDir,
        opened: Opened,
        selected: Selected,
    ) -> Result<Self, PowError> {
        let status = Arc::new(Status::default());
        status.add_keys(opened.keys);
        let observer = Observer::default();
        let (outbox, threads) = start(
            &config,
            opened.files,
            opened.chain,
            selected.engine,
            &status,
            opened.past,
            &observer,
        )?;
        Ok(PowRun {
            recorder: Arc::new(Recorder::new(config, status.clone(), outbox, opened.left)),
            dir,
            engine: selected.note,
            status,
            threads,
            resumed: opened.resumed,
            observer,
            segment: None,
        })
    }

    fn open_replay(segment: SegmentReplay, mut config: PowConfig) -> Result<Self, PowError> {
        segment.settle(&mut config)?;
        let start = segment.start()?;
        let status = Arc::new(Status::default());
        status.add_keys(segment.keys());
        let observer = Observer::default();
        let checker = Checker {
            segment: segment.clone(),
            start: start.file.clone(),
            status: status.clone(),
            observer: observer.clone(),
        };
        let (outbox, threads) = start_replay(config.queue, checker, &status)?;
        let left = WhereLeft {
            genesis: segment.genesis().clone(),
            start,
            segment: Some(segment.clone()),
        };
        Ok(PowRun {
            dir: segment.dir().clone(),
            recorder: Arc::new(Recorder::new(config, status.clone(), outbox, Some(left))),
            engine: "replaying: nothing is mined".into(),
            status,
            threads,
            resumed: None,
            observer,
            segment: Some(segment),
        })
    }

    /// Whether a segment is [replayed](Action::Replay), rather than anything
    /// recorded.
    pub fn is_replay(&self) -> bool {
        self.segment.is_some()
    }

    /// Where the run goes on, if it was [resumed](Action::Resume).
    pub fn resumed(&self) -> Option<&Resumed> {
        self.resumed.as_ref()
    }

    /// What is not as it was when a run that goes on was begun: the executable,
    /// and what trains `model`. Nothing of any other run. It is also said on
    /// standard error when the model is restored; a program that would rather
    /// not go on asks before.
    ///
    /// ```no_run
    /// # use burn::module::Module;
    /// # use burn_pow::{Action, ChangedPart, PowConfig, PowRun};
    /// # fn program(model: impl Module) -> Result<(), Box<dyn std::error::Error>> {
    /// let run = PowRun::open(Action::Resume, PowConfig::new("runs/mine"))?;
    /// if run.changed(&model).iter().any(|changed| changed.part == ChangedPart::Cpu) {
    ///     return Err("begun on another kind of CPU".into());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn changed<M: Module>(&self, model: &M) -> Vec<Changed> {
        let Some(resumed) = &self.resumed else {
            return Vec::new();
        };
        let device = model.devices().first().cloned();
        changed(&self.recorder.machine(device.as_ref()), &resumed.begun)
    }

    /// Where the run lies.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// One line for people: which engine mines, and why that one.
    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// Calls `callback` with every step that is committed from now on, in order,
    /// on the thread that hashes them: training goes on meanwhile, and waits only
    /// once the [queue](PowConfig::queue) is full. A step that was shown is hashed
    /// but need not be mined yet.
    ///
    /// # Panics
    ///
    /// A panic of `callback` ends the recording, and with it the training.
    pub fn on_commit(&self, callback: impl FnMut(Committed<'_>) + Send + 'static) {
        self.observer.set(Box::new(callback));
    }

    /// The model, with every optimizer step recorded. Weights that Burn has
    /// left to be drawn on first use are drawn now, so that they follow from
    /// the seed that the program gave its device before it made the model.
    pub fn wrap<M: Module>(&self, model: M) -> RecordedModel<M> {
        drop(Snapshot::take(&model));
        RecordedModel::new(model, self.recorder.clone())
    }

    /// In a loop of one's own: the handle that stops it, which the loop looks at
    /// itself. A stop also ends every wait of the run: [`step`](Self::step) then
    /// may return [`PowError::Interrupted`], and see [`finish`](Self::finish).
    pub fn stop_with(&self, interrupter: Interrupter) {
        self.recorder.stop_with(interrupter);
    }

    /// In a loop of one's own, before the first micro-batch: records the
    /// declaration and the initial state, or, of a resumed run, gives model and
    /// optimizer the state of its checkpoint.
    ///
    /// ```no_run
    /// # use burn::module::Module;
    /// # use burn::optim::ModuleOptimizer;
    /// # use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
    /// # use burn_pow::{PowError, PowRun};
    /// # fn program<M: Module>(run: &PowRun, model: M, optimizer: ModuleOptimizer, mut rate: ModuleLrScheduler) -> Result<(), PowError> {
    /// let started = run.start(model, optimizer)?;
    /// for _ in 0..started.steps {
    ///     rate.step();
    /// }
    /// for epoch in started.epoch..10 {
    ///     // Iterate over the loader.
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`PowError`] if the run has begun already or cannot be recorded;
    /// [`PowError::Resume`] if it was begun with another model, data or
    /// settings.
    pub fn start<M: Module>(
        &self,
        model: M,
        optimizer: ModuleOptimizer,
    ) -> Result<Started<M>, PowError> {
        if !self.recorder.is_left() {
            self.recorder.begin_with(&model, &optimizer)?;
            return Ok(Started {
                model,
                optimizer,
                steps: 0,
                epoch: 0,
            });
        }
        let device = model.devices().first().cloned();
        let (model, (optimizer, steps)) = self.recorder.take_up(device.as_ref(), |start| {
            let model = start.model(model)?;
            let optimizer = match start.optimizer_record(&model)? {
                Some(record) => optimizer.load_record(record),
                None => optimizer,
            };
            Ok((model, (optimizer, start.state.scheduler_steps)))
        })?;
        Ok(Started {
            model,
            optimizer,
            steps,
            epoch: self.recorder.epoch(),
        })
    }

    /// In a loop of one's own, before each forward pass in training: notes the
    /// samples, seeds the model's device and hands out the batch.
    pub fn micro_batch<M: Module, B>(&self, model: &M, tracked: Tracked<B>) -> B {
        self.recorder.micro_batch(model, tracked.indices.as_deref());
        tracked.batch
    }

    /// In a loop of one's own, in place of `optimizer.step`: takes the step
    /// and records it, with its loss if one is given. `model` must be bare, not
    /// [`attested`](Self::wrap).
    ///
    /// # Errors
    ///
    /// [`PowError`] if this or an earlier step cannot be recorded;
    /// [`PowError::Replayed`] after the last step of a segment that is
    /// [replayed](Action::Replay).
    pub fn step<M: Module>(
        &self,
        model: M,
        optimizer: &mut ModuleOptimizer,
        rate: impl Into<ModuleLearningRate>,
        grads: GradientsParams,
        loss: Option<f64>,
    ) -> Result<M, PowError> {
        let rate = rate.into();
        self.recorder.before_step(&model, optimizer)?;
        let base = rate.base();
        let model = optimizer.step(rate, model, grads);
        self.recorder.after_step(&model, optimizer, base, loss)?;
        Ok(model)
    }

    /// Ends the run: writes the artifact, seals the final block, and waits for
    /// both. `model` is the model after the last step. A completed run that took
    /// fewer steps than planned is recorded as stopped.
    ///
    /// A wait of more than a second is announced on standard error. It can be
    /// cut short by another stop through the interrupter, which is
    /// [reset](Interrupter::reset) first; the artifact is written all the same.
    ///
    /// # Errors
    ///
    /// [`PowError::Replayed`] if nothing was recorded because a segment was
    /// [replayed](Action::Replay). Otherwise [`PowError`] if no step was recorded,
    /// the model is another one, anything could not be recorded, or the wait was
    /// cut short ([`PowError::Interrupted`]); the chain is then unfinished. So it
    /// is after [`PowError::Paused`], if the run was stopped and is to
    /// [pause](PowConfig::pause_when_stopped).
    pub fn finish<M: Module>(self, model: &M, ending: Ending) -> Result<Record, PowError> {
        let pauses = ending == Ending::Stopped && self.recorder.config().pauses;
        match pauses && self.segment.is_none() {
            true => Err(self.pause()),
            false => self.end(model, ending),
        }
    }

    /// Leaves the chain without a final block; the reason, or what failed.
    pub(crate) fn pause(mut self) -> PowError {
        let has_begun = self.recorder.has_begun();
        self.close();
        match self.status.check() {
            Err(error) => error,
            Ok(()) if has_begun => self.status.paused(),
            Ok(()) => PowError::NotBegun,
        }
    }

    /// As [`finish`](Self::finish), and never pauses.
    pub(crate) fn end<M: Module>(mut self, model: &M, ending: Ending) -> Result<Record, PowError> {
        let status = self.status.clone();
        let mut patience = Patience::new(&status, self.recorder.interrupter());
        if self.segment.is_some() {
            self.join(&mut patience);
            status.check()?;
            return Err(PowError::Replayed);
        }
        self.recorder.end(model, ending, &mut patience)?;
        self.join(&mut patience);
        status.check()?;
        let sealed = status
            .last_sealed()
            .filter(|sealed| sealed.is_final)
            .ok_or_else(|| status.interrupted())?;
        Ok(Record {
            dir: self.dir.clone(),
            genesis: sealed.genesis,
            head: sealed.head,
            height: sealed.height,
            steps: sealed.step.ok_or(PowError::NotBegun)?,
            waited: self.status.waited(),
            stages: Box::new(self.status.clocks.stages()),
            failed_engines: self.status.failed_engines(),
        })
    }

    /// Time that training has waited for the recorder so far.
    pub fn waited(&self) -> Duration {
        self.status.waited()
    }

    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// Lets the threads seal what they have, and waits for them.
    fn join(&mut self, patience: &mut Patience<'_>) {
        self.recorder.close(patience);
        self.status.wait_for_threads(|| patience.look());
        for thread in self.threads.drain(..) {
            // A panic there has been noted as a failure already.
            let _ = thread.join();
        }
        for error in self.status.failed_engines() {
            // Not before: a dashboard would be in the way. That nobody reads it is no error.
            let words = "an engine failed and mined no further";
            let _ = writeln!(std::io::stderr(), "{words}: {error}");
        }
    }

    /// Ends a run that was not finished.
    pub(crate) fn close(&mut self) {
        let status = self.status.clone();
        let mut patience = Patience::new(&status, self.recorder.interrupter());
        self.join(&mut patience);
        if self.segment.is_none() && !self.recorder.has_begun() {
            // A directory that cannot be removed is no worse than one that stays.
            let _ = self.dir.remove_unused();
        }
    }
}

impl Drop for PowRun {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.close();
        }
    }
}

#[cfg(test)]
mod tests;
