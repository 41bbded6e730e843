//! A training that records itself when it is launched.

use crate::error::PowError;
use crate::learner::launch::{Outcome, Trained};
use crate::loader::Tracked;
use crate::recorder::model::RecordedModel;
use crate::run::{PowRun, Record};
use burn::data::dataloader::DataLoader;
use burn::train::{Interruption, Learner, LearnerModel, SupervisedTraining, TrainStep};
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// Burn's training and the run that it is recorded into, made by
/// [`PowRun::attach`].
pub struct RecordedTraining<M: LearnerModel> {
    run: PowRun,
    training: SupervisedTraining<RecordedModel<M>>,
}

/// What a training that was recorded to its final block leaves.
#[non_exhaustive]
pub struct Recorded<M> {
    /// The model with the learned weights, converted to validation mode, as in
    /// Burn's own [`LearningResult`](burn::train::LearningResult).
    pub model: M,
    /// The stop that ended training before its last epoch, if one did.
    pub interrupted: Option<Interruption>,
    /// What was recorded.
    pub record: Record,
}

impl PowRun {
    /// The shortest way to record a training: `training` and `model` in, and
    /// out come a training whose [`launch`](RecordedTraining::launch) is the recorded
    /// one and the model for its learner. `training` must have been made with
    /// the loader that this run made. Burn does not show which one a training
    /// has, so a run that made several for such batches cannot be attached:
    /// [`launch`](Self::launch) is told.
    ///
    /// As with [`wrap`](Self::wrap), weights that Burn has left to be drawn
    /// on first use are drawn now.
    ///
    /// ```no_run
    /// # use burn::data::dataloader::{DataLoader, batcher::Batcher};
    /// # use burn::data::dataset::Dataset;
    /// # use burn::optim::ModuleOptimizer;
    /// # use burn::train::{Learner, LearnerModel, SupervisedTraining, TrainStep, InferenceStep};
    /// # use burn_pow::loader::{CanonicalBytes, LoaderBuilder};
    /// # use burn_pow::{Action, PowConfig, PowRun};
    /// # use std::sync::Arc;
    /// # fn program<I, B, Bt, M>(
    /// #     dataset: impl Dataset<I> + 'static,
    /// #     batcher: Bt,
    /// #     valid: Arc<dyn DataLoader<<M as InferenceStep>::Input>>,
    /// #     model: M,
    /// #     optimizer: ModuleOptimizer,
    /// # ) -> Result<(), Box<dyn std::error::Error>>
    /// # where
    /// #     I: CanonicalBytes + Clone + 'static,
    /// #     B: Send + 'static,
    /// #     Bt: Batcher<I, B> + 'static,
    /// #     M: LearnerModel + TrainStep<Input = B>,
    /// # {
    /// let run = PowRun::open(Action::Create, PowConfig::new("runs/mine").epochs(3))?;
    /// let train = LoaderBuilder::new(&run, batcher).batch_size(64).build(dataset)?;
    /// let training = SupervisedTraining::new("logs", train, valid).num_epochs(3);
    /// let (training, model) = run.attach(training, model);
    /// let recorded = training.launch(Learner::new(model, optimizer, 1e-3))?;
    /// println!("recorded {} steps", recorded.record.steps);
    /// # Ok(())
    /// # }
    /// ```
    pub fn attach<M: LearnerModel>(
        self,
        training: SupervisedTraining<RecordedModel<M>>,
        model: M,
    ) -> (RecordedTraining<M>, RecordedModel<M>) {
        let model = self.wrap(model);
        let run = self;
        (RecordedTraining { run, training }, model)
    }
}

impl<M: LearnerModel> RecordedTraining<M> {
    /// Launches the training as [`PowRun::launch`] does.
    ///
    /// # Errors
    ///
    /// As [`PowRun::launch`]; [`PowError::Config`] if the run has made no loader
    /// for this model, or several; [`PowError::Interrupted`] if the run was stopped while its
    /// last blocks were mined (the model then lies in the run directory);
    /// [`PowError::Paused`] if it was stopped to [pause](crate::PowConfig::pause_when_stopped);
    /// [`PowError::Replayed`] if nothing was recorded because a segment was
    /// [replayed](crate::Action::Replay).
    pub fn launch(self, learner: Learner<RecordedModel<M>>) -> Result<Recorded<M>, PowError> {
        let mut loaders = self.run.recorder().made().of::<<M as TrainStep>::Input>();
        let loader = match (loaders.pop(), loaders.len()) {
            (Some(loader), 0) => loader,
            (Some(_), others) => {
                return Err(PowError::Config(format!(
                    "the run has made {} loaders for this model's batches, of which the training \
                     has one: use PowRun::launch, and say which",
                    others + 1
                )));
            }
            (None, _) => {
                let what = "the run has made no loader for this model's batches";
                return Err(PowError::Config(what.into()));
            }
        };
        match self.run.launch(self.training, learner, loader)? {
            Outcome::Trained(Trained { result, record }) => Ok(Recorded {
                model: result.model,
                interrupted: result.interrupted,
                record,
            }),
            Outcome::Interrupted(left) => Err(PowError::Interrupted {
                blocks: left.blocks,
                unsealed: left.unsealed,
            }),
            Outcome::Replayed => Err(PowError::Replayed),
        }
    }
}

/// The loaders that a run made.
#[derive(Default)]
pub(crate) struct Made(Mutex<Vec<Box<dyn Any + Send + Sync>>>);

impl Made {
    pub(crate) fn add<B: 'static>(&self, loader: Arc<dyn DataLoader<Tracked<B>>>) {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.push(Box::new(loader));
    }

    /// Those whose batches are of this type.
    fn of<B: 'static>(&self) -> Vec<Arc<dyn DataLoader<Tracked<B>>>> {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let loaders = made.iter().map(|loader| loader.downcast_ref());
        loaders.flatten().cloned().collect()
    }
}
