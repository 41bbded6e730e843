//! Commitments to named tensors.
//!
//! A tensor's bytes are the raw little-endian element bits: −0 and NaN
//! payloads are kept apart. They are cut into 4 KiB chunks, the leaves of a
//! tree; the tensor's own leaf binds path, dtype, dims, byte length and that
//! tree's root. The tensors of a model, sorted by path bytes, are the leaves of
//! another tree, whose root and count make the [`ParameterRoot`].
//!
//! Hashing the chunks is nearly all of the work. It is a [trait](TensorHasher),
//! so that an engine that hashes several at once can take it over.

mod hasher;

pub use hasher::{CHUNK_BATCH, TensorHasher, data_root_with};

use crate::hash::{ParameterRoot, PlainSha2, Tag, TaggedHasher, TreeRoot};
use crate::merkle;
use alloc::collections::BTreeMap;
use alloc::string::String;

/// Length of a tensor's leaf pieces, in bytes; the last may be shorter.
pub const CHUNK_LEN: usize = 4096;

/// Element type, named as safetensors names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are safetensors' own")]
#[non_exhaustive]
pub enum DType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    F16,
    Bf16,
    U32,
    I32,
    F32,
    U64,
    I64,
    F64,
}

impl DType {
    /// Every type.
    pub const ALL: [DType; 13] = [
        DType::Bool,
        DType::U8,
        DType::I8,
        DType::U16,
        DType::I16,
        DType::F16,
        DType::Bf16,
        DType::U32,
        DType::I32,
        DType::F32,
        DType::U64,
        DType::I64,
        DType::F64,
    ];

    /// safetensors' name of the type.
    ///
    /// ```
    /// assert_eq!(pow_core::tensor::DType::Bf16.name(), "BF16");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "BOOL",
            DType::U8 => "U8",
            DType::I8 => "I8",
            DType::U16 => "U16",
            DType::I16 => "I16",
            DType::F16 => "F16",
            DType::Bf16 => "BF16",
            DType::U32 => "U32",
            DType::I32 => "I32",
            DType::F32 => "F32",
            DType::U64 => "U64",
            DType::I64 => "I64",
            DType::F64 => "F64",
        }
    }

    /// The type that safetensors calls `name`, if it has a commitment.
    ///
    /// ```
    /// use pow_core::tensor::DType;
    /// assert_eq!(DType::from_name("BF16"), Some(DType::Bf16));
    /// assert_eq!(DType::from_name("bf16"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bytes of one element.
    pub const fn size(self) -> u64 {
        match self {
            DType::Bool | DType::U8 | DType::I8 => 1,
            DType::U16 | DType::I16 | DType::F16 | DType::Bf16 => 2,
            DType::U32 | DType::I32 | DType::F32 => 4,
            DType::U64 | DType::I64 | DType::F64 => 8,
        }
    }
}

/// Why tensors cannot be committed to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TensorError {
    /// The bytes do not fill the shape.
    #[error("tensor {path}: shape and dtype need {expected} bytes, found {found}")]
    Length {
        /// The tensor's path.
        path: String,
        /// Bytes that shape and dtype need (`u64::MAX` if that overflows).
        expected: u64,
        /// Bytes given.
        found: u64,
    },
    /// Two tensors have one path.
    #[error("two tensors are called {0}")]
    DuplicatePath(String),
}

/// What a tensor is called and how its bytes are read.
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
    /// Bytes that the shape needs, `None` if that overflows `u64`.
    pub fn byte_len(&self) -> Option<u64> {
        self.dims
            .iter()
            .try_fold(self.dtype.size(), |len, dim| len.checked_mul(*dim))
    }

    /// That `data` fill the shape.
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

/// Hash of one chunk of a tensor's bytes.
pub fn chunk_leaf(chunk: &[u8]) -> [u8; 32] {
    Tag::Chunk.hash(chunk)
}

/// The leaf that stands for a whole tensor.
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

/// As [`tensor_leaf`], with the chunks hashed by `hasher`.
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

/// The root over the chunks of a tensor's bytes.
pub fn data_root(data: &[u8]) -> TreeRoot {
    data_root_with(data, &PlainSha2)
}

