//! Giving a model and an optimizer the state of a checkpoint.

use crate::error::PowError;
use crate::resume::point::{Difference, ResumeError, Start};
use crate::state::optimizer::stored_record;
use crate::state::quantised::{self, JoinError};
use crate::state::snapshot::{Snapshot, SnapshotError};
use crate::state::tensors::parameter_root;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use burn::tensor::{Bool, Int, Tensor};
use burn_pack::Writer;
use pow_audit::replay::EntryField;
use pow_core::body::StepNumber;
use std::collections::BTreeMap;

impl Start {
    /// The record from which Burn gives `model` the checkpoint's parameters.
    /// They keep the ids that they have in `model`, which a program may know.
    pub(crate) fn model_record<M: Module>(&self, model: &M) -> Result<ModuleRecord, PowError> {
        self.check_quantised(model)?;
        let mut ids = Ids::default();
        model.visit(&mut ids);
        let id = |path: &str| ids.found.get(path).map(ParamId::val);
        let packed = quantised::join(&self.model, id).map_err(|error| match error {
            JoinError::Convert(error) => PowError::from(SnapshotError::from(error)),
            JoinError::Read(error) => ResumeError::Model(error.into()).into(),
        })?;
        // Each tensor is read as it is written to these bytes, which the model then holds.
        let bytes = Writer::new(packed)
            .into_bytes()
            .map_err(|error| ResumeError::Model(error.into()))?;
        Ok(ModuleRecord::from_bytes(bytes).map_err(ResumeError::Model)?)
    }

    /// Refuses quantised parameters of another form than the model's own: Burn
    /// takes their bytes apart without looking whether there are enough.
    fn check_quantised<M: Module>(&self, model: &M) -> Result<(), PowError> {
        let mut fields = self
            .model
            .iter()
            .filter(|t| t.path.contains('#'))
            .peekable();
        if fields.peek().is_none() {
            return Ok(());
        }
        let own = Snapshot::take(model).read()?;
        for field in fields {
            let twin = own.iter().find(|twin| twin.path == field.path);
            // Of the bytes themselves, only how many there are.
            let mut fits =
                twin.is_some_and(|twin| (twin.dtype, &twin.dims) == (field.dtype, &field.dims));
            if fits && !quantised::is_bytes(&field.path) {
                let bytes = field.bytes();
                let bytes = bytes.map_err(|error| ResumeError::Model(error.into()))?;
                fits = twin.is_some_and(|twin| *twin.bytes == bytes);
            }
            if !fits {
                return Err(ResumeError::Differs {
                    what: "the form of a quantised parameter",
                    found: match twin {
                        Some(_) => "another".into(),
                        None => "absent".into(),
                    },
                    expected: field.path.clone(),
                }
                .into());
            }
        }
        Ok(())
    }

    /// The model with the checkpoint's parameters.
    pub(crate) fn model<M: Module>(&self, model: M) -> Result<M, PowError> {
        let model = if self.regenerate {
            model
        } else {
            let record = self.model_record(&model)?;
            model.try_load_record(record).map_err(ResumeError::Model)?
        };
        let found = parameter_root(&Snapshot::take(&model).read()?)?;
        if found != self.parameters && self.regenerate {
            return Err(ResumeError::Diverged(Difference {
                step: StepNumber(0),
                field: EntryField::InitialState,
                found: found.to_string(),
                expected: self.parameters.to_string(),
            })
            .into());
        }
        if found != self.parameters {
            return Err(ResumeError::Differs {
                what: "the restored model's parameter root",
                found: found.to_string(),
                expected: self.parameters.to_string(),
            }
            .into());
        }
        Ok(model)
    }

    /// The record from which Burn gives an optimizer of `model`, which is
    /// restored, the checkpoint's state; `None` before the first step.
    pub(crate) fn optimizer_record<M: Module>(
        &self,
        model: &M,
    ) -> Result<Option<OptimizerRecord>, PowError> {
        if self.optimizer.is_empty() {
            return Ok(None);
        }
        Ok(Some(stored_record(&self.optimizer, model)?))
    }

    /// Checks that `optimizer` has the checkpoint's state: Burn passes over
    /// what an optimizer of another kind cannot use.
    pub(crate) fn check_optimizer(&self, optimizer: &ModuleOptimizer) -> Result<(), PowError> {
        let found = crate::state::optimizer::OptimizerSnapshot::take(optimizer).read()?;
        let (found, expected) = (parameter_root(&found)?, self.optimizer_root);
        if found == expected {
            return Ok(());
        }
        Err(ResumeError::Differs {
            what: "the restored optimizer's root",
            found: found.to_string(),
            expected: expected.to_string(),
        }
        .into())
    }
}

/// The ids of a model's parameters by path.
#[derive(Default)]
struct Ids {
    path: Vec<String>,
    found: BTreeMap<String, ParamId>,
}

macro_rules! visit_kind {
    ($kind:ty, $visit:ident) => {
        fn $visit<const D: usize>(&mut self, param: &Param<Tensor<D, $kind>>) {
            self.found.insert(self.path.join("."), param.id);
        }
    };
}

impl ModuleVisitor for Ids {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    visit_kind!(burn::tensor::Float, visit_float);
    visit_kind!(Int, visit_int);
    visit_kind!(Bool, visit_bool);
}
