//! A training with several parts: models, optimizers, and state of the program's own.

mod restore;
mod take;
mod value;
mod view;

pub use value::Value;
pub(crate) use view::PartsView;

use crate::error::{PartError, PowError};
use crate::resume::saved_state::SavedState;
use crate::state::optimizer::OptimizerSnapshot;
use crate::state::snapshot::Snapshot;
use crate::state::trainee::RestTaken;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::kind::{Autodiff, Basic, Transaction};
use burn::tensor::{Device, Tensor};
use std::collections::BTreeSet;

/// The tensors of what the program registers as its own begin with this.
const OWN: &str = "own/";

/// The parts of a training: everything that its steps change.
///
/// One method shows all parts, each under a name. It is called to take the state of a
/// step and to restore it, so the two cannot disagree. It must show the same names in
/// the same order each time.
///
/// ```
/// use burn::module::Module;
/// use burn::nn::Linear;
/// use burn::optim::ModuleOptimizer;
/// use burn_pow::{Parts, TrainingParts};
///
/// struct Gan {
///     generator: Linear,
///     generator_optimizer: ModuleOptimizer,
///     critic: Linear,
///     critic_optimizer: ModuleOptimizer,
///     /// The mean of the generator over the last steps.
///     averaged: Linear,
///     /// Epochs since the best result.
///     patience: u64,
/// }
///
/// impl TrainingParts for Gan {
///     fn show(&mut self, parts: &mut Parts<'_>) {
///         parts.model("generator", &mut self.generator);
///         parts.optimizer("generator", &mut self.generator_optimizer, &self.generator);
///         parts.model("critic", &mut self.critic);
///         parts.optimizer("critic", &mut self.critic_optimizer, &self.critic);
///         parts.own_module("averaged", &mut self.averaged);
///         parts.own("patience", &mut self.patience);
///     }
/// }
/// ```
pub trait TrainingParts {
    /// Shows each part to `parts`.
    fn show(&mut self, parts: &mut Parts<'_>);
}

/// Takes or restores the parts of a training, as they are shown.
///
/// Names consist of ASCII letters, digits and `_`, and are not empty. The names of
/// models differ from one another, and so do the names of what is the program's own.
/// The first error ends it, and the run reports the error.
pub struct Parts<'a> {
    job: Job<'a>,
    models: BTreeSet<String>,
    optimizers: BTreeSet<String>,
    own: BTreeSet<String>,
    error: Option<PowError>,
}

