//! safetensors files and the roots of what they hold.

use crate::LedgerError;
use crate::run_dir::{read_regular, write_atomically};
use crate::tensor_header::{METADATA, check_header};
use pow_core::hash::{ParameterRoot, PlainSha2};
use pow_core::tensor::{DType, TensorError, TensorHasher, TensorInfo, TensorSet};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A named tensor whose bytes lie elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Path, dtype and dims.
    pub info: TensorInfo<'a>,
    /// Raw little-endian element bits, row-major.
    pub data: &'a [u8],
}

/// Writes tensors to a safetensors file: beside its place, synced, renamed.
///
/// # Errors
///
/// [`LedgerError::Tensors`] if a tensor's length does not fit its shape, two
/// share a path, or one is called `__metadata__`; [`LedgerError::Io`].
pub fn write_tensors(path: &Path, tensors: &[Tensor<'_>]) -> Result<(), LedgerError> {
    let fail = |reason: String| LedgerError::Tensors {
        path: path.to_owned(),
        reason,
    };
    let mut paths = BTreeSet::new();
    let mut views = Vec::with_capacity(tensors.len());
    for tensor in tensors {
        // The name of safetensors' free text.
        if tensor.info.path == METADATA {
            return Err(fail(format!("no tensor can be called {METADATA}")));
        }
        if !paths.insert(tensor.info.path) {
            return Err(fail(format!("two tensors are called {}", tensor.info.path)));
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

/// A safetensors file read whole into memory.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl TensorFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`].
    pub fn read(path: &Path) -> Result<Self, LedgerError> {
        Ok(TensorFile {
            path: path.to_owned(),
            bytes: read_regular(path)?,
        })
    }

    /// The root over its tensors, whatever order and metadata the file has.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Tensors`] if the file is malformed, gives two tensors one
    /// name, or holds a dtype that has no commitment.
    pub fn root(&self) -> Result<ParameterRoot, LedgerError> {
        self.root_with(&PlainSha2)
    }

    /// As [`root`](Self::root), with the chunks hashed by `hasher`.
    ///
    /// # Errors
    ///
    /// As [`root`](Self::root).
    pub fn root_with(&self, hasher: &dyn TensorHasher) -> Result<ParameterRoot, LedgerError> {
        let mut set = TensorSet::new();
        self.visit(&mut |tensor| set.insert_with(&tensor.info, tensor.data, hasher))?;
        Ok(set.root())
    }

    /// Shows `visit` each tensor, in no certain order.
    ///
    /// # Errors
    ///
    /// As [`root`](Self::root), and what `visit` returns, as
    /// [`LedgerError::Tensors`].
    pub fn visit(
        &self,
        visit: &mut dyn FnMut(&Tensor<'_>) -> Result<(), TensorError>,
    ) -> Result<(), LedgerError> {
        let fail = |reason: String| LedgerError::Tensors {
            path: self.path.clone(),
            reason,
        };
        check_header(&self.bytes).map_err(|error| fail(error.to_string()))?;
        let file =
            SafeTensors::deserialize(&self.bytes).map_err(|error| fail(error.to_string()))?;
        for (path, view) in file.iter() {
            let dims: Vec<u64> = view.shape().iter().map(|dim| *dim as u64).collect();
            let dtype = from_safetensors(view.dtype())
                .ok_or_else(|| fail(format!("tensor {path}: dtype {:?}", view.dtype())))?;
            let tensor = Tensor {
                info: TensorInfo {
                    path,
                    dtype,
                    dims: &dims,
                },
                data: view.data(),
            };
            visit(&tensor).map_err(|error| fail(error.to_string()))?;
        }
        Ok(())
    }
}

/// Pairs of equal element types.
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

fn from_safetensors(theirs: Dtype) -> Option<DType> {
    DTYPES
        .iter()
        .find(|pair| pair.1 == theirs)
        .map(|pair| pair.0)
}

fn to_safetensors(ours: DType) -> Dtype {
    // Every type of ours is in the table; a bool has the fewest claims.
    DTYPES
        .iter()
        .find(|pair| pair.0 == ours)
        .map_or(Dtype::BOOL, |pair| pair.1)
}
