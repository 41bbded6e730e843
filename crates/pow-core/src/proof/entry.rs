//! Proofs about an entry of a block.

use crate::body::{Body, BodyKind, Entry, FixedKind};
use crate::hash::Tag;
use crate::proof::{
    InclusionPath, LeafCount, LeafIndex, ProofDefect, ProofError, ProofPart, ProvedBlock,
    ProvedTensor, TensorProof, TreeHead, inclusion,
};
use alloc::vec::Vec;

/// The claim that a body has an entry. Nothing is checked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProof {
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// Its index in the body, counted from 0.
    pub index: LeafIndex,
    /// The path from the entry to the root over the entries.
    pub inclusion: InclusionPath,
    /// A tensor among its parameters.
    pub tensor: Option<TensorProof>,
}

/// An entry of a proved block.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvedEntry {
    entry: Entry,
    index: LeafIndex,
    tensor: Option<ProvedTensor>,
}

impl EntryProof {
    /// The proof of entry `index` of a steps body, without a tensor. `None` if
    /// there is no such entry.
    pub fn new(body: &Body, index: LeafIndex) -> Option<Self> {
        let BodyKind::Steps(entries) = &body.kind else {
            return None;
        };
        let entry = entries.get(usize::try_from(index.0).ok()?)?;
        Some(EntryProof {
            entry: entry.to_bytes(),
            index,
            inclusion: inclusion(body.entry_leaves(), index)?.path,
            tensor: None,
        })
    }

    pub(super) fn check(&self, block: &ProvedBlock) -> Result<ProvedEntry, ProofError> {
        let fail = |defect| ProofPart::Entry.error(defect);
        // The entries of a genesis body are extensions.
        if *block.fixed().kind() != FixedKind::Steps {
            return Err(fail(ProofDefect::Kind(block.fixed().kind().name())));
        }
        let entry =
            Entry::from_bytes(&self.entry).map_err(|error| fail(ProofDefect::Entry(error)))?;
        let tree = TreeHead {
            count: LeafCount(block.fixed().entry_count().into()),
            root: block.entries(),
        };
        self.inclusion
            .verify(Tag::Entry.hash(&self.entry), self.index, tree)
            .map_err(|error| fail(ProofDefect::Path(error)))?;
        let tensor = match &self.tensor {
            Some(tensor) => Some(tensor.check(entry.parameters)?),
            None => None,
        };
        Ok(ProvedEntry {
            entry,
            index: self.index,
            tensor,
        })
    }
}

impl ProvedEntry {
    /// The entry.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Its index in the body, counted from 0.
    pub fn index(&self) -> LeafIndex {
        self.index
    }

    /// The tensor that was proved to be among its parameters, if any.
    pub fn tensor(&self) -> Option<&ProvedTensor> {
        self.tensor.as_ref()
    }
}
