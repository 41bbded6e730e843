//! Giving a model and an optimizer the state of a checkpoint.

use super::saved_state::SavedState;
use crate::error::{PowError, ResumeError, StepDifference};
use crate::state::deferred::DeferredTensor;
use crate::state::optimizer::{OptimizerSnapshot, deferred_record};
use crate::state::quantised::{self, JoinError};
use crate::state::snapshot::{Snapshot, SnapshotError};
use crate::state::tensors::{NamedTensor, parameter_root};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::store::ModuleRecord;
use burn::tensor::{Bool, Float, Int, Tensor};
use burn_pack::Writer;
use pow_audit::replay::EntryField;
use pow_core::body::StepNumber;
use pow_core::tensor::TensorInfo;
use std::collections::BTreeMap;

impl SavedState {
    /// The record from which Burn loads the checkpoint's parameters into `model`. The
    /// parameters keep the ids that they have in `model`, because the program may
    /// know them.
    pub(crate) fn model_record<M: Module>(&self, model: &M) -> Result<ModuleRecord, PowError> {
        self.check_quantised(model)?;
        let mut ids = Ids::default();
        model.visit(&mut ids);
        let id = |path: &str| ids.found.get(path).map(ParamId::val);
        let packed = quantised::join(&self.model, id).map_err(|error| match error {
            JoinError::Convert(error) => PowError::from(SnapshotError::from(error)),
            JoinError::Read(error) => ResumeError::Model(error.into()).into(),
        })?;
        // The writer reads each tensor once, into the bytes that the model then holds.
        let bytes = Writer::new(packed)
            .into_bytes()
            .map_err(|error| ResumeError::Model(error.into()))?;
        Ok(ModuleRecord::from_bytes(bytes).map_err(ResumeError::Model)?)
    }

