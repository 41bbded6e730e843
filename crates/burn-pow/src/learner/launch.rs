//! Launching Burn's training so that it is recorded.

use super::burn_checkpoint;
use super::gauge::Gauge;
use super::outcome::Outcome;
use crate::error::{PowError, panic_message};
use crate::loader::Tracked;
use crate::recorder::model::RecordedModel;
use crate::run::{Finished, PowRun};
use burn::data::dataloader::DataLoader;
use burn::train::{
    Learner, LearnerModel, LearningResult, SupervisedTraining, TrainStep, TrainingError,
};
use pow_core::body::Ending;
use std::any::Any;
use std::num::{NonZeroU64, NonZeroUsize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

const MEGA: NonZeroU64 = NonZeroU64::new(1_000_000).unwrap();

type Restored<M> = (
    SupervisedTraining<RecordedModel<M>>,
    Learner<RecordedModel<M>>,
);

impl PowRun {
    /// Launches the training so that it is recorded. `loader` is the loader that the
    /// training was made with.
    ///
    /// If recording fails, the training stops. Burn's dashboard shows hash rate, chain
    /// height and queue. After the training, this closes the renderer and ends the run
    /// as [`finish`](Self::finish) does.
    ///
    /// The training's interrupter stops the training. A second stop ends the mining of
    /// the last blocks ([`Outcome::Interrupted`]). If the run is set to
    /// [pause](crate::PowConfig::pause_when_stopped), the first stop leaves the chain
    /// without a final block ([`Outcome::Paused`]).
    ///
    /// If a run is resumed after its first epoch, it starts from its own checkpoint.
    /// Burn's checkpointers of the training are then neither read nor written, because
    /// the run's checkpoint takes their place. If it stood between two epochs, the epoch
    /// before is validated again. An early stopping strategy belongs into
    /// [`Resumable`](crate::Resumable).
    ///
    /// # Errors
    ///
    /// [`PowError`] if the run could not be recorded; [`PowError::Training`] if the
    /// training met an error (the chain then has a final block that says so);
    /// [`PowError::Panicked`] if the training panicked. After a panic the model is
    /// lost, and the run can be resumed from its newest checkpoint.
    pub fn launch<M: LearnerModel>(
        self,
        training: SupervisedTraining<RecordedModel<M>>,
        learner: Learner<RecordedModel<M>>,
        loader: Arc<dyn DataLoader<Tracked<<M as TrainStep>::Input>>>,
    ) -> Result<Outcome<M>, PowError> {
        self.recorder().check_loader(loader.num_items())?;
        self.recorder().stop_with(training.interrupter());
        let (training, learner) = self.restore(training, learner)?;
        if self.is_replay() {
            drop(training);
            let model = learner.model().into_inner();
            self.train_segment(learner, &loader)?;
            let finished = self.finish(&model, Ending::Stopped)?;
            return Ok(Outcome::of(model, None, finished));
        }
        let training = self.with_gauges(training);

        // Burn panics if it cannot write its own logs.
        let launched = catch_unwind(AssertUnwindSafe(|| training.launch(learner)));
        let LearningResult {
            model,
            renderer,
            interrupted,
            error,
        } = match launched {
            Ok(result) => result,
            Err(panic) => return Err(self.panicked(panic.as_ref())),
        };
        // The dashboard would stand still during the wait for the last blocks, and would
        // keep Ctrl-C to itself.
        drop(renderer);
        let model = model.into_inner();
        self.status().check()?;
        // Burn's dashboard forgets errors and stops, but the loaders note them.
        let iterations = self.recorder().cursor().iterations();
        let error = error.or_else(|| Some(Arc::new(TrainingError::from(iterations.error()?))));
        let ending = match (&error, &interrupted) {
            (Some(_), _) => Ending::Failed,
            (None, Some(_)) => Ending::Stopped,
            (None, None) => self.recorder().natural_ending(),
        };
        // Early stopping breaks off no epoch, so it ends the run.
        let was_stopped = interrupted.is_some() || iterations.was_broken_off();
        let pauses = self.pauses() && was_stopped;
        let finished: Result<Finished, PowError> = match (pauses, ending) {
            (true, Ending::Stopped) => self.pause(),
            _ => self.end(&model, ending),
        };
        // The training's error is the cause, so it comes first.
        if let Some(error) = error {
            return Err(PowError::Training(error));
        }
        Ok(Outcome::of(model, interrupted, finished?))
    }

    /// In a resumed run or a replay: gives the learner the state of the checkpoint,
    /// before Burn forks it.
    fn restore<M: LearnerModel>(
        &self,
        training: SupervisedTraining<RecordedModel<M>>,
        mut learner: Learner<RecordedModel<M>>,
    ) -> Result<Restored<M>, PowError> {
        if !self.recorder().awaits_restore() {
            return Ok((training, learner));
        }
        let recorder = self.recorder().clone();
        let device = learner.model().devices().first().cloned();
        let mut epochs = usize::try_from(recorder.epoch()).unwrap_or(usize::MAX);
        if !self.is_replay() && recorder.is_between_epochs() {
            // The last epoch ends again: it is validated, and may be the last by early
            // stopping. Nobody knows whether that was done.
            epochs = epochs.saturating_sub(1);
            recorder.cursor().end_epoch_again();
        }
        // A replay does not launch Burn's training.
        let later = NonZeroUsize::new(epochs).filter(|_| !self.is_replay());
        let (_, (learner, records)) = recorder.restore(device.as_ref(), |saved| {
            // Checks that the state fits, because the learner's own call would panic. The
            // copy is dropped before the learner gets its own.
            drop(saved.model(learner.model().into_inner())?);
            let optimizer = saved.optimizer_record(&learner.model())?;
            for _ in 0..saved.state.scheduler_steps {
                learner.lr_step();
            }
            let record = match saved.regenerate {
                true => None,
                false => Some(saved.model_record(&learner.model().into_inner())?),
            };
            let records = match (later, record) {
                (Some(epochs), Some(model)) => Some((epochs, model, optimizer.unwrap_or_default())),
                (_, record) => {
                    if let Some(record) = record {
                        learner.load_model(record);
                    }
                    if let Some(record) = optimizer {
                        learner.load_optim(record);
                    }
                    None
                }
            };
            Ok((learner.model().into_inner(), (learner, records)))
        })?;
        let training = match records {
            Some((epochs, model, optimizer)) => {
                burn_checkpoint::start_after(training, epochs, model, optimizer)
            }
            None => training,
        };
        Ok((training, learner))
    }

    /// The training, with the recorder's numbers in Burn's dashboard.
    fn with_gauges<M: LearnerModel>(
        &self,
        training: SupervisedTraining<RecordedModel<M>>,
    ) -> SupervisedTraining<RecordedModel<M>> {
        let status = self.status();
        let hash_rate = Gauge::new("Hash rate", "MH/s", status.hash_rate.clone());
        training
            .metric_train_numeric(hash_rate.scale(MEGA))
            .metric_train_numeric(Gauge::new("Chain height", "blocks", status.height.clone()))
            .metric_train_numeric(Gauge::new("Queue", "steps", status.queued.clone()))
    }

    /// The error of a training that panicked. An error of the recorder comes first,
    /// because its cause, such as a full disk, may also have caused the panic.
    fn panicked(mut self, panic: &(dyn Any + Send)) -> PowError {
        self.close();
        if let Err(error) = self.status().check() {
            return error;
        }
        PowError::Panicked(panic_message(panic).into())
    }
}
