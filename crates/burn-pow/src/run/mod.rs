//! A recorded run, as the program sees it.

mod action;
pub(crate) mod challenge;
mod challenged;
pub(crate) mod children;
mod finish;
mod loader_builder;
mod loaders;
mod open;
mod pauser;
pub(crate) mod replay_error;
mod training_loop;

pub use action::Action;
pub use finish::{Finished, RunSummary};
pub use loader_builder::{Augmentation, LoaderBuilder, Unchanged};
pub use pauser::Pauser;
pub use training_loop::TrainingLoop;

use crate::error::PowError;
use crate::loader::Tracked;
use crate::pipeline::observer::{Committed, Observer};
use crate::pipeline::status::Status;
use crate::recorder::Recorder;
use crate::recorder::model::RecordedModel;
use crate::recorder::step_info::StepInfo;
use crate::resume::directory::Resumed;
use crate::state::snapshot::Snapshot;
use crate::state::trainee::Single;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::train::Interrupter;
use pow_audit::replay::MachineDifference;
use pow_ledger::RunDir;
use pow_ledger::space::Forecast;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A run that is being recorded.
///
/// If it is dropped before it is finished, it seals the steps that it has, as
/// [`finish`](Self::finish) does, but the chain gets no final block. If recording
/// never started, the directory is removed, unless it contains other files.
///
/// With Burn's `Learner`, a training program needs four more lines:
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
/// if let Outcome::Trained(trained) = run.launch(training, learner, train)? {
///     println!("recorded {} steps", trained.summary.steps);
/// }
/// # Ok(())
/// # }
/// ```
///
/// A custom loop calls [`start`](Self::start) once. For each step it calls
/// [`should_stop`](Self::should_stop), [`micro_batch`](Self::micro_batch) and
/// [`step`](Self::step), and at the end [`finish`](Self::finish). A loop with several
/// models or optimizers, or with state of its own, is a
/// [`TrainingLoop`](Self::training_loop).
pub struct PowRun {
    recorder: Arc<Recorder>,
    dir: RunDir,
    engine: String,
    status: Arc<Status>,
    threads: Vec<JoinHandle<()>>,
    resumed: Option<Resumed>,
    observer: Observer,
}

/// What a custom loop starts with.
#[non_exhaustive]
pub struct Started<M> {
    /// The model. In a resumed run, it has the restored parameters.
    pub model: M,
    /// The optimizer. In a resumed run, it has the restored state.
    pub optimizer: ModuleOptimizer,
    /// The number of steps taken before. The learning-rate scheduler must be stepped
    /// this many times before the loop.
    pub steps: u64,
    /// The epoch of the loader's next iteration, counted from 0. In a resumed run,
    /// that iteration is the rest of the epoch.
    pub epoch: u64,
}

impl PowRun {
    /// Whether a segment is [replayed](Action::Replay), and nothing is recorded.
    pub fn is_replay(&self) -> bool {
        self.recorder.is_replay()
    }

    /// Where the run continues, if it was [resumed](Action::Resume).
    pub fn resumed(&self) -> Option<&Resumed> {
        self.resumed.as_ref()
    }