    /// Refuses quantised parameters of another form than the model has: Burn splits
    /// their bytes without checking whether there are enough.
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
            // For the bytes of a parameter, only their number matters.
            let mut fits =
                twin.is_some_and(|twin| (twin.dtype, &twin.dims) == (field.dtype, &field.dims));
            if fits && !quantised::is_bytes(&field.path) {
                let bytes = field.bytes();
                let bytes = bytes.map_err(|error| ResumeError::Model(error.into()))?;
                fits = twin.is_some_and(|twin| *twin.bytes == bytes);
            }
            if !fits {
                return Err(ResumeError::Mismatch {
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

    /// `model` with the checkpoint's parameters. If they are not loaded, checks that
    /// it has them.
    pub(crate) fn model<M: Module>(&self, model: M) -> Result<M, PowError> {
        let model = if self.regenerate {
            model
        } else {
            let record = self.model_record(&model)?;
            model.try_load_record(record).map_err(ResumeError::Model)?
        };
        let tensors = Snapshot::take(&model).read()?;
        let found = parameter_root(&tensors)?;
        if found == self.model_root {
            return Ok(model);
        }
        if self.regenerate {
            check_form("model", &tensors, &self.model)?;
        }
        let (found, expected) = (found.to_string(), self.model_root.to_string());
        Err(match self.regenerate {
            true => ResumeError::Diverged(StepDifference {
                step: StepNumber(0),
                field: EntryField::InitialState,
                found,
                expected,
            }),
            false => ResumeError::Mismatch {
                what: "the restored model's parameter root",
                found,
                expected,
            },
        }
        .into())
    }

    /// The record from which Burn loads the checkpoint's state into an optimizer of
    /// `model`, which is already restored. `None` before the first step.
    pub(crate) fn optimizer_record<M: Module>(
        &self,
        model: &M,
    ) -> Result<Option<OptimizerRecord>, PowError> {
        if self.optimizer.is_empty() || self.regenerate {
            return Ok(None);
        }
        Ok(Some(deferred_record(&self.optimizer, model)?))
    }

    /// Checks that `optimizer` has the checkpoint's state: Burn ignores the state
    /// that an optimizer of another kind cannot use.
    pub(crate) fn check_optimizer(&self, optimizer: &ModuleOptimizer) -> Result<(), PowError> {
        let tensors = OptimizerSnapshot::take(optimizer).read()?;
        let (found, expected) = (parameter_root(&tensors)?, self.optimizer_root);
        if found == expected {
            return Ok(());
        }
        if self.regenerate {
            check_form("optimizer", &tensors, &self.optimizer)?;
            return Err(ResumeError::Diverged(StepDifference {
                step: StepNumber(0),
                field: EntryField::InitialState,
                found: found.to_string(),
                expected: expected.to_string(),
            })
            .into());
        }
        Err(ResumeError::Mismatch {
            what: "the restored optimizer's root",
            found: found.to_string(),
            expected: expected.to_string(),
        }
        .into())
    }
}

/// Checks that the program's tensors have the names, element types and dimensions of
/// the run's. Other values can be another rounding, other forms cannot.
fn check_form(
    what: &'static str,
    found: &[NamedTensor],
    expected: &[DeferredTensor],
) -> Result<(), ResumeError> {
    let found = found.iter().map(|tensor| tensor.info());
    let expected = expected.iter().map(|tensor| tensor.info());
    let shown = |tensor: Option<&TensorInfo<'_>>| match tensor {
        Some(info) => format!("{} of {:?} {:?}", info.path, info.dtype, info.dims),
        None => "no more tensors".into(),
    };
    let (found, expected): (Vec<_>, Vec<_>) = (found.collect(), expected.collect());
    let same = found
        .iter()
        .zip(&expected)
        .take_while(|(found, expected)| found == expected)
        .count();
    match (found.get(same), expected.get(same)) {
        (None, None) => Ok(()),
        (found, expected) => Err(ResumeError::InitialForm {
            what,
            found: shown(found),
            expected: shown(expected),
        }),
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

    visit_kind!(Float, visit_float);
    visit_kind!(Int, visit_int);
    visit_kind!(Bool, visit_bool);
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Quantizer;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::quantization::{Calibration, QuantScheme};
    use burn::tensor::{Bytes, Device};
    use pow_core::hash::StateRoot;
    use pow_ledger::{RunDir, StateFile};
    use std::sync::Arc;

    fn model() -> Linear {
        let device = Device::flex();
        let mut quantizer = Quantizer::new(Calibration::MinMax, QuantScheme::default());
        let linear = LinearConfig::new(4, 8).init(&device);
        linear.quantize_weights(&mut quantizer)
    }

    /// Restores tensors with the right root into a model. A forger can commit to such
    /// a checkpoint.
    fn restored(tensors: Vec<NamedTensor>) -> Result<Linear, PowError> {
        let saved = SavedState {
            entry: None,
            state: StateFile {
                schema: String::new(),
                step: 0,
                scheduler_steps: 0,
                seed_position: 0,
                cursor: 0,
            },
            files: RunDir::new("none").checkpoint(StateRoot([0; 32])),
            model_root: parameter_root(&tensors).unwrap(),
            model: tensors.iter().map(DeferredTensor::from).collect(),
            optimizer: Vec::new(),
            optimizer_root: parameter_root(&[]).unwrap(),
            regenerate: false,
        };
        saved.model(model())
    }

    #[test]
    fn a_form_that_is_not_the_models_own_is_an_error() {
        let honest = Snapshot::take(&model()).read().unwrap();
        assert!(restored(honest.clone()).is_ok());
        let changed = |path: &str, bytes: &[u8]| {
            let mut tensors = honest.clone();
            let tensor = tensors.iter_mut().find(|tensor| tensor.path == path);
            let tensor = tensor.unwrap();
            tensor.dims = vec![bytes.len() as u64 / tensor.dtype.size()];
            tensor.bytes = Arc::new(Bytes::from_bytes_vec(bytes.to_vec()));
            restored(tensors).err().unwrap().to_string()
        };
        let huge = [u64::MAX.to_le_bytes(), 8u64.to_le_bytes()].concat();
        let turned = [8u64.to_le_bytes(), 4u64.to_le_bytes()].concat();
        let cases: [(&str, &[u8]); 5] = [
            ("weight#bytes", &[]),
            ("weight#bytes", &[1; 7]),
            ("weight#dims", &huge),
            ("weight#dims", &turned),
            ("weight#scheme", b"{}"),
        ];
        for (path, bytes) in cases {
            let error = changed(path, bytes);
            assert!(
                error.contains("the form of a quantised parameter"),
                "{error}"
            );
        }
        let mut lacking = honest.clone();
        lacking.retain(|tensor| tensor.path != "weight#scheme");
        let error = restored(lacking).err().unwrap().to_string();
        assert!(error.contains("without weight#scheme"), "{error}");
    }
}
