//! Launching Burn's training with the recorder attached.

use crate::error::PowError;
use crate::learner::burn_checkpoint;
use crate::learner::gauge::Gauge;
use crate::learner::plain_renderer::PlainRenderer;
use crate::loader::Tracked;
use crate::recorder::model::RecordedModel;
use crate::run::{PowRun, Record};
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

/// How a launched run came out.
#[non_exhaustive]
pub enum Outcome<M> {
    /// The model was trained and the run recorded to its final block.
    Trained(Trained<M>),
    /// The training ended, and the run was stopped while its last blocks were
    /// mined. Those that were mined stay; the chain has no final block.
    Interrupted(Interrupted<M>),
    /// A segment was [replayed](crate::Action::Replay); what came out is in its
    /// [`SegmentReplay`](crate::SegmentReplay).
    Replayed,
}

/// A trained model and its record.
pub struct Trained<M> {
    /// What Burn's own launch returns, the model no longer attested. The
    /// training's renderer is closed; a [`PlainRenderer`] stands in its place.
    pub result: LearningResult<M>,
    /// What was recorded.
    pub record: Record,
}

/// A model whose record is unfinished.
pub struct Interrupted<M> {
    /// As in [`Trained::result`]. The model also lies in the run directory, as
    /// `model.safetensors`.
    pub result: LearningResult<M>,
    /// Blocks in the chain.
    pub blocks: u64,
    /// Committed steps in none of them.
    pub unsealed: u64,
}

impl PowRun {
    /// Gives the learner the state of the run's checkpoint, if the run goes on,
    /// before Burn forks it.
    fn restore<M: LearnerModel>(
        &self,
        training: SupervisedTraining<RecordedModel<M>>,
        mut learner: Learner<RecordedModel<M>>,
    ) -> Result<Restored<M>, PowError> {
        if !self.recorder().is_left() {
            return Ok((training, learner));
        }
        let recorder = self.recorder().clone();
        let device = learner.model().devices().first().cloned();
        let epochs = usize::try_from(recorder.epoch()).unwrap_or(usize::MAX);
        // A replay drives the learner itself.
        let later = NonZeroUsize::new(epochs).filter(|_| !self.is_replay());
        let (_, (learner, handed)) = recorder.take_up(device.as_ref(), |start| {
            // Once to see whether it fits, as the learner's own call panics; and let go of
            // before the learner has its own.
            drop(start.model(learner.model().into_inner())?);
            let optimizer = start.optimizer_record(&learner.model())?;
            for _ in 0..start.state.scheduler_steps {
                learner.lr_step();
            }
            let record = match start.regenerate {
                true => None,
                false => Some(start.model_record(&learner.model().into_inner())?),
            };
            let handed = match (later, record) {
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
            Ok((learner.model().into_inner(), (learner, handed)))
        })?;
        let training = match handed {
            Some((epochs, model, optimizer)) => {
                burn_checkpoint::after(training, epochs, model, optimizer)
            }
            None => training,
        };
        Ok((training, learner))
    }

    /// Launches the training with the recorder attached: its failure stops the
    /// training, and Burn's dashboard shows hash rate, chain height and queue.
    /// Then closes the renderer and ends the run as [`finish`](Self::finish)
    /// does.
    ///
    /// The training's interrupter stops the training, and then, stopped again,
    /// the mining of the last blocks ([`Outcome::Interrupted`]). If the run is to
    /// [pause](crate::PowConfig::pause_when_stopped), the first stop leaves no final
    /// block, and is [`PowError::Paused`].
    ///
    /// `loader` is the one that the training was made with.
    ///
    /// A run that goes on in a later epoch than its first begins with its own
    /// checkpoint. Checkpointers of Burn's that the training has are then neither
    /// read nor written: the run's take their place.
    ///
    /// # Errors
    ///
    /// [`PowError`] if the run could not be recorded, or the training met an
    /// error of its own ([`PowError::Training`]; the chain then ends with a
    /// final block that says so). [`PowError::Panicked`] if it panicked: the model
    /// is then lost, and the run can go on from its newest checkpoint.
    pub fn launch<M: LearnerModel>(
        self,
        training: SupervisedTraining<RecordedModel<M>>,
        learner: Learner<RecordedModel<M>>,
        loader: Arc<dyn DataLoader<Tracked<<M as TrainStep>::Input>>>,
    ) -> Result<Outcome<M>, PowError> {
        self.recorder().check_loader(loader.num_items())?;
        self.recorder().stop_with(training.interrupter());
        let interrupter = training.interrupter();
        let (training, learner) = self.restore(training, learner)?;
        if self.is_replay() {
            drop(training);
            let model = learner.model().into_inner();
            self.drive(learner, &loader, &interrupter)?;
            return match self.finish(&model, Ending::Stopped) {
                Err(PowError::Replayed) => Ok(Outcome::Replayed),
                Err(error) => Err(error),
                Ok(_) => Err(PowError::Already("is recorded")),
            };
        }
        let status = self.status();
        let hash_rate = Gauge::new("Hash rate", "MH/s", status.hash_rate.clone());
        let training = training
            .metric_train_numeric(hash_rate.scale(MEGA))
            .metric_train_numeric(Gauge::new("Chain height", "blocks", status.height.clone()))
            .metric_train_numeric(Gauge::new("Queue", "steps", status.queued.clone()));

        // Burn itself panics where it cannot write its own logs.
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
        // Before the last blocks are waited for: a dashboard that stands still
        // would look hung, and keep Ctrl-C to itself.
        drop(renderer);
        let model = model.into_inner();
        self.status().check()?;
        // The dashboard has forgotten both by now.
        let fate = self.recorder().cursor().fate();
        let error = error.or_else(|| Some(Arc::new(TrainingError::from(fate.error()?))));
        let ending = match (&error, &interrupted) {
            (Some(_), _) => Ending::Failed,
            (None, Some(_)) => Ending::Stopped,
            (None, None) => self.recorder().natural_ending(),
        };
        // Early stopping breaks off no epoch, and is the end.
        let was_stopped = interrupted.is_some() || fate.was_broken_off();
        let pauses = self.recorder().config().pauses && was_stopped;
        let finished = match (pauses, ending) {
            (true, Ending::Stopped) => Err(self.pause()),
            _ => self.end(&model, ending),
        };
        // It comes before whatever kept the run from being finished.
        if let Some(error) = error {
            return Err(PowError::Training(error));
        }
        let result = LearningResult {
            model,
            renderer: Box::new(PlainRenderer::default()),
            interrupted,
            error: None,
        };
        match finished {
            Ok(record) => Ok(Outcome::Trained(Trained { result, record })),
            Err(PowError::Interrupted { blocks, unsealed }) => {
                Ok(Outcome::Interrupted(Interrupted {
                    result,
                    blocks,
                    unsealed,
                }))
            }
            Err(error) => Err(error),
        }
    }

    /// The error of a training that panicked. A failure of the recorder comes
    /// first: what made it fail, such as a full disk, may have been the cause.
    fn panicked(mut self, panic: &(dyn Any + Send)) -> PowError {
        self.close();
        if let Err(error) = self.status().check() {
            return error;
        }
        let text = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        PowError::Panicked(text.unwrap_or("it did not say why").into())
    }
}
