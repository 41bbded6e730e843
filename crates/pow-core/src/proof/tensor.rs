//! Proofs about a tensor under a parameter root, and about a chunk of a tensor.

use crate::hash::{ParameterRoot, TreeRoot};
use crate::proof::{
    InclusionPath, LeafCount, LeafIndex, PathError, ProofDefect, ProofError, ProofPart, TreeHead,
    ValueError, inclusion,
};
use crate::tensor::{
    CHUNK_LEN, DType, TensorError, TensorInfo, TensorSet, chunk_leaf, chunk_leaves, data_root,
    leaf_of_root, parameter_root,
};
use alloc::string::String;
use alloc::vec::Vec;

/// The claim that a parameter root commits to a tensor. Nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorProof {
    /// The tensor's path within the model.
    pub path: String,
    /// Element type.
    pub dtype: DType,
    /// Dimensions.
    pub dims: Vec<u64>,
    /// Root over its chunks.
    pub data: TreeRoot,
    /// Its index among the tensors, counted from 0.
    pub index: LeafIndex,
    /// The number of tensors.
    pub count: LeafCount,
    /// The path from the tensor's leaf to the root over all tensors.
    pub inclusion: InclusionPath,
    /// A chunk of it.
    pub chunk: Option<ChunkProof>,
}

/// The claim that a tensor has a chunk. Nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkProof {
    /// The chunk's index in the tensor, counted from 0.
    pub index: LeafIndex,
    /// Its hash ([`chunk_leaf`]).
    pub leaf: [u8; 32],
    /// The path from the chunk to the tensor's data root.
    pub inclusion: InclusionPath,
}

/// A tensor under a proved entry's parameter root.
///
/// The maker of a root can put two tensors with the same path under it. The
/// proof does not show that this tensor is the only one with its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvedTensor {
    path: String,
    dtype: DType,
    dims: Vec<u64>,
    byte_len: u64,
    data: TreeRoot,
    chunk: Option<ProvedChunk>,
}

/// A chunk of a proved tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProvedChunk {
    index: LeafIndex,
    len: u64,
    leaf: [u8; 32],
}

impl TensorProof {
    /// The proof that `set` has the tensor with this info and these bytes,
    /// without a chunk. `None` if the set has no tensor with this path.
    ///
    /// # Errors
    ///
    /// [`TensorError::Length`] if `bytes` has another length than the shape
    /// needs.
    pub fn new(
        set: &TensorSet,
        info: &TensorInfo<'_>,
        bytes: &[u8],
    ) -> Result<Option<Self>, TensorError> {
        info.check_len(bytes)?;
        Ok(Self::of_root(set, info, data_root(bytes)))
    }

    /// The same, given the root over the tensor's chunks. It is not checked that
    /// the set has the tensor with that root.
    pub fn of_root(set: &TensorSet, info: &TensorInfo<'_>, data: TreeRoot) -> Option<Self> {
        let index = set.leaves().position(|(path, _)| path == info.path)?;
        let leaves = set.leaves().map(|(_, leaf)| leaf);
        inclusion(leaves, LeafIndex(index as u64)).map(|place| TensorProof {
            path: info.path.into(),
            dtype: info.dtype,
            dims: info.dims.into(),
            data,
            index: place.index,
            count: place.tree.count,
            inclusion: place.path,
            chunk: None,
        })
    }

    pub(super) fn check(&self, parameters: ParameterRoot) -> Result<ProvedTensor, ProofError> {
        let fail = |defect| ProofPart::Tensor.error(defect);
        let info = TensorInfo {
            path: &self.path,
            dtype: self.dtype,
            dims: &self.dims,
        };
        let leaf =
            leaf_of_root(&info, self.data).map_err(|error| fail(ProofDefect::Tensor(error)))?;
        let byte_len = info.byte_len().unwrap_or(u64::MAX);
        // The parameter root itself commits to the count.
        let root = self
            .inclusion
            .root(leaf, self.index, self.count)
            .map_err(|error| fail(ProofDefect::Path(error)))?;
        let found = parameter_root(self.count.0, root);
        if found != parameters {
            return Err(fail(ProofDefect::Parameters {
                found,
                expected: parameters,
            }));
        }
        let chunk = match &self.chunk {
            Some(chunk) => Some(
                chunk
                    .check(self.data, byte_len)
                    .map_err(|error| ProofPart::Chunk.error(ProofDefect::Path(error)))?,
            ),
            None => None,
        };
        Ok(ProvedTensor {
            path: self.path.clone(),
            dtype: self.dtype,
            dims: self.dims.clone(),
            byte_len,
            data: self.data,
            chunk,
        })
    }
}

