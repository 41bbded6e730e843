//! The parts of a training, as the recorder sees them.

use super::{Job, Parts, TrainingParts};
use crate::error::PowError;
use crate::resume::saved_state::SavedState;
use crate::state::snapshot::Snapshot;
use crate::state::trainee::{Parameters, RestTaken, Trainee};
use burn::tensor::Device;
use std::cell::RefCell;

/// The parts of a training, whose names were checked.
pub(crate) struct PartsView<'a, T>(RefCell<&'a mut T>);

impl<'a, T: TrainingParts> PartsView<'a, T> {
    /// Checks the names.
    pub(crate) fn checked(parts: &'a mut T) -> Result<Self, PowError> {
        show(parts, Job::Names)?;
        Ok(PartsView::new(parts))
    }

    /// A view of parts whose names were checked before.
    pub(crate) fn new(parts: &'a mut T) -> Self {
        PartsView(RefCell::new(parts))
    }

    /// Gives each part its state in a checkpoint, and checks that the models have it. If
    /// they are to have it by themselves, only checks.
    pub(crate) fn restore(&self, saved: &SavedState) -> Result<(), PowError> {
        let job = match saved.weights_only {
            true => Job::RestoreModels(saved),
            false => Job::Restore(saved),
        };
        if !saved.regenerate {
            show(&mut **self.0.borrow_mut(), job)?;
        }
        saved.check_parameters(self.parameters())
    }

    fn shown(&self, job: Job<'_>) {
        // A name that differs from call to call shows as a tensor that differs.
        let _ = show(&mut **self.0.borrow_mut(), job);
    }
}

fn show<T: TrainingParts>(shown: &mut T, job: Job<'_>) -> Result<(), PowError> {
    let mut parts = Parts::new(job);
    shown.show(&mut parts);
    parts.error.map_or(Ok(()), Err)
}

impl<T: TrainingParts> Parameters for PartsView<'_, T> {
    fn device(&self) -> Option<Device> {
        let mut device = None;
        self.shown(Job::Device(&mut device));
        device
    }

    fn flush_statistics(&self) {
        self.shown(Job::FlushStatistics);
    }

    fn parameters(&self) -> Snapshot {
        let mut taken = Snapshot::default();
        self.shown(Job::Parameters(&mut taken));
        taken
    }

    fn trained(&self) -> Snapshot {
        let mut taken = Snapshot::default();
        self.shown(Job::Trained(&mut taken));
        taken
    }
}

impl<T: TrainingParts> Trainee for PartsView<'_, T> {
    fn rest(&self) -> RestTaken {
        let mut rest = RestTaken::default();
        self.shown(Job::Rest(&mut rest));
        rest
    }
}
