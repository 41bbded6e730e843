//! The tensors of a model.

use crate::hash::{ParameterRoot, PlainSha2, Tag, TreeRoot};
use crate::merkle;
use crate::tensor::{TensorError, TensorHasher, TensorInfo, tensor_leaf_with};
use alloc::collections::BTreeMap;
use alloc::string::String;

/// Computes the root of a model from its tensors, which may come in any order.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// [`TensorError`] if the data have another length than the shape needs, or
    /// if the set already has this path.
    pub fn insert(&mut self, info: &TensorInfo<'_>, data: &[u8]) -> Result<(), TensorError> {
        self.insert_with(info, data, &PlainSha2)
    }

    /// Like [`insert`](Self::insert); `hasher` hashes the chunks.
    ///
    /// # Errors
    ///
    /// [`TensorError`] if the data have another length than the shape needs, or
    /// if the set already has this path.
    pub fn insert_with(
        &mut self,
        info: &TensorInfo<'_>,
        data: &[u8],
        hasher: &(impl TensorHasher + ?Sized),
    ) -> Result<(), TensorError> {
        let leaf = tensor_leaf_with(info, data, hasher)?;
        self.insert_leaf(info.path, leaf)
    }

    /// Adds a tensor, given its path and its
    /// [`tensor_leaf`](super::tensor_leaf).
    ///
    /// # Errors
    ///
    /// [`TensorError::DuplicatePath`] if the set already has this path.
    pub fn insert_leaf(&mut self, path: &str, leaf: [u8; 32]) -> Result<(), TensorError> {
        match self.0.insert(path.into(), leaf) {
            None => Ok(()),
            Some(_) => Err(TensorError::DuplicatePath(path.into())),
        }
    }

    /// The root, from the number of tensors and the tree over them. They are
    /// sorted by the bytes of their paths.
    pub fn root(&self) -> ParameterRoot {
        let (count, tree) = self.tree();
        parameter_root(count, tree)
    }

    /// The number of tensors, and the root of the tree over them.
    pub(crate) fn tree(&self) -> (u64, TreeRoot) {
        // A BTreeMap with String keys iterates in byte order.
        let tree = merkle::root(self.0.values().copied());
        (self.0.len() as u64, tree)
    }

    /// Paths and [`tensor_leaf`](super::tensor_leaf)s, sorted by the bytes of the paths.
    /// This is the order of the tree.
    pub fn leaves(&self) -> impl Iterator<Item = (&str, [u8; 32])> {
        self.0.iter().map(|(path, leaf)| (path.as_str(), *leaf))
    }
}

/// The parameter root of this number of tensors, given the root over their
/// leaves.
pub(crate) fn parameter_root(count: u64, tree: TreeRoot) -> ParameterRoot {
    ParameterRoot(
        Tag::Tensors
            .hasher()
            .chain(&count.to_le_bytes())
            .chain(&tree.0)
            .finish(),
    )
}
