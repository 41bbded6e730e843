//! The leaf of a tensor.

use crate::hash::{PlainSha2, Tag, TaggedHasher, TreeRoot};
use crate::tensor::{DType, TensorHasher, data_root_with};
use alloc::string::String;

/// Why a commitment to tensors is impossible.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The data have another length than the shape needs.
    #[error("tensor {path}: shape and dtype need {expected} bytes, found {found}")]
    Length {
        /// The tensor's path.
        path: String,
        /// Bytes that shape and dtype need (`u64::MAX` if that overflows).
        expected: u64,
        /// Bytes given.
        found: u64,
    },
    /// Two tensors have the same path.
    #[error("two tensors are called {0}")]
    DuplicatePath(String),
}

/// The path of a tensor, and how to read its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorInfo<'a> {
    /// Path within the model, such as `conv1.weight`.
    pub path: &'a str,
    /// Element type.
    pub dtype: DType,
    /// Dimensions, row-major; empty for a scalar.
    pub dims: &'a [u64],
}

impl TensorInfo<'_> {
    /// The number of bytes that the shape needs. `None` if it overflows `u64`.
    pub fn byte_len(&self) -> Option<u64> {
        self.dims
            .iter()
            .try_fold(self.dtype.size(), |len, dim| len.checked_mul(*dim))
    }

    /// Checks that `data` has the length that the shape needs.
    pub(crate) fn check_len(&self, data: &[u8]) -> Result<(), TensorError> {
        let found = data.len() as u64;
        if self.byte_len() == Some(found) {
            Ok(())
        } else {
            Err(self.length_error(found))
        }
    }

    fn length_error(&self, found: u64) -> TensorError {
        TensorError::Length {
            path: self.path.into(),
            expected: self.byte_len().unwrap_or(u64::MAX),
            found,
        }
    }
}

/// The leaf of a whole tensor.
///
/// # Errors
///
/// [`TensorError::Length`] if `data` has another length than the shape needs.
///
/// ```
/// use pow_core::tensor::{DType, TensorInfo, tensor_leaf};
/// let info = TensorInfo { path: "bias", dtype: DType::F32, dims: &[1] };
/// let plus = tensor_leaf(&info, &0.0f32.to_le_bytes())?;
/// let minus = tensor_leaf(&info, &(-0.0f32).to_le_bytes())?;
/// assert_ne!(plus, minus);
/// # Ok::<(), pow_core::tensor::TensorError>(())
/// ```
pub fn tensor_leaf(info: &TensorInfo<'_>, data: &[u8]) -> Result<[u8; 32], TensorError> {
    tensor_leaf_with(info, data, &PlainSha2)
}

/// Like [`tensor_leaf`]; `hasher` hashes the chunks.
///
/// # Errors
///
/// [`TensorError::Length`] if `data` has another length than the shape needs.
pub fn tensor_leaf_with(
    info: &TensorInfo<'_>,
    data: &[u8],
    hasher: &(impl TensorHasher + ?Sized),
) -> Result<[u8; 32], TensorError> {
    info.check_len(data)?;
    leaf_of_root(info, data_root_with(data, hasher))
}

/// The leaf of a whole tensor, given the root over its chunks. The byte length
/// is the one that the shape needs.
///
/// # Errors
///
/// [`TensorError::Length`] if that length overflows `u64`.
pub fn leaf_of_root(info: &TensorInfo<'_>, data: TreeRoot) -> Result<[u8; 32], TensorError> {
    let len = info.byte_len().ok_or_else(|| info.length_error(0))?;
    let dtype = info.dtype.name();
    let leaf = Tag::Tensor.hasher();
    Ok(finish_leaf(leaf, info.path, dtype, info.dims, len, data))
}

/// Hashes what a leaf binds. `len` is the byte length.
pub(crate) fn finish_leaf(
    mut leaf: TaggedHasher,
    path: &str,
    dtype: &str,
    dims: &[u64],
    len: u64,
    data: TreeRoot,
) -> [u8; 32] {
    update_text(&mut leaf, path);
    update_text(&mut leaf, dtype);
    leaf.update(&(dims.len() as u32).to_le_bytes());
    for dim in dims {
        leaf.update(&dim.to_le_bytes());
    }
    leaf.update(&len.to_le_bytes());
    leaf.update(&data.0);
    leaf.finish()
}

fn update_text(hasher: &mut TaggedHasher, text: &str) {
    hasher.update(&(text.len() as u32).to_le_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_length_is_an_error_that_names_the_tensor() {
        let info = TensorInfo {
            path: "w",
            dtype: DType::F32,
            dims: &[2, 3],
        };
        let error = TensorError::Length {
            path: "w".into(),
            expected: 24,
            found: 23,
        };
        assert_eq!(tensor_leaf(&info, &[0; 23]), Err(error));
    }

    #[test]
    fn overflowing_dims_are_an_error() {
        let info = TensorInfo {
            path: "w",
            dtype: DType::F64,
            dims: &[u64::MAX, 2],
        };
        assert!(tensor_leaf(&info, &[]).is_err());
    }

    #[test]
    fn path_dtype_and_dims_are_bound() -> Result<(), TensorError> {
        let base = TensorInfo {
            path: "w",
            dtype: DType::U8,
            dims: &[4],
        };
        let leaf = |info| tensor_leaf(&info, &[1, 2, 3, 4]);
        let others = [
            TensorInfo { path: "v", ..base },
            TensorInfo {
                dtype: DType::I8,
                ..base
            },
            TensorInfo {
                dims: &[2, 2],
                ..base
            },
            TensorInfo {
                dims: &[4, 1],
                ..base
            },
        ];
        for other in others {
            assert_ne!(leaf(base)?, leaf(other)?, "{other:?}");
        }
        Ok(())
    }
}
