//! A training that is recorded when it is launched.

use super::outcome::Outcome;
use crate::error::PowError;
use crate::recorder::model::RecordedModel;
use crate::run::PowRun;
use burn::train::{Learner, LearnerModel, SupervisedTraining, TrainStep};

/// Burn's training, and the run that it is recorded into. [`PowRun::record`] makes it.
pub struct RecordedTraining<M: LearnerModel> {
    run: PowRun,
    training: SupervisedTraining<RecordedModel<M>>,
}

impl PowRun {
    /// The shortest way to record a training. It returns a training whose
    /// [`launch`](RecordedTraining::launch) records, and the model for its learner.
    ///
    /// `training` must use the loader that this run made. Burn does not show which
    /// loader a training has. So if the run made several loaders for this kind of
    /// batch, use [`launch`](Self::launch), which is given the loader.
    ///
    /// Like [`wrap`](Self::wrap), this draws the weights that Burn would draw on first
    /// use.
    ///
    /// ```no_run
    /// # use burn::data::dataloader::{DataLoader, batcher::Batcher};
    /// # use burn::data::dataset::Dataset;
    /// # use burn::optim::ModuleOptimizer;
    /// # use burn::train::{Learner, LearnerModel, SupervisedTraining, TrainStep, InferenceStep};
    /// # use burn_pow::loader::CanonicalBytes;
    /// # use burn_pow::{Action, LoaderBuilder, PowConfig, PowRun};
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
    /// let (training, model) = run.record(training, model);
    /// let outcome = training.launch(Learner::new(model, optimizer, 1e-3))?;
    /// if let Some(trained) = outcome.trained() {
    ///     println!("recorded {} steps", trained.summary.steps);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn record<M: LearnerModel>(
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
    /// Launches the training, as [`PowRun::launch`] does.
    ///
    /// # Errors
    ///
    /// The same as [`PowRun::launch`]; [`PowError::Config`] if the run made no loader
    /// for this model's batches, or several.
    pub fn launch(self, learner: Learner<RecordedModel<M>>) -> Result<Outcome<M>, PowError> {
        let loaders = self.run.recorder().loaders();
        let mut loaders = loaders.of::<<M as TrainStep>::Input>();
        match (loaders.pop(), loaders.len()) {
            (Some(loader), 0) => self.run.launch(self.training, learner, loader),
            (Some(_), others) => Err(PowError::Config(format!(
                "the run has made {} loaders for this model's batches, and the training has only \
                 one of them: use PowRun::launch, and give it that loader",
                others + 1
            ))),
            (None, _) => {
                let reason = "the run has made no loader for this model's batches";
                Err(PowError::Config(reason.into()))
            }
        }
    }
}
