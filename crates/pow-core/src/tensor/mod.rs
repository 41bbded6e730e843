//! Commitments to named tensors.
//!
//! A tensor's bytes are the bits of its elements, in little-endian order. So −0
//! and 0 differ, and so do NaNs of different payload. The bytes are divided
//! into chunks of 4 KiB, which are the leaves of a tree. The tensor's own leaf
//! commits to path, dtype, dims, byte length and the root of this tree. The
//! tensors of a model, sorted by the bytes of their paths, are the leaves of
//! another tree. Its root and the number of tensors give the
//! [`ParameterRoot`](crate::hash::ParameterRoot).
//!
//! Nearly all of the time is spent on hashing chunks. The hashing is a
//! [trait](TensorHasher), so an engine that hashes several chunks at once can
//! do it.

mod chunks;
mod dtype;
mod leaf;
mod set;

pub use chunks::{
    CHUNK_BATCH, CHUNK_LEN, DataHasher, TensorHasher, chunk_leaf, data_root, data_root_with,
};
pub use dtype::DType;
pub use leaf::{TensorError, TensorInfo, leaf_of_root, tensor_leaf, tensor_leaf_with};
pub use set::TensorSet;

pub(crate) use chunks::chunk_leaves;
pub(crate) use leaf::finish_leaf;
pub(crate) use set::parameter_root;
