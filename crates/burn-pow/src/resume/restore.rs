//! Giving a model and an optimizer the state of a checkpoint, and checking that they
//! have it.

use super::load::module_record;
use super::saved_state::SavedState;
use crate::error::{PowError, ResumeError, StepDifference};
use crate::state::deferred::DeferredTensor;
use crate::state::optimizer::deferred_record;
use crate::state::snapshot::Snapshot;
use crate::state::tensors::{NamedTensor, parameter_root};
use crate::state::trainee::RestTaken;
use burn::module::Module;
use burn::optim::OptimizerRecord;
use burn::store::ModuleRecord;
use pow_audit::replay::EntryField;
use pow_core::body::StepNumber;
use pow_core::hash::ParameterRoot;
use pow_core::tensor::TensorInfo;

impl SavedState {
    /// The record from which Burn loads the checkpoint's parameters into `model`.
    pub(crate) fn model_record<M: Module>(&self, model: &M) -> Result<ModuleRecord, PowError> {
        module_record(&self.model, model)
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
        self.check_parameters(Snapshot::take(&model))?;
        Ok(model)
    }

    /// The record from which Burn loads the checkpoint's state into an optimizer of
    /// `model`, which is already restored. `None` before the first step.
    pub(crate) fn optimizer_record<M: Module>(
        &self,
        model: &M,
    ) -> Result<Option<OptimizerRecord>, PowError> {
        if self.optimizer.is_empty() || self.regenerate || self.weights_only {
            return Ok(None);
        }
        Ok(Some(deferred_record(&self.optimizer, model)?))
    }

    /// Checks that these parameters are the checkpoint's.
    pub(crate) fn check_parameters(&self, parameters: Snapshot) -> Result<(), PowError> {
        let tensors = parameters.read()?;
        self.check("model", &tensors, &self.model, self.model_root)
    }

    /// Checks that `rest` is the checkpoint's: Burn ignores the state that an optimizer
    /// of another kind cannot use.
    pub(crate) fn check_rest(&self, rest: RestTaken) -> Result<(), PowError> {
        let tensors = rest.read()?;
        self.check("optimizer", &tensors, &self.optimizer, self.optimizer_root)
    }

    fn check(
        &self,
        what: &'static str,
        tensors: &[NamedTensor],
        saved: &[DeferredTensor],
        expected: ParameterRoot,
    ) -> Result<(), PowError> {
        let found = parameter_root(tensors)?;
        if found == expected {
            return Ok(());
        }
        if self.regenerate {
            check_form(what, tensors, saved)?;
        }
        let (found, expected) = (found.to_string(), expected.to_string());
        Err(match self.regenerate {
            true => ResumeError::Diverged(StepDifference {
                step: StepNumber(0),
                field: EntryField::InitialState,
                found,
                expected,
            }),
            false => ResumeError::Mismatch {
                what: match what {
                    "model" => "the restored model's parameter root",
                    _ => "the restored optimizer's root",
                },
                found,
                expected,
            },
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
            weights_only: false,
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
