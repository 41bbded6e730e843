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

mod chunks;
mod dtype;
mod leaf;
mod set;

pub use chunks::{CHUNK_BATCH, CHUNK_LEN, TensorHasher, chunk_leaf, data_root, data_root_with};
pub use dtype::DType;
pub use leaf::{TensorError, TensorInfo, leaf_of_root, tensor_leaf, tensor_leaf_with};
pub use set::TensorSet;

pub(crate) use chunks::chunk_leaves;
pub(crate) use set::parameter_root;
