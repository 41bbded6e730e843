//! Giving each part its state in a checkpoint.

use super::value::Value;
use crate::error::{PartError, PowError, ResumeError};
use crate::resume::load::load_module;
use crate::resume::saved_state::SavedState;
use crate::state::deferred::DeferredTensor;
use crate::state::optimizer::{OptimizerError, deferred_record, scalar};
use crate::state::tensors::{burn_dtype, unnamed};
use burn::lr_scheduler::LrSchedulerRecord;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::tensor::kind::{Basic, Transaction};
use burn::tensor::{Bytes, Tensor, TensorData};
use burn_pack::Writer;
use pow_core::tensor::{DType, TensorInfo};

/// Gives `module` the tensors whose path begins with `prefix`.
pub(super) fn module<M: Module>(
    tensors: &[DeferredTensor],
    prefix: &str,
    module: &mut M,
) -> Result<(), PowError> {
    let own = under(tensors, prefix);
    if own.is_empty() && module.num_params() > 0 {
        return Err(PartError::Absent(prefix.into()).into());
    }
    *module = load_module(&own, module.clone())?;
    Ok(())
}

pub(super) fn optimizer<M: Module>(
    saved: &SavedState,
    prefix: &str,
    optimizer: &mut ModuleOptimizer,
    model: &M,
) -> Result<(), PowError> {
    let own = under(&saved.optimizer, prefix);
    if !own.is_empty() {
        *optimizer = optimizer.clone().load_record(deferred_record(&own, model)?);
    }
    Ok(())
}

pub(super) fn value<V: Value>(
    saved: &SavedState,
    path: &str,
    value: &mut V,
) -> Result<(), PowError> {
    let tensor = named(saved, path)?;
    let form = (tensor.dtype, tensor.dims.len());
    let own = (V::DTYPE, usize::from(V::IS_LIST));
    let read = match form == own {
        true => V::from_bytes(&read(tensor)?),
        false => None,
    };
    match read {
        Some(read) => *value = read,
        None => return Err(other_form(tensor, own.0, &format!("{} dimensions", own.1))),
    }
    Ok(())
}

pub(super) fn tensor<const D: usize, K: Basic + Transaction>(
    saved: &SavedState,
    path: &str,
    tensor: &mut Tensor<D, K>,
) -> Result<(), PowError> {
    let found = named(saved, path)?;
    let dims: Vec<usize> = tensor.dims().to_vec();
    let saved_dims: Vec<u64> = dims.iter().map(|dim| *dim as u64).collect();
    let dtype = tensor.dtype();
    let is_bool = found.dtype == DType::Bool && dtype.is_bool();
    if found.dims != saved_dims || !(is_bool || burn_dtype(found.dtype) == Some(dtype)) {
        return Err(PartError::Form {
            name: path.into(),
            program: format!("{dtype:?} {dims:?}"),
            saved: form(&found.info()),
        }
        .into());
    }
    let from = burn_dtype(found.dtype).ok_or_else(|| unnamed(path, found.dtype));
    let from = from.map_err(OptimizerError::from)?;
    let data = TensorData::from_bytes(read(found)?, dims, from);
    *tensor = Tensor::from_data(data, (&tensor.device(), dtype));
    Ok(())
}

pub(super) fn scheduler(
    saved: &SavedState,
    prefix: &str,
    scheduler: &mut ModuleLrScheduler,
) -> Result<(), PowError> {
    let mut writer = Writer::new(Vec::new());
    for tensor in under(&saved.optimizer, prefix) {
        match scalar(&tensor).map_err(OptimizerError::from)? {
            Some(scalar) => writer = writer.with_scalar(&tensor.path, scalar),
            None => return Err(other_form(&tensor, DType::U64, "0 dimensions")),
        }
    }
    let record = writer.into_bytes().map_err(OptimizerError::from)?;
    let record = LrSchedulerRecord::from_bytes(record).map_err(OptimizerError::from)?;
    *scheduler = scheduler.clone().load_record(record);
    Ok(())
}

/// The tensors whose path begins with `prefix`, without it.
fn under(tensors: &[DeferredTensor], prefix: &str) -> Vec<DeferredTensor> {
    let own = tensors.iter().filter_map(|tensor| {
        let path = tensor.path.strip_prefix(prefix)?;
        Some(tensor.clone().renamed(path.into()))
    });
    own.collect()
}

fn named<'a>(saved: &'a SavedState, path: &str) -> Result<&'a DeferredTensor, PowError> {
    let found = saved.optimizer.iter().find(|tensor| tensor.path == path);
    found.ok_or_else(|| PartError::Absent(path.into()).into())
}

fn read(tensor: &DeferredTensor) -> Result<Bytes, PowError> {
    let bytes = tensor.bytes();
    Ok(bytes.map_err(|error| ResumeError::Model(error.into()))?)
}

fn other_form(saved: &DeferredTensor, dtype: DType, dims: &str) -> PowError {
    PartError::Form {
        name: saved.path.clone(),
        program: format!("{dtype:?} of {dims}"),
        saved: form(&saved.info()),
    }
    .into()
}

fn form(info: &TensorInfo<'_>) -> String {
    format!("{:?} {:?}", info.dtype, info.dims)
}