/// The leaves of that tree: one hash for each chunk.
pub(crate) fn chunk_leaves(data: &[u8]) -> impl Iterator<Item = [u8; 32]> + '_ {
    // One tagged midstate for all chunks.
    let chunk = Tag::Chunk.hasher();
    data.chunks(CHUNK_LEN)
        .map(move |piece| chunk.clone().chain(piece).finish())
}

/// The leaf that stands for a whole tensor, from the root over its chunks. The
/// byte length is what the shape needs.
///
/// # Errors
///
/// [`TensorError::Length`] if that length overflows `u64`.
pub fn leaf_of_root(info: &TensorInfo<'_>, data: TreeRoot) -> Result<[u8; 32], TensorError> {
    let len = info.byte_len().ok_or_else(|| info.length_error(0))?;
    let mut leaf = Tag::Tensor.hasher();
    update_text(&mut leaf, info.path);
    update_text(&mut leaf, info.dtype.name());
    leaf.update(&(info.dims.len() as u32).to_le_bytes());
    for dim in info.dims {
        leaf.update(&dim.to_le_bytes());
    }
    leaf.update(&len.to_le_bytes());
    leaf.update(&data.0);
    Ok(leaf.finish())
}

fn update_text(hasher: &mut TaggedHasher, text: &str) {
    hasher.update(&(text.len() as u32).to_le_bytes());
    hasher.update(text.as_bytes());
}

/// Collects the tensors of a model, in any order, into its root.
///
/// ```
/// use pow_core::tensor::{DType, TensorInfo, TensorSet};
/// let mut set = TensorSet::new();
/// set.insert(&TensorInfo { path: "b", dtype: DType::U8, dims: &[2] }, &[1, 2])?;
/// set.insert(&TensorInfo { path: "a", dtype: DType::U8, dims: &[] }, &[3])?;
/// let root = set.root();
/// # let _ = root;
/// # Ok::<(), pow_core::tensor::TensorError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TensorSet(BTreeMap<String, [u8; 32]>);

impl TensorSet {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor.
    ///
    /// # Errors
    ///
    /// [`TensorError`] if the length does not fit the shape or the path is
    /// already there.
    pub fn insert(&mut self, info: &TensorInfo<'_>, data: &[u8]) -> Result<(), TensorError> {
        self.insert_with(info, data, &PlainSha2)
    }

    /// As [`insert`](Self::insert), with the chunks hashed by `hasher`.
    ///
    /// # Errors
    ///
    /// [`TensorError`] if the length does not fit the shape or the path is
    /// already there.
    pub fn insert_with(
        &mut self,
        info: &TensorInfo<'_>,
        data: &[u8],
        hasher: &(impl TensorHasher + ?Sized),
    ) -> Result<(), TensorError> {
        let leaf = tensor_leaf_with(info, data, hasher)?;
        self.insert_leaf(info.path, leaf)
    }

    /// Adds a tensor by its path and its [`tensor_leaf`].
    ///
    /// # Errors
    ///
    /// [`TensorError::DuplicatePath`] if the path is already there.
    pub fn insert_leaf(&mut self, path: &str, leaf: [u8; 32]) -> Result<(), TensorError> {
        match self.0.insert(path.into(), leaf) {
            None => Ok(()),
            Some(_) => Err(TensorError::DuplicatePath(path.into())),
        }
    }

    /// The root: count and tree over the tensors sorted by path bytes.
    pub fn root(&self) -> ParameterRoot {
        // A BTreeMap of Strings iterates in byte order.
        let tree = merkle::root(self.0.values().copied());
        parameter_root(self.0.len() as u64, tree)
    }

    /// Paths and leaves, sorted by path bytes: the tree's order.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = (&str, [u8; 32])> {
        self.0.iter().map(|(path, leaf)| (path.as_str(), *leaf))
    }
}

/// Binds the number of tensors to the root over their leaves.
pub(crate) fn parameter_root(count: u64, tree: TreeRoot) -> ParameterRoot {
    ParameterRoot(
        Tag::Tensors
            .hasher()
            .chain(&count.to_le_bytes())
            .chain(&tree.0)
            .finish(),
    )
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
