//! Named tensors, the common form of parameters and optimizer state, and the root
//! over them.

use burn::tensor::{BoolStore, Bytes, DType as BurnDType, TensorData};
use pow_core::hash::ParameterRoot;
use pow_core::tensor::{DType, TensorError, TensorInfo, TensorSet};
use pow_cpu::Lanes;
use std::sync::Arc;

// Burn holds elements in the machine's byte order. The root is over little-endian.
#[cfg(target_endian = "big")]
compile_error!("burn-pow needs a little-endian machine");

/// A tensor on the host, under its name in a safetensors file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTensor {
    /// The path in the model, such as `conv1.weight`. Optimizer state has
    /// `<parameter path>#<field>`.
    pub path: String,
    /// The element type.
    pub dtype: DType,
    /// The dimensions, row-major. Empty for a scalar.
    pub dims: Vec<u64>,
    /// The elements, contiguous and little-endian. They are shared, so a clone is
    /// cheap, and a tensor that is already on the host is not copied.
    pub bytes: Arc<Bytes>,
}

/// Why a tensor cannot be converted from or to Burn's form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// One side has no name for the element type.
    #[error("tensor {path}: no name for elements of type {dtype}")]
    DType {
        /// The tensor's path.
        path: String,
        /// The other side's name for the type.
        dtype: String,
    },
    /// The bytes do not fill the shape.
    #[error(transparent)]
    Length(#[from] TensorError),
}

impl NamedTensor {
    /// Gives data that were read from a device a path.
    ///
    /// The element types have the names that `burn-store` gives them in a safetensors
    /// file, with one difference: a boolean becomes `BOOL`, one byte 0 or 1, on every
    /// backend. (`burn-store` writes `U8` or `U32` if the backend stores booleans in
    /// this form.) So a root does not depend on the backend.
    ///
    /// # Errors
    ///
    /// [`ConvertError::DType`] if the data are quantised.
    ///
    /// ```
    /// use burn::tensor::TensorData;
    /// use burn_pow::tensors::NamedTensor;
    /// let tensor = NamedTensor::new("bias".into(), TensorData::from([1.5f32]))?;
    /// assert_eq!(tensor.dims, [1]);
    /// assert_eq!(tensor.bytes[..], 1.5f32.to_le_bytes());
    /// # Ok::<(), burn_pow::tensors::ConvertError>(())
    /// ```
    pub fn new(path: String, data: TensorData) -> Result<Self, ConvertError> {
        let (bytes, shape, dtype) = data.into_parts();
        let dims = shape.iter().map(|dim| *dim as u64).collect();
        let (dtype, bytes) = match dtype {
            BurnDType::Bool(BoolStore::U8) => (DType::Bool, bool_bytes(&bytes, 1)),
            BurnDType::Bool(BoolStore::U32) => (DType::Bool, bool_bytes(&bytes, 4)),
            plain => match verbatim(plain) {
                Some(named) => (named, bytes),
                None => return Err(unnamed(&path, plain)),
            },
        };
        Ok(NamedTensor {
            path,
            dtype,
            dims,
            bytes: Arc::new(bytes),
        })
    }

    /// The tensor in Burn's form, for instance for `Tensor::from_data`.
    ///
    /// # Errors
    ///
    /// [`ConvertError`] if the bytes do not fill the shape, or Burn does not have the
    /// element type.
    pub fn to_data(&self) -> Result<TensorData, ConvertError> {
        let dims = burn_shape(&self.info(), self.bytes.len() as u64)?;
        let dtype = burn_dtype(self.dtype).ok_or_else(|| unnamed(&self.path, self.dtype))?;
        Ok(TensorData::from_bytes(
            Bytes::clone(&self.bytes),
            dims,
            dtype,
        ))
    }

    /// The path, the element type and the dimensions.
    pub fn info(&self) -> TensorInfo<'_> {
        TensorInfo {
            path: &self.path,
            dtype: self.dtype,
            dims: &self.dims,
        }
    }
}

/// The error for an element type that has no name on the other side.
pub(crate) fn unnamed(path: &str, dtype: impl std::fmt::Debug) -> ConvertError {
    ConvertError::DType {
        path: path.into(),
        dtype: format!("{dtype:?}"),
    }
}

/// The name of an element type whose bytes need no conversion.
pub(crate) fn verbatim(dtype: BurnDType) -> Option<DType> {
    Some(match dtype {
        BurnDType::F64 => DType::F64,
        // Flex32 is computed at lower precision but held as f32.
        BurnDType::F32 | BurnDType::Flex32 => DType::F32,
        BurnDType::F16 => DType::F16,
        BurnDType::BF16 => DType::Bf16,
        BurnDType::I64 => DType::I64,
        BurnDType::I32 => DType::I32,
        BurnDType::I16 => DType::I16,
        BurnDType::I8 => DType::I8,
        BurnDType::U64 => DType::U64,
        BurnDType::U32 => DType::U32,
        BurnDType::U16 => DType::U16,
        BurnDType::U8 => DType::U8,
        BurnDType::Bool(BoolStore::Native) => DType::Bool,
        BurnDType::Bool(_) | BurnDType::QFloat(_) => return None,
    })
}