    /// How this machine and program differ from those that started the run, if the run
    /// was resumed. For any other run, there is no difference. `model` shows the
    /// device that trains.
    ///
    /// When the model is restored, the differences are also printed on standard error.
    /// A program that should not continue on another machine can ask before.
    ///
    /// ```no_run
    /// # use burn::module::Module;
    /// # use burn_pow::{Action, MachinePart, PowConfig, PowRun};
    /// # fn program(model: impl Module) -> Result<(), Box<dyn std::error::Error>> {
    /// let run = PowRun::open(Action::Resume, PowConfig::new("runs/mine"))?;
    /// if run.differences(&model).iter().any(|difference| difference.part == MachinePart::Cpu) {
    ///     return Err("the run was started on another kind of CPU".into());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn differences<M: Module>(&self, model: &M) -> Vec<MachineDifference> {
        let Some(resumed) = &self.resumed else {
            return Vec::new();
        };
        let device = model.devices().first().cloned();
        let machine = self.recorder.machine(device.as_ref());
        machine.differences(&resumed.started_on)
    }

    /// How much space the run will take. It is known before the second step, because only
    /// a step shows how large the optimizer's state is, and only of a new run. If it is more
    /// than is free, a warning is printed then.
    pub fn forecast(&self) -> Option<Forecast> {
        self.recorder.forecast.get().copied()
    }

    /// The run's directory.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// One line of text: which engine mines, and why it was chosen.
    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// Calls `callback` with every step that is committed from now on, in order.
    ///
    /// The call is on the thread that hashes. Training continues meanwhile, and waits
    /// only if the [queue](crate::PowConfig::queue) is full. A step that is shown is
    /// hashed, but its block may not be mined yet.
    ///
    /// # Panics
    ///
    /// If `callback` panics, recording ends with an error, and so does the training.
    pub fn on_commit(&self, callback: impl FnMut(Committed<'_>) + Send + 'static) {
        self.observer.set(Box::new(callback));
    }

    /// Wraps the model, so that every optimizer step is recorded.
    ///
    /// Burn draws some weights on first use. This draws them now, so that they follow
    /// from the seed that the program gave its device before it made the model.
    pub fn wrap<M: Module>(&self, model: M) -> RecordedModel<M> {
        drop(Snapshot::take(&model));
        RecordedModel::new(model, self.recorder.clone())
    }

    /// A handle that pauses the run and keeps the state of the last step, whatever the
    /// checkpoints' interval is. A stop through the training's interrupter keeps no such
    /// state: the run then goes on from its newest checkpoint, and repeats the steps
    /// since.
    ///
    /// ```no_run
    /// # use burn_pow::PowRun;
    /// # fn program(run: &PowRun, asked: std::sync::mpsc::Receiver<()>) {
    /// let pauser = run.pauser();
    /// std::thread::spawn(move || {
    ///     if asked.recv().is_ok() {
    ///         pauser.pause();
    ///     }
    /// });
    /// # }
    /// ```
    pub fn pauser(&self) -> Pauser {
        Pauser::new(&self.recorder)
    }

    /// In a custom loop: the handle that stops it, for instance on Ctrl-C.
    /// [`should_stop`](Self::should_stop) then returns true. A stop also ends every
    /// wait of the run: [`step`](Self::step) may return [`PowError::Interrupted`],
    /// and [`finish`](Self::finish) may return [`Finished::Interrupted`].
    pub fn stop_with(&self, interrupter: Interrupter) {
        self.recorder.stop_with(interrupter);
    }

    /// In a custom loop, before the first micro-batch: records the declaration and the
    /// initial state. In a resumed run or a replay, gives model and optimizer the
    /// state of the checkpoint.
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
    /// [`PowError`] if the run has started already or cannot be recorded;
    /// [`PowError::Resume`] if it was started with another model, data or settings.
    pub fn start<M: Module>(
        &self,
        model: M,
        optimizer: ModuleOptimizer,
    ) -> Result<Started<M>, PowError> {
        if !self.recorder.awaits_restore() {
            self.recorder.begin_with(&Single {
                model: &model,
                optimizer: &optimizer,
            })?;
            return Ok(Started {
                model,
                optimizer,
                steps: 0,
                epoch: 0,
            });
        }
        let device = model.devices().first().cloned();
        let (model, (optimizer, steps)) = self.recorder.restore(device.as_ref(), |saved| {
            let model = saved.model(model)?;
            let optimizer = match saved.optimizer_record(&model)? {
                Some(record) => optimizer.load_record(record),
                None => optimizer,
            };
            Ok((model, (optimizer, saved.state.scheduler_steps)))
        })?;
        if !self.recorder.has_started() {
            self.recorder.begin_with(&Single {
                model: &model,
                optimizer: &optimizer,
            })?;
        }
        Ok(Started {
            model,
            optimizer,
            steps,
            epoch: self.recorder.epoch(),
        })
    }

    /// In a custom loop, before each micro-batch: whether the loop must take no
    /// further step. Then break, and call [`finish`](Self::finish) with
    /// [`Ending::Stopped`](crate::Ending::Stopped).
    ///
    /// True if the loop was [stopped](Self::stop_with), if the segment that is
    /// [replayed](Action::Replay) has ended, or if recording has failed. `finish`
    /// then returns which of these it was.
    pub fn should_stop(&self) -> bool {
        self.recorder.should_stop()
    }

    /// In a custom loop, before each forward pass in training: notes the samples,
    /// seeds the model's device and returns the batch.
    pub fn micro_batch<M: Module, B>(&self, model: &M, tracked: Tracked<B>) -> B {
        self.recorder.micro_batch(model, tracked.indices.as_deref());
        tracked.batch
    }

    /// In a custom loop, in place of `optimizer.step`: takes the step and records it,
    /// with its loss if there is one. Do not [wrap](Self::wrap) the model.
    ///
    /// # Errors
    ///
    /// [`PowError`] if this step or an earlier one cannot be recorded;
    /// [`PowError::Interrupted`] if the loop was stopped while this call waited for a
    /// block (in gate mode) or for a full queue; [`PowError::SegmentEnded`] after the
    /// last step of a segment that is [replayed](Action::Replay). The step was not
    /// taken in the last two cases. [`should_stop`](Self::should_stop) returns true
    /// before.
    pub fn step<M: Module>(
        &self,
        model: M,
        optimizer: &mut ModuleOptimizer,
        rate: impl Into<ModuleLearningRate>,
        grads: GradientsParams,
        loss: Option<f64>,
    ) -> Result<M, PowError> {
        let rate = rate.into();
        let mut info = StepInfo::new(rate.base());
        info.loss = loss;
        self.step_with(model, optimizer, info, |model, optimizer| {
            optimizer.step(rate, model, grads)
        })
    }

    /// The same as [`step`](Self::step), for a step that the program takes itself, with
    /// whatever belongs to it. A loop that changes the model after the optimizer did, for
    /// instance clips its weights, does it here. Otherwise the entry would not have the
    /// change.
    ///
    /// ```no_run
    /// # use burn::module::Module;
    /// # use burn::optim::{GradientsParams, ModuleOptimizer};
    /// # use burn_pow::{PowError, PowRun, StepInfo};
    /// # fn clip<M>(model: M) -> M { model }
    /// # fn program<M: Module>(run: &PowRun, model: M, optimizer: &mut ModuleOptimizer, grads: GradientsParams) -> Result<M, PowError> {
    /// let model = run.step_with(model, optimizer, StepInfo::new(1e-3), |model, optimizer| {
    ///     clip(optimizer.step(1e-3, model, grads))
    /// })?;
    /// # Ok(model)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`step`](Self::step).
    pub fn step_with<M: Module>(
        &self,
        model: M,
        optimizer: &mut ModuleOptimizer,
        info: StepInfo,
        step: impl FnOnce(M, &mut ModuleOptimizer) -> M,
    ) -> Result<M, PowError> {
        self.recorder.before_step(&Single {
            model: &model,
            optimizer,
        })?;
        let model = step(model, optimizer);
        let taken = Single {
            model: &model,
            optimizer,
        };
        self.recorder.after_step(&taken, info)?;
        Ok(model)
    }

    /// The time that training has waited for the recorder so far.
    pub fn waited(&self) -> Duration {
        self.status.waited()
    }

    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    pub(crate) fn status(&self) -> &Status {
        &self.status
    }
}

#[cfg(test)]
mod tests;