/// What is done with the parts.
enum Job<'a> {
    /// Only looks at the names.
    Names,
    /// Finds the device of the first model.
    Device(&'a mut Option<Device>),
    FlushStatistics,
    Parameters(&'a mut Snapshot),
    Trained(&'a mut Snapshot),
    Rest(&'a mut RestTaken),
    Restore(&'a SavedState),
    RestoreModels(&'a SavedState),
}

impl<'a> Parts<'a> {
    fn new(job: Job<'a>) -> Self {
        Parts {
            job,
            models: BTreeSet::new(),
            optimizers: BTreeSet::new(),
            own: BTreeSet::new(),
            error: None,
        }
    }
}

impl Parts<'_> {
    /// A model that is trained. Its parameters have the paths `<name>.<path>`, as if it
    /// were a field of one larger model. Each step commits to them.
    pub fn model<M: Module>(&mut self, name: &str, model: &mut M) {
        if !self.is_next(Kind::Model, name) {
            return;
        }
        match &mut self.job {
            Job::Names | Job::Rest(_) => {}
            Job::Device(device) => {
                if device.is_none() {
                    **device = model.devices().first().cloned();
                }
            }
            Job::FlushStatistics => drop(model.valid()),
            Job::Parameters(taken) => taken.add(&format!("{name}."), model),
            Job::Trained(taken) => taken.add_trained(&format!("{name}."), model),
            Job::Restore(saved) | Job::RestoreModels(saved) => {
                let restored = restore::module(&saved.model, &format!("{name}."), model);
                self.note(restored);
            }
        }
    }

    /// The optimizer of the model with this name, which must be shown before. Its state
    /// is in the checkpoints. Burn's optimizer has groups for parameters that are
    /// optimized in different ways, so a model has one optimizer at most.
    pub fn optimizer<M: Module>(&mut self, name: &str, optimizer: &mut ModuleOptimizer, model: &M) {
        if !self.is_next(Kind::Optimizer, name) {
            return;
        }
        match &mut self.job {
            Job::Rest(rest) => {
                let taken = OptimizerSnapshot::take(optimizer);
                rest.optimizers.push((format!("{name}."), taken));
            }
            Job::Restore(saved) => {
                let restored = restore::optimizer(saved, &format!("{name}."), optimizer, model);
                self.note(restored);
            }
            _ => {}
        }
    }

    /// A module of the program's own, for instance weights averaged over steps. It is in
    /// the checkpoints. The steps' entries and the artifact do not have it. (To commit to
    /// it at each step, show it as a [`model`](Self::model).)
    pub fn own_module<M: Module>(&mut self, name: &str, module: &mut M) {
        if !self.is_next(Kind::Own, name) {
            return;
        }
        match &mut self.job {
            Job::Rest(rest) => {
                drop(module.valid());
                rest.own.add(&format!("{OWN}{name}/"), module);
            }
            Job::Restore(saved) => {
                let restored = restore::module(&saved.optimizer, &format!("{OWN}{name}/"), module);
                self.note(restored);
            }
            _ => {}
        }
    }

    /// A tensor of the program's own. It is in the checkpoints. A restored tensor requires
    /// no gradient.
    pub fn own_tensor<const D: usize, K: Basic + Transaction + Autodiff + 'static>(
        &mut self,
        name: &str,
        tensor: &mut Tensor<D, K>,
    ) {
        if !self.is_next(Kind::Own, name) {
            return;
        }
        match &mut self.job {
            Job::Rest(rest) => {
                let tensor = tensor.clone().without_autodiff();
                rest.own.add_tensor(format!("{OWN}{name}"), tensor);
            }
            Job::Restore(saved) => {
                let restored = restore::tensor(saved, &format!("{OWN}{name}"), tensor);
                self.note(restored);
            }
            _ => {}
        }
    }

    /// A number, a text or a list of numbers of the program's own: a counter, a scale of
    /// the loss, the patience of early stopping. It is in the checkpoints.
    pub fn own<V: Value>(&mut self, name: &str, value: &mut V) {
        if !self.is_next(Kind::Own, name) {
            return;
        }
        match &mut self.job {
            Job::Rest(rest) => rest.values.push(take::value(format!("{OWN}{name}"), value)),
            Job::Restore(saved) => {
                let restored = restore::value(saved, &format!("{OWN}{name}"), value);
                self.note(restored);
            }
            _ => {}
        }
    }

    /// A learning-rate scheduler, with whatever state it has. It is in the checkpoints,
    /// so a resumed program does not step it to where it was.
    pub fn scheduler(&mut self, name: &str, scheduler: &mut ModuleLrScheduler) {
        if !self.is_next(Kind::Own, name) {
            return;
        }
        match &mut self.job {
            Job::Rest(rest) => match take::scheduler(&format!("{OWN}{name}/"), scheduler) {
                Ok(values) => rest.values.extend(values),
                Err(error) => self.note(Err(error)),
            },
            Job::Restore(saved) => {
                let restored = restore::scheduler(saved, &format!("{OWN}{name}/"), scheduler);
                self.note(restored);
            }
            _ => {}
        }
    }

    /// Notes a name. Whether there was no error so far.
    fn is_next(&mut self, kind: Kind, name: &str) -> bool {
        if self.error.is_some() {
            return false;
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_plain) {
            self.error = Some(PartError::Name(name.into()).into());
        } else if kind == Kind::Optimizer && !self.models.contains(name) {
            self.error = Some(PartError::NoModel(name.into()).into());
        } else {
            let names = match kind {
                Kind::Model => &mut self.models,
                Kind::Optimizer => &mut self.optimizers,
                Kind::Own => &mut self.own,
            };
            if !names.insert(name.into()) {
                self.error = Some(PartError::Twice(name.into()).into());
            }
        }
        self.error.is_none()
    }

    fn note(&mut self, result: Result<(), PowError>) {
        self.error = result.err();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Model,
    Optimizer,
    Own,
}
