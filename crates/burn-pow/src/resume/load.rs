//! Giving one module the tensors of a checkpoint.

use crate::error::{PowError, ResumeError};
use crate::state::deferred::DeferredTensor;
use crate::state::quantised::{self, JoinError};
use crate::state::snapshot::{Snapshot, SnapshotError};
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::store::ModuleRecord;
use burn::tensor::{Bool, Float, Int, Tensor};
use burn_pack::Writer;
use std::collections::BTreeMap;

/// `module` with these tensors.
pub(crate) fn load_module<M: Module>(tensors: &[DeferredTensor], module: M) -> Result<M, PowError> {
    let record = module_record(tensors, &module)?;
    Ok(module.try_load_record(record).map_err(ResumeError::Model)?)
}

/// The record from which Burn loads these tensors into `module`. The parameters keep
/// the ids that they have in `module`, because the program may know them.
pub(crate) fn module_record<M: Module>(
    tensors: &[DeferredTensor],
    module: &M,
) -> Result<ModuleRecord, PowError> {
    let mut ids = Ids::default();
    module.visit(&mut ids);
    check_quantised(tensors, module, &ids)?;
    let id = |path: &str| ids.found.get(path).map(ParamId::val);
    let packed = quantised::join(tensors, id).map_err(|error| match error {
        JoinError::Convert(error) => PowError::from(SnapshotError::from(error)),
        JoinError::Read(error) => ResumeError::Model(error.into()).into(),
    })?;
    // The writer reads each tensor once, into the bytes that the model then holds.
    let bytes = Writer::new(packed)
        .into_bytes()
        .map_err(|error| ResumeError::Model(error.into()))?;
    Ok(ModuleRecord::from_bytes(bytes).map_err(ResumeError::Model)?)
}

/// Refuses quantised parameters of another form than the module has: Burn splits
/// their bytes without checking whether there are enough.
fn check_quantised<M: Module>(
    tensors: &[DeferredTensor],
    module: &M,
    ids: &Ids,
) -> Result<(), PowError> {
    // A field called `r#type` is no part of a quantised parameter.
    let is_part = |path: &str| path.contains('#') && !ids.found.contains_key(path);
    let mut fields = tensors.iter().filter(|t| is_part(&t.path)).peekable();
    if fields.peek().is_none() {
        return Ok(());
    }
    let own = Snapshot::take(module).read()?;
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
