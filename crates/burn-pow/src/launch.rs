//! Launching Burn's training with the recorder attached.

use crate::PowError;
use crate::attested::Attested;
use crate::gauge::Gauge;
use crate::loader::Tracked;
use crate::run::{PowRun, Record};
use burn::data::dataloader::DataLoader;
use burn::train::{Learner, LearnerModel, LearningResult, SupervisedTraining, TrainStep};
use pow_core::body::Ending;
use std::sync::Arc;

/// How a launched run came out.
#[non_exhaustive]
pub enum Outcome<M> {
    /// The model was trained and the run recorded to its final block.
    Trained(Trained<M>),
}

/// A trained model and its record.
pub struct Trained<M> {
    /// What Burn's own launch returns, the model no longer attested.
    pub result: LearningResult<M>,
    /// What was recorded.
    pub record: Record,
}

impl PowRun {
    /// Launches the training with the recorder attached: its failure stops the
    /// training, and Burn's dashboard shows hash rate, chain height and queue.
    /// Then ends the run as [`finish`](Self::finish) does.
    ///
    /// `loader` is the one that the training was made with.
    ///
    /// # Errors
    ///
    /// [`PowError`] if the run could not be recorded, or the training met an
    /// error of its own ([`PowError::Training`]; the chain then ends with a
    /// final block that says so).
    pub fn launch<M: LearnerModel>(
        self,
        training: SupervisedTraining<Attested<M>>,
        learner: Learner<Attested<M>>,
        loader: Arc<dyn DataLoader<Tracked<<M as TrainStep>::Input>>>,
    ) -> Result<Outcome<M>, PowError> {
        self.recorder().check_loader(loader.num_items())?;
        self.recorder().stop_with(training.interrupter());
        let status = self.status();
        let training = training
            .metric_train_numeric(Gauge::new("Hash rate", "H/s", status.hash_rate.clone()))
            .metric_train_numeric(Gauge::new("Chain height", "blocks", status.height.clone()))
            .metric_train_numeric(Gauge::new("Queue", "steps", status.queued.clone()));

        let LearningResult {
            model,
            renderer,
            interrupted,
            error,
        } = training.launch(learner);
        let model = model.into_inner();
        self.status().check()?;
        let ending = match (&error, &interrupted) {
            (Some(_), _) => Ending::Failed,
            (None, Some(_)) => Ending::Stopped,
            (None, None) => self.recorder().natural_ending(),
        };
        let finished = self.finish(&model, ending);
        // It comes before whatever kept the run from being finished.
        if let Some(error) = error {
            return Err(PowError::Training(error));
        }
        let record = finished?;
        let result = LearningResult {
            model,
            renderer,
            interrupted,
            error: None,
        };
        Ok(Outcome::Trained(Trained { result, record }))
    }
}
