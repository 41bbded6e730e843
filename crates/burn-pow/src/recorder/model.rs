//! The wrapper around the model that shows the recorder every optimizer step.

use super::Recorder;
use super::step_info::StepInfo;
use crate::loader::Tracked;
use crate::state::trainee::Single;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn::tensor::Device;
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A model whose optimizer steps are recorded.
/// [`PowRun::wrap`](crate::PowRun::wrap) makes it.
///
/// Everything else is as in the model itself: parameters have the same paths, records
/// load and save as before, and it dereferences to the model. Its training input is a
/// [`Tracked`] batch. If recording fails, the training is interrupted and the model
/// takes no further step.
#[derive(Clone)]
pub struct RecordedModel<M> {
    inner: M,
    recorder: Arc<Recorder>,
}

impl<M> RecordedModel<M> {
    pub(crate) fn new(inner: M, recorder: Arc<Recorder>) -> Self {
        RecordedModel { inner, recorder }
    }

    /// The model itself. It is no longer recorded.
    pub fn into_inner(self) -> M {
        self.inner
    }
}

impl<M> Deref for RecordedModel<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.inner
    }
}

impl<M: fmt::Debug> fmt::Debug for RecordedModel<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<M: fmt::Display> fmt::Display for RecordedModel<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

// Not derived, because every parameter's path would then begin with `inner.`.
impl<M: Module> Module for RecordedModel<M> {
    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.inner.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        RecordedModel::new(self.inner.fork(device), self.recorder)
    }

    fn to_device(self, device: &Device) -> Self {
        RecordedModel::new(self.inner.to_device(device), self.recorder)
    }

    fn train(self) -> Self {
        RecordedModel::new(self.inner.train(), self.recorder)
    }

    fn valid(&self) -> Self {
        RecordedModel::new(self.inner.valid(), self.recorder.clone())
    }

    fn materialize(self) -> Self {
        RecordedModel::new(self.inner.materialize(), self.recorder)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.inner.visit(visitor);
    }

    fn map<P: ModuleMapper>(self, mapper: &mut P) -> Self {
        RecordedModel::new(self.inner.map(mapper), self.recorder)
    }
}

impl<M: InferenceStep> InferenceStep for RecordedModel<M> {
    type Input = M::Input;
    type Output = M::Output;

    fn step(&self, item: M::Input) -> M::Output {
        self.inner.step(item)
    }
}

impl<M: TrainStep + Module> TrainStep for RecordedModel<M> {
    type Input = Tracked<M::Input>;
    type Output = M::Output;

    fn step(&self, tracked: Self::Input) -> TrainOutput<M::Output> {
        self.recorder
            .micro_batch(&self.inner, tracked.indices.as_deref());
        self.inner.step(tracked.batch)
    }

    fn optimize(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        let base = rate.base();
        self.recorded(optimizer, base, |model, optimizer| {
            model.optimize(optimizer, rate, grads)
        })
    }

    fn optimize_multi(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        grads: MultiGradientsParams,
    ) -> Self {
        let base = rate.base();
        self.recorded(optimizer, base, |model, optimizer| {
            model.optimize_multi(optimizer, rate, grads)
        })
    }
}

impl<M: Module> RecordedModel<M> {
    fn recorded(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: f64,
        step: impl FnOnce(M, &mut ModuleOptimizer) -> M,
    ) -> Self {
        let RecordedModel { inner, recorder } = self;
        let ready = recorder.before_step(&Single {
            model: &inner,
            optimizer,
        });
        if !recorder.keep_going(ready) {
            return RecordedModel::new(inner, recorder);
        }
        let inner = step(inner, optimizer);
        let taken = Single {
            model: &inner,
            optimizer,
        };
        let recorded = recorder.after_step(&taken, StepInfo::new(rate));
        recorder.keep_going(recorded);
        RecordedModel::new(inner, recorder)
    }
}
