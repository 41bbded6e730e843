//! Taking values and schedulers as tensors.

use super::value::Value;
use crate::error::PowError;
use crate::state::optimizer::{OptimizerError, scalar_tensor};
use crate::state::tensors::NamedTensor;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::tensor::Bytes;
use burn_pack::Reader;
use std::sync::Arc;

pub(super) fn value<V: Value>(path: String, value: &V) -> NamedTensor {
    let bytes = value.to_bytes();
    let dims = match V::IS_LIST {
        true => vec![bytes.len() as u64 / V::DTYPE.size()],
        false => Vec::new(),
    };
    NamedTensor {
        path,
        dtype: V::DTYPE,
        dims,
        bytes: Arc::new(Bytes::from_bytes_vec(bytes)),
    }
}

/// The scalars of a scheduler's record, each under `prefix`.
pub(super) fn scheduler(
    prefix: &str,
    scheduler: &ModuleLrScheduler,
) -> Result<Vec<NamedTensor>, PowError> {
    let record = scheduler.to_record().into_bytes();
    let reader = Reader::from_bytes(record.map_err(OptimizerError::from)?);
    let reader = reader.map_err(OptimizerError::from)?;
    let scalars = reader.scalars().iter();
    Ok(scalars
        .map(|(name, scalar)| scalar_tensor(format!("{prefix}{name}"), *scalar))
        .collect())
}
