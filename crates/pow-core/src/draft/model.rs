//! Leaves and roots of models with element types of the draft.

use super::dtype::AnyDType;
use crate::hash::{ParameterRoot, TaggedHasher, TreeRoot, midstate_of};
use crate::tensor::{TensorError, TensorInfo, TensorSet, finish_leaf, leaf_of_root};
use core::fmt;

/// The prefix of the draft's tags. Version 1 has [another
/// one](crate::hash::TAG_PREFIX).
pub const DRAFT_TAG_PREFIX: &str = "burn-pow/v2-draft/";

/// Root over the tensors of a model of which at least one has an element type of
/// the draft. It is shown with `v2-draft:` before its digits, so nobody takes it
/// for a [`ParameterRoot`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DraftRoot(pub [u8; 32]);

impl fmt::Display for DraftRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v2-draft:{}", TreeRoot(self.0))
    }
}

/// The root of a model's tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModelRoot {
    /// All element types are of version 1: this is the root that blocks commit to.
    V1(ParameterRoot),
    /// At least one element type is of the draft only.
    Draft(DraftRoot),
}

impl fmt::Display for ModelRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelRoot::V1(root) => root.fmt(f),
            ModelRoot::Draft(root) => root.fmt(f),
        }
    }
}

/// The path of a tensor, and how to read its bytes. Its element type may be one of
/// the draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyTensorInfo<'a> {
    /// Path within the model.
    pub path: &'a str,
    /// Element type.
    pub dtype: AnyDType,
    /// Dimensions, row-major; empty for a scalar.
    pub dims: &'a [u64],
}

impl AnyTensorInfo<'_> {
    /// The number of bytes that the shape needs ([`AnyDType::byte_len`]).
    pub fn byte_len(&self) -> Option<u64> {
        self.dtype.byte_len(self.dims)
    }

    /// The tensor's leaf, given the [root over its
    /// chunks](crate::tensor::data_root). For a type of version 1 it is the leaf of
    /// [version 1](leaf_of_root).
    ///
    /// # Errors
    ///
    /// [`TensorError::Length`] if the shape has no length in bytes.
    pub fn leaf(&self, data: TreeRoot) -> Result<[u8; 32], TensorError> {
        let (path, dims) = (self.path, self.dims);
        match self.dtype {
            AnyDType::V1(dtype) => leaf_of_root(&TensorInfo { path, dtype, dims }, data),
            AnyDType::Draft(dtype) => {
                let len = self.byte_len().ok_or_else(|| TensorError::Length {
                    path: path.into(),
                    expected: u64::MAX,
                    found: 0,
                })?;
                let leaf = tag(const { midstate_of(DRAFT_TAG_PREFIX, "tensor") });
                Ok(finish_leaf(leaf, path, dtype.name(), dims, len, data))
            }
        }
    }
}

/// Computes the root of a model from the leaves of its tensors, which may come in
/// any order.
///
/// ```
/// use pow_core::draft::{AnyDType, AnyTensorInfo, AnyTensorSet, DraftDType, ModelRoot};
/// use pow_core::tensor::{DType, TensorSet, data_root};
///
/// let mut set = AnyTensorSet::new();
/// let bias = AnyTensorInfo { path: "bias", dtype: AnyDType::V1(DType::U8), dims: &[2] };
/// set.insert(&bias, data_root(&[1, 2]))?;
/// assert!(matches!(set.root(), ModelRoot::V1(_)));
///
/// let dtype = AnyDType::Draft(DraftDType::F8E4m3);
/// let scale = AnyTensorInfo { path: "scale", dtype, dims: &[1] };
/// set.insert(&scale, data_root(&[3]))?;
/// assert!(set.root().to_string().starts_with("v2-draft:"));
/// # Ok::<(), pow_core::tensor::TensorError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct AnyTensorSet {
    set: TensorSet,
    has_draft: bool,
}

