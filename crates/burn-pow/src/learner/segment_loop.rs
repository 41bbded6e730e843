//! Training a learner over a segment, in the way of Burn's training on one device, but
//! without validation, metrics and dashboard.

use crate::error::PowError;
use crate::loader::{LoaderError, Tracked};
use crate::recorder::model::RecordedModel;
use crate::run::PowRun;
use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::optim::GradientsAccumulator;
use burn::train::{Learner, LearnerModel, TrainStep};
use std::sync::Arc;

impl PowRun {
    /// Trains until the segment's last step was taken, recording fails, or the training
    /// is stopped.
    pub(super) fn train_segment<M: LearnerModel>(
        &self,
        mut learner: Learner<RecordedModel<M>>,
        loader: &Arc<dyn DataLoader<Tracked<<M as TrainStep>::Input>>>,
    ) -> Result<(), PowError> {
        let mut device = learner.model().devices().swap_remove(0);
        if !device.is_autodiff() {
            device = device.autodiff();
        }
        let loader = loader.to_device(&device);
        learner.fork(&device);
        let per_step = self.recorder().config().accumulation.get();
        while !self.should_stop() {
            let mut batches = loader.iter();
            let mut gradients = GradientsAccumulator::new();
            let (mut gathered, mut any) = (0, false);
            while let Some(batch) = batches.next() {
                let batch = batch.map_err(|error| PowError::Training(Arc::new(error.into())))?;
                let is_last = batches.progress().is_completed();
                any = true;
                let output = learner.train_step(batch);
                gathered += 1;
                let whole = if per_step == 1 {
                    output.grads
                } else {
                    gradients.accumulate(&learner.model(), output.grads);
                    if gathered < per_step && !is_last {
                        continue;
                    }
                    gradients.grads()
                };
                gathered = 0;
                learner.lr_step();
                learner.optimizer_step(whole);
                if self.should_stop() {
                    break;
                }
            }
            if !any {
                // The loop would never end.
                return Err(LoaderError::Empty.into());
            }
        }
        Ok(())
    }
}
