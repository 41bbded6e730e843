//! The wrapper around the model that shows the recorder every optimizer step.

use super::Recorder;
use super::step_info::StepInfo;
use crate::loader::Tracked;
use crate::state::loss::of_output;
use crate::state::trainee::Single;
use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams};
use burn::tensor::{Device, Tensor};
use burn::train::{InferenceStep, TrainOutput, TrainStep};
use std::any::Any;
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
    loss_of: LossOf,
}

/// Finds the loss in the output of a training step.
type LossOf = Arc<dyn Fn(&dyn Any) -> Option<Tensor<1>> + Send + Sync>;

impl<M> RecordedModel<M> {
    pub(crate) fn new(inner: M, recorder: Arc<Recorder>) -> Self {
        RecordedModel {
            inner,
            recorder,
            loss_of: Arc::new(of_output),
        }
    }

    /// The same wrapper around another form of the model.
    fn around(&self, inner: M) -> Self {
        RecordedModel {
            inner,
            recorder: self.recorder.clone(),
            loss_of: self.loss_of.clone(),
        }
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

impl<M: TrainStep> RecordedModel<M> {
    /// Says how to find the loss in the output of a training step. Burn's own outputs need
    /// this not: [`ClassificationOutput`](burn::train::ClassificationOutput),
    /// `MultiLabelClassificationOutput`, `RegressionOutput` and `SequenceOutput`.
    ///
    /// The loss of a step is recorded: the mean over its micro-batches, of their means. It is
    /// read by a thread of the recorder, so the training does not wait for it. With several
    /// [replicas](crate::PowConfig::replicas) no loss is recorded.
    ///
    /// ```no_run
    /// # use burn::tensor::Tensor;
    /// # use burn::train::{LearnerModel, TrainStep};
    /// # use burn_pow::{PowRun, RecordedModel};
    /// # struct Output { loss: Tensor<1> }
    /// # fn program<M>(run: &PowRun, model: M) -> RecordedModel<M>
    /// # where M: LearnerModel + TrainStep<Output = Output> {
    /// run.wrap(model).with_loss(|output| output.loss.clone())
    /// # }
    /// ```
    #[must_use]
    pub fn with_loss(self, loss: impl Fn(&M::Output) -> Tensor<1> + Send + Sync + 'static) -> Self {
        let loss_of = move |output: &dyn Any| output.downcast_ref().map(&loss);
        RecordedModel {
            loss_of: Arc::new(loss_of),
            ..self
        }
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
        RecordedModel {
            inner: self.inner.fork(device),
            ..self
        }
    }

    fn to_device(self, device: &Device) -> Self {
        RecordedModel {
            inner: self.inner.to_device(device),
            ..self
        }
    }

    fn train(self) -> Self {
        RecordedModel {
            inner: self.inner.train(),
            ..self
        }
    }

    fn valid(&self) -> Self {
        self.around(self.inner.valid())
    }

    fn materialize(self) -> Self {
        RecordedModel {
            inner: self.inner.materialize(),
            ..self
        }
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.inner.visit(visitor);
    }

    fn map<P: ModuleMapper>(self, mapper: &mut P) -> Self {
        RecordedModel {
            inner: self.inner.map(mapper),
            ..self
        }
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
        let output = self.inner.step(tracked.batch);
        if let Some(loss) = (self.loss_of)(&output.item) {
            self.recorder.loss_of_batch(loss);
        }
        output
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
        let RecordedModel {
            inner,
            recorder,
            loss_of,
        } = self;
        let wrapped = |inner, recorder| RecordedModel {
            inner,
            recorder,
            loss_of,
        };
        let ready = recorder.before_step(&Single {
            model: &inner,
            optimizer,
        });
        if !recorder.keep_going(ready) {
            return wrapped(inner, recorder);
        }
        let inner = step(inner, optimizer);
        let taken = Single {
            model: &inner,
            optimizer,
        };
        let recorded = recorder.after_step(&taken, StepInfo::new(rate));
        recorder.keep_going(recorded);
        wrapped(inner, recorder)
    }
}
