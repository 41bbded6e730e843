//! Writing safetensors files.

use crate::error::LedgerError;
use crate::files::write_atomically;
use crate::tensors::tensor_header::METADATA;
use pow_core::tensor::{DType, TensorInfo};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeSet;
use std::path::Path;

/// A named tensor that borrows its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Path, dtype and dims.
    pub info: TensorInfo<'a>,
    /// The raw little-endian bytes of the elements, row-major.
    pub data: &'a [u8],
}

/// Writes tensors to a safetensors file. The file appears whole and survives a power
/// cut. It has one writer.
///
/// # Errors
///
/// [`LedgerError::Tensors`] if a tensor's length does not match its shape, if two
/// tensors have one path, or if a path is `__metadata__`. [`LedgerError::Io`] if the
/// file cannot be written.
pub fn write_tensors(path: &Path, tensors: &[Tensor<'_>]) -> Result<(), LedgerError> {
    let fail = |reason: String| LedgerError::Tensors {
        path: path.to_owned(),
        reason,
    };
    let mut paths = BTreeSet::new();
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        // Safetensors files use this name for free text.
        if tensor.info.path == METADATA {
            return Err(fail(format!("a tensor cannot have the path {METADATA}")));
        }
        if !paths.insert(tensor.info.path) {
            return Err(fail(format!(
                "two tensors have the path {}",
                tensor.info.path
            )));
        }
        let dims = tensor
            .info
            .dims
            .iter()
            .map(|dim| usize::try_from(*dim))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| fail(error.to_string()))?;
        let view = TensorView::new(to_safetensors(tensor.info.dtype), dims, tensor.data)
            .map_err(|error| fail(format!("tensor {}: {error}", tensor.info.path)))?;
        views.push((tensor.info.path, view));
    }
    let bytes = safetensors::serialize(views, None).map_err(|error| fail(error.to_string()))?;
    write_atomically(path, &bytes)
}

/// Our element types and the same types of the `safetensors` crate.
const DTYPES: [(DType, Dtype); 13] = [
    (DType::Bool, Dtype::BOOL),
    (DType::U8, Dtype::U8),
    (DType::I8, Dtype::I8),
    (DType::U16, Dtype::U16),
    (DType::I16, Dtype::I16),
    (DType::F16, Dtype::F16),
    (DType::Bf16, Dtype::BF16),
    (DType::U32, Dtype::U32),
    (DType::I32, Dtype::I32),
    (DType::F32, Dtype::F32),
    (DType::U64, Dtype::U64),
    (DType::I64, Dtype::I64),
    (DType::F64, Dtype::F64),
];

fn to_safetensors(ours: DType) -> Dtype {
    // Every type of ours is in the table, so the default is never used.
    DTYPES
        .iter()
        .find(|pair| pair.0 == ours)
        .map_or(Dtype::BOOL, |pair| pair.1)
}