/// A shape in Burn's form, if it needs exactly `found` bytes.
pub(crate) fn burn_shape(info: &TensorInfo<'_>, found: u64) -> Result<Vec<usize>, ConvertError> {
    let dims: Result<Vec<usize>, _> = info.dims.iter().map(|d| usize::try_from(*d)).collect();
    match (info.byte_len(), dims) {
        (Some(len), Ok(dims)) if len == found => Ok(dims),
        (len, _) => Err(ConvertError::Length(TensorError::Length {
            path: info.path.into(),
            expected: len.unwrap_or(u64::MAX),
            found,
        })),
    }
}

/// Burn's element type with this name.
pub(crate) fn burn_dtype(dtype: DType) -> Option<BurnDType> {
    Some(match dtype {
        DType::F64 => BurnDType::F64,
        DType::F32 => BurnDType::F32,
        DType::F16 => BurnDType::F16,
        DType::Bf16 => BurnDType::BF16,
        DType::I64 => BurnDType::I64,
        DType::I32 => BurnDType::I32,
        DType::I16 => BurnDType::I16,
        DType::I8 => BurnDType::I8,
        DType::U64 => BurnDType::U64,
        DType::U32 => BurnDType::U32,
        DType::U16 => BurnDType::U16,
        DType::U8 => BurnDType::U8,
        DType::Bool => BurnDType::Bool(BoolStore::Native),
        _ => return None,
    })
}

/// One byte 0 or 1 for each element, which is stored in `width` bytes.
fn bool_bytes(stored: &[u8], width: usize) -> Bytes {
    let bytes = stored
        .chunks(width)
        .map(|element| u8::from(element.iter().any(|byte| *byte != 0)));
    Bytes::from_bytes_vec(bytes.collect())
}

/// Sorts by path bytes. The error is a path that occurs twice.
pub(crate) fn sort_by_path(tensors: &mut [NamedTensor]) -> Result<(), String> {
    tensors.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    match tensors.windows(2).find(|pair| pair[0].path == pair[1].path) {
        Some(pair) => Err(pair[0].path.clone()),
        None => Ok(()),
    }
}

/// The root over tensors. Their order does not matter.
///
/// # Errors
///
/// [`TensorError`] if two tensors have the same path, or the bytes of a tensor do not
/// fill its shape.
pub fn parameter_root(tensors: &[NamedTensor]) -> Result<ParameterRoot, TensorError> {
    Ok(parameter_leaves(tensors)?.root())
}

/// The leaves of tensors: what their root is over.
pub(crate) fn parameter_leaves(tensors: &[NamedTensor]) -> Result<TensorSet, TensorError> {
    let mut leaves = TensorSet::new();
    insert_leaves(&mut leaves, tensors)?;
    Ok(leaves)
}

/// Adds the leaves of tensors.
pub(crate) fn insert_leaves(
    leaves: &mut TensorSet,
    tensors: &[NamedTensor],
) -> Result<(), TensorError> {
    let lanes = Lanes::fastest();
    for tensor in tensors {
        leaves.insert_with(&tensor.info(), &tensor.bytes, &lanes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_the_same_bytes_however_they_are_stored() {
        let stored = |bytes: &[u8], store| {
            let data = TensorData::from_bytes_vec(bytes.to_vec(), [3], BurnDType::Bool(store));
            NamedTensor::new("mask".into(), data).unwrap()
        };
        let native = stored(&[1, 0, 1], BoolStore::Native);
        let words = [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(native.bytes[..], [1, 0, 1]);
        assert_eq!(native.dtype, DType::Bool);
        assert_eq!(stored(&[1, 0, 255], BoolStore::U8), native);
        assert_eq!(stored(&words, BoolStore::U32), native);
    }

    #[test]
    fn sorting_is_by_path_bytes_and_finds_a_duplicate() {
        let tensor = |path: &str| NamedTensor::new(path.into(), TensorData::from([0u8])).unwrap();
        let mut tensors = ["b", "a.10", "a.2", "B"].map(tensor);
        assert_eq!(sort_by_path(&mut tensors), Ok(()));
        assert_eq!(
            tensors.each_ref().map(|t| t.path.as_str()),
            ["B", "a.10", "a.2", "b"]
        );
        let mut twice = ["b", "a", "b"].map(tensor);
        assert_eq!(sort_by_path(&mut twice), Err("b".into()));
    }
}
