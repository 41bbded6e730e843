//! Letting Burn start with a later epoch: it gets the run's state in place of a
//! checkpoint of its own.

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

/// Makes the training start after `epochs` epochs, with this state of model and
/// optimizer.
///
/// Burn starts with a later epoch only together with one of its own checkpoints. Such a
/// checkpoint is from the end of an epoch, which is not where the run stands, and a
/// kill may have prevented it. So Burn gets these records in its place. Its learning
/// rates need no record: an empty one leaves them as they are.
pub(super) fn start_after<M: LearnerModel>(
    training: SupervisedTraining<RecordedModel<M>>,
    epochs: NonZeroUsize,
    model: ModuleRecord,
    optimizer: OptimizerRecord,
) -> SupervisedTraining<RecordedModel<M>> {
    training
        .with_custom_checkpointers(
            OneCheckpoint::new(model),
            OneCheckpoint::new(optimizer),
            OneCheckpoint::new(LrSchedulerRecord::new()),
        )
        .with_checkpointing_strategy(Never)
        .checkpoint(epochs.get())
}

/// A checkpoint that can be restored once.
struct OneCheckpoint<R>(Mutex<Option<R>>);

impl<R> OneCheckpoint<R> {
    fn new(record: R) -> Self {
        OneCheckpoint(Mutex::new(Some(record)))
    }
}

impl<R: Checkpoint> Checkpointer<R> for OneCheckpoint<R> {
    fn save(&self, _epoch: usize, _record: R) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn delete(&self, _epoch: usize) -> Result<(), CheckpointerError> {
        Ok(())
    }

    fn restore(&self, _epoch: usize) -> Result<R, CheckpointerError> {
        let record = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        record.ok_or_else(|| CheckpointerError::Unknown("the state was restored already".into()))
    }
}

/// Never saves a checkpoint.
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