impl ChunkProof {
    /// The proof that a tensor of these bytes has chunk `index`. `None` if
    /// there is no such chunk.
    pub fn new(bytes: &[u8], index: LeafIndex) -> Option<Self> {
        let leaf = chunk_leaves(bytes).nth(usize::try_from(index.0).ok()?)?;
        Some(ChunkProof {
            index,
            leaf,
            inclusion: inclusion(chunk_leaves(bytes), index)?.path,
        })
    }

    fn check(&self, data: TreeRoot, byte_len: u64) -> Result<ProvedChunk, PathError> {
        let tree = TreeHead {
            count: LeafCount(byte_len.div_ceil(CHUNK_LEN as u64)),
            root: data,
        };
        self.inclusion.verify(self.leaf, self.index, tree)?;
        // The path holds, so the chunk starts before the tensor's end.
        let before = self.index.0.saturating_mul(CHUNK_LEN as u64);
        Ok(ProvedChunk {
            index: self.index,
            len: byte_len.saturating_sub(before).min(CHUNK_LEN as u64),
            leaf: self.leaf,
        })
    }
}

impl ProvedTensor {
    /// The tensor's path within the model.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Dimensions.
    pub fn dims(&self) -> &[u64] {
        &self.dims
    }

    /// Length in bytes.
    pub fn byte_len(&self) -> u64 {
        self.byte_len
    }

    /// Root over its chunks.
    pub fn data(&self) -> TreeRoot {
        self.data
    }

    /// The chunk that was proved to be part of it, if any.
    pub fn chunk(&self) -> Option<&ProvedChunk> {
        self.chunk.as_ref()
    }

    /// Checks that these are the tensor's bytes.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if they are not.
    pub fn check_value(&self, bytes: &[u8]) -> Result<(), ValueError> {
        check_len(bytes, self.byte_len)?;
        if data_root(bytes) == self.data {
            Ok(())
        } else {
            Err(ValueError::Bytes)
        }
    }
}

impl ProvedChunk {
    /// Its index in the tensor, in chunks counted from 0.
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// Offset of its first byte in the tensor.
    pub fn offset(&self) -> u64 {
        self.index.0.saturating_mul(CHUNK_LEN as u64)
    }

    /// Length in bytes: [`CHUNK_LEN`], or less for the last chunk.
    pub fn byte_len(&self) -> u64 {
        self.len
    }

    /// Its hash.
    pub fn leaf(&self) -> &[u8; 32] {
        &self.leaf
    }

    /// Checks that these are the chunk's bytes.
    ///
    /// # Errors
    ///
    /// [`ValueError`] if they are not.
    pub fn check_value(&self, bytes: &[u8]) -> Result<(), ValueError> {
        check_len(bytes, self.len)?;
        if chunk_leaf(bytes) == self.leaf {
            Ok(())
        } else {
            Err(ValueError::Bytes)
        }
    }
}

fn check_len(bytes: &[u8], expected: u64) -> Result<(), ValueError> {
    let found = bytes.len() as u64;
    if found == expected {
        Ok(())
    } else {
        Err(ValueError::Length { found, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proof_is_made_of_bytes_that_do_not_fit_the_shape() {
        let info = TensorInfo {
            path: "w",
            dtype: DType::U8,
            dims: &[4],
        };
        let mut set = TensorSet::new();
        set.insert(&info, &[1, 2, 3, 4]).unwrap();
        let error = TensorProof::new(&set, &info, &[1, 2, 3]).unwrap_err();
        let expected = TensorError::Length {
            path: "w".into(),
            expected: 4,
            found: 3,
        };
        assert_eq!(error, expected);
        assert!(
            TensorProof::new(&set, &info, &[1, 2, 3, 4])
                .unwrap()
                .is_some()
        );
    }
}
