//! Letting Burn begin with a later epoch.

use crate::recorder::model::RecordedModel;
use burn::lr_scheduler::LrSchedulerRecord;
use burn::optim::OptimizerRecord;
use burn::store::ModuleRecord;
use burn::train::checkpoint::{
    Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
};
use burn::train::metric::store::EventStoreClient;
use burn::train::{LearnerModel, SupervisedTraining};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

/// The training, to begin after so many epochs, in one of which `model` and
/// `optimizer` stood.
///
/// Burn does that only along with a checkpoint of its own, if the training has
/// any: one of an epoch's end, which is not where the run stands, and which a kill
/// may have kept from being written. So it is handed these records in its place.
/// Its learning rates have no record: an empty one leaves them as they are.
pub(crate) fn after<M: LearnerModel>(
    training: SupervisedTraining<RecordedModel<M>>,
    epochs: NonZeroUsize,
    model: ModuleRecord,
    optimizer: OptimizerRecord,
) -> SupervisedTraining<RecordedModel<M>> {
    training
        .with_custom_checkpointers(
            Handed::new(model),
            Handed::new(optimizer),
            Handed::new(LrSchedulerRecord::new()),
        )
        .with_checkpointing_strategy(Never)
        .checkpoint(epochs.get())
}

/// A checkpoint that is taken once.
struct Handed<R>(Mutex<Option<R>>);

impl<R> Handed<R> {
    fn new(record: R) -> Self {
        Handed(Mutex::new(Some(record)))
    }
}

impl<R: Checkpoint> Checkpointer<R> for Handed<R> {
    fn save(&self, _epoch: usize, _record: R) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn delete(&self, _epoch: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, _epoch: usize) -> Result<R, CheckpointerError> {
        let record = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        record.ok_or_else(|| CheckpointerError::Unknown("the state was taken already".into()))
    }
}

/// Saves nothing: there is nowhere to save to.
struct Never;

impl CheckpointingStrategy for Never {
    fn checkpointing(
        &mut self,
        _epoch: usize,
        _collector: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        Vec::new()
    }
}
