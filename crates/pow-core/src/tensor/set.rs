//! The tensors of a model.

use crate::hash::{ParameterRoot, PlainSha2, Tag, TreeRoot};
use crate::merkle;
use crate::tensor::{TensorError, TensorHasher, TensorInfo, tensor_leaf_with};
use alloc::collections::BTreeMap;
use alloc::string::String;

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
