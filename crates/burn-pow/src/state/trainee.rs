//! What the recorder sees of a training: parameters, and what a checkpoint has beside
//! them.

use crate::state::in_place::InPlace;
use crate::state::optimizer::{OptimizerError, OptimizerSnapshot};
use crate::state::snapshot::Snapshot;
use crate::state::tensors::{ConvertError, NamedTensor, insert_leaves, sort_by_path};
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use pow_core::tensor::TensorSet;

/// The parameters that are trained: those of one model, or of several.
pub(crate) trait Parameters {
    /// The device that computes.
    fn device(&self) -> Option<Device>;

    /// BatchNorm keeps the newest statistics aside until a model is asked for its
    /// inference form. Clones share them, so this updates the model.
    fn flush_statistics(&self);

    /// All parameters.
    fn parameters(&self) -> Snapshot;

    /// The parameters that an optimizer changes.
    fn trained(&self) -> Snapshot;
}

/// Parameters, and what else belongs to the state of a training.
pub(crate) trait Trainee: Parameters {
    fn rest(&self) -> RestTaken;
}

/// All of a state but the parameters and positions, at one moment: the state of
/// optimizers, and what the program registered as its own. Taking it reads nothing.
#[derive(Default)]
pub(crate) struct RestTaken {
    /// Each with the prefix that its parameters' paths get.
    pub(crate) optimizers: Vec<(String, OptimizerSnapshot)>,
    /// The program's own tensors on a device.
    pub(crate) own: Snapshot,
    /// The program's own values.
    pub(crate) values: Vec<NamedTensor>,
}

impl RestTaken {
    /// The leaves of the tensors. The program's own tensors are hashed on the GPU where
    /// possible. Burn shows an optimizer's state only as bytes, so that is read.
    pub(crate) fn leaves(mut self, in_place: &mut InPlace) -> Result<TensorSet, OptimizerError> {
        let (mut leaves, _) = std::mem::take(&mut self.own).leaves(in_place)?;
        insert_leaves(&mut leaves, &self.read()?).map_err(ConvertError::Length)?;
        Ok(leaves)
    }

    /// The tensors, sorted by path bytes.
    pub(crate) fn read(self) -> Result<Vec<NamedTensor>, OptimizerError> {
        let mut tensors = self.values;
        for (prefix, optimizer) in self.optimizers {
            let read = optimizer.read()?;
            tensors.extend(read.into_iter().map(|mut tensor| {
                tensor.path.insert_str(0, &prefix);
                tensor
            }));
        }
        tensors.extend(self.own.read()?);
        sort_by_path(&mut tensors).map_err(OptimizerError::DuplicatePath)?;
        Ok(tensors)
    }
}

/// One model with its optimizer.
pub(crate) struct Single<'a, M> {
    pub(crate) model: &'a M,
    pub(crate) optimizer: &'a ModuleOptimizer,
}

impl<M: Module> Parameters for M {
    fn device(&self) -> Option<Device> {
        self.devices().first().cloned()
    }

    fn flush_statistics(&self) {
        drop(self.valid());
    }

    fn parameters(&self) -> Snapshot {
        Snapshot::take(self)
    }

    fn trained(&self) -> Snapshot {
        Snapshot::of_trained(self)
    }
}

impl<M: Module> Parameters for Single<'_, M> {
    fn device(&self) -> Option<Device> {
        self.model.device()
    }

    fn flush_statistics(&self) {
        self.model.flush_statistics();
    }

    fn parameters(&self) -> Snapshot {
        self.model.parameters()
    }

    fn trained(&self) -> Snapshot {
        self.model.trained()
    }
}

impl<M: Module> Trainee for Single<'_, M> {
    fn rest(&self) -> RestTaken {
        RestTaken {
            optimizers: vec![(String::new(), OptimizerSnapshot::take(self.optimizer))],
            ..RestTaken::default()
        }
    }
}
