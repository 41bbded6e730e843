//! A training that records itself when it is launched.

use crate::attested::Attested;
use crate::launch::Outcome;
use crate::loader::Tracked;
use crate::run::{PowRun, Record};
use crate::{PowError, Trained};
use burn::data::dataloader::DataLoader;
use burn::train::{Interruption, Learner, LearnerModel, SupervisedTraining, TrainStep};
use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

/// Burn's training and the run that it is recorded into, made by
/// [`PowRun::attach`].
pub struct Attached<M: LearnerModel> {
    run: PowRun,
    training: SupervisedTraining<Attested<M>>,
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
    /// out come a training whose [`launch`](Attached::launch) is the recorded
    /// one and the model for its learner. The loader is the one that this run
    /// made last, with which `training` must have been made.
    ///
    /// As with [`attest`](Self::attest), weights that Burn has left to be drawn
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
        training: SupervisedTraining<Attested<M>>,
        model: M,
    ) -> (Attached<M>, Attested<M>) {
        let model = self.attest(model);
        let run = self;
        (Attached { run, training }, model)
    }
}

impl<M: LearnerModel> Attached<M> {
    /// Launches the training as [`PowRun::launch`] does.
    ///
    /// # Errors
    ///
    /// As [`PowRun::launch`]; [`PowError::Config`] if the run has made no loader
    /// for this model; [`PowError::Interrupted`] if the run was stopped while its
    /// last blocks were mined (the model then lies in the run directory);
    /// [`PowError::Replayed`] if nothing was recorded because a segment was
    /// [replayed](crate::Action::Replay).
    pub fn launch(self, learner: Learner<Attested<M>>) -> Result<Recorded<M>, PowError> {
        let loader = self.run.recorder().made().get::<<M as TrainStep>::Input>();
        let loader = loader.ok_or_else(|| {
            PowError::Config("the run has made no loader for this model's batches".into())
        })?;
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

/// The loader that a run made last.
#[derive(Default)]
pub(crate) struct Made(Mutex<Option<Box<dyn Any + Send + Sync>>>);

impl Made {
    pub(crate) fn set<B: 'static>(&self, loader: Arc<dyn DataLoader<Tracked<B>>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(loader));
    }

    /// `None` if there is none, or its batches are of another type.
    fn get<B: 'static>(&self) -> Option<Arc<dyn DataLoader<Tracked<B>>>> {
        let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.as_ref()?
            .downcast_ref::<Arc<dyn DataLoader<Tracked<B>>>>()
            .cloned()
    }
}