impl AnyTensorSet {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor, given the root over its chunks, and returns its leaf.
    ///
    /// # Errors
    ///
    /// [`TensorError`] if the shape has no length in bytes, or if the set already has
    /// this path.
    pub fn insert(
        &mut self,
        info: &AnyTensorInfo<'_>,
        data: TreeRoot,
    ) -> Result<[u8; 32], TensorError> {
        let leaf = info.leaf(data)?;
        self.set.insert_leaf(info.path, leaf)?;
        self.has_draft |= matches!(info.dtype, AnyDType::Draft(_));
        Ok(leaf)
    }

    /// The root of the model.
    pub fn root(&self) -> ModelRoot {
        if !self.has_draft {
            return ModelRoot::V1(self.set.root());
        }
        let (count, tree) = self.set.tree();
        let root = tag(const { midstate_of(DRAFT_TAG_PREFIX, "tensors") });
        let root = root.chain(&count.to_le_bytes()).chain(&tree.0);
        ModelRoot::Draft(DraftRoot(root.finish()))
    }
}

fn tag(midstate: [u32; 8]) -> TaggedHasher {
    TaggedHasher::after(midstate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::DraftDType;
    use crate::tensor::{DType, data_root};
    use alloc::vec::Vec;
    use sha2::{Digest, Sha256};

    /// BIP-340's definition, literally, with `sha2` alone.
    fn tagged(name: &str, data: &[u8]) -> [u8; 32] {
        let tag = Sha256::new().chain_update("burn-pow/v2-draft/");
        let tag = tag.chain_update(name).finalize();
        let hash = Sha256::new().chain_update(tag).chain_update(tag);
        hash.chain_update(data).finalize().into()
    }

    const F8: AnyTensorInfo<'_> = AnyTensorInfo {
        path: "w",
        dtype: AnyDType::Draft(DraftDType::F8E4m3),
        dims: &[2, 3],
    };

    #[test]
    fn leaf_and_root_are_hashed_as_the_draft_describes() {
        let data = data_root(&[1, 2, 3, 4, 5, 6]);
        let mut bytes = Vec::new();
        bytes.extend([1, 0, 0, 0, b'w', 7, 0, 0, 0]);
        bytes.extend(b"F8_E4M3");
        bytes.extend(2u32.to_le_bytes());
        bytes.extend([2u64, 3, 6].map(u64::to_le_bytes).as_flattened());
        bytes.extend(data.0);
        let leaf = tagged("tensor", &bytes);
        assert_eq!(F8.leaf(data), Ok(leaf));

        let mut set = AnyTensorSet::new();
        set.insert(&F8, data).unwrap();
        let mut bytes = 1u64.to_le_bytes().to_vec();
        bytes.extend(leaf);
        let root = DraftRoot(tagged("tensors", &bytes));
        assert_eq!(set.root(), ModelRoot::Draft(root));
    }

    #[test]
    fn a_model_of_version_1_has_its_parameter_root_and_a_mixed_one_has_none() {
        let info = TensorInfo {
            path: "a",
            dtype: DType::F32,
            dims: &[1],
        };
        let any = AnyTensorInfo {
            path: "a",
            dtype: AnyDType::V1(DType::F32),
            dims: &[1],
        };
        let mut v1 = TensorSet::new();
        v1.insert(&info, &[0; 4]).unwrap();
        let mut set = AnyTensorSet::new();
        let leaf = set.insert(&any, data_root(&[0; 4])).unwrap();
        assert_eq!(set.root(), ModelRoot::V1(v1.root()));
        assert_eq!(Ok(leaf), leaf_of_root(&info, data_root(&[0; 4])));
        set.insert(&F8, data_root(&[0; 6])).unwrap();
        assert!(matches!(set.root(), ModelRoot::Draft(_)));
        let twice = set.insert(&F8, data_root(&[0; 6]));
        assert_eq!(twice, Err(TensorError::DuplicatePath("w".into())));
    }

    #[test]
    fn the_same_bytes_under_a_tag_of_version_1_are_another_leaf() {
        let data = data_root(&[0; 6]);
        let leaf = crate::hash::Tag::Tensor.hasher();
        let v1 = finish_leaf(leaf, "w", "F8_E4M3", &[2, 3], 6, data);
        assert_ne!(F8.leaf(data), Ok(v1));
    }
}
