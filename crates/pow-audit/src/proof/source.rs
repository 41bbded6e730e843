//! The tensors of a step, from a checkpoint or from the final artifact.

use super::request::ProveError;
use super::search::NearestCheckpoints;
use crate::source::RunSource;
use crate::tensors::open_tensors;
use pow_core::body::Entry;
use pow_core::chain::VerifiedChain;
use pow_core::hash::PlainSha2;
use pow_core::proof::{ChunkProof, InclusionBuilder, LeafIndex, TensorProof};
use pow_core::tensor::{CHUNK_LEN, DataHasher, TensorSet, chunk_leaf, leaf_of_root};
use pow_ledger::{CheckpointPart, LedgerError, RunFile, TensorBytes};
use std::io::{ErrorKind, Write};

/// The places where the tensors of a step can be.
pub(super) struct TensorSource<'a> {
    pub(super) run: &'a dyn RunSource,
    pub(super) chain: &'a VerifiedChain,
    pub(super) checkpoints: NearestCheckpoints,
}

/// The tensor that a proof is about.
pub(super) struct Wanted<'a> {
    pub(super) path: &'a str,
    /// One chunk of it. Absent means the whole tensor.
    pub(super) chunk: Option<LeafIndex>,
}

impl TensorSource<'_> {
    /// Proves that the entry's parameters have a tensor, or a chunk of it. Writes the bytes
    /// of the tensor or chunk to `value`; they are those of the proof only if there is no
    /// error. The tensors are read once, in pieces.
    pub(super) fn prove(
        &self,
        entry: &Entry,
        wanted: &Wanted<'_>,
        value: &mut dyn Write,
    ) -> Result<TensorProof, ProveError> {
        let file = self.file(entry)?;
        let path = self.run.path(file);
        let malformed = |error: pow_core::tensor::TensorError| {
            ProveError::Tensors(LedgerError::Tensors {
                path: path.clone(),
                reason: error.to_string(),
            })
        };
        let (mut set, mut kept) = (TensorSet::new(), None);
        let tensors = match open_tensors(self.run, file) {
            Err(LedgerError::Io { source, .. })
                if source.kind() == ErrorKind::NotFound && file == RunFile::Artifact =>
            {
                return Err(self.nowhere(entry));
            }
            opened => opened?,
        };
        tensors.stream(|tensor, bytes| {
            let info = tensor.info();
            let root = if info.path == wanted.path {
                let read = ReadTensor::read(bytes, wanted.chunk, value)?;
                let root = read.root;
                kept = Some((tensor.clone(), read));
                root
            } else {
                bytes.data_root(&PlainSha2)?
            };
            let leaf = leaf_of_root(&info, root).map_err(malformed)?;
            set.insert_leaf(info.path, leaf).map_err(malformed)
        })?;
        let found = set.root();
        if found != entry.parameters {
            return Err(ProveError::OtherTensors {
                file: path,
                step: entry.step,
                found,
                expected: entry.parameters,
            });
        }
        // The proof needs the leaves of all tensors, which are complete only now.
        let proof = kept.and_then(|(tensor, read)| {
            Some((TensorProof::of_root(&set, &tensor.info(), read.root)?, read))
        });
        let Some((mut proof, read)) = proof else {
            return Err(ProveError::NoTensor {
                file: path,
                tensor: wanted.path.to_owned(),
            });
        };
        proof.chunk = read.chunk;
        match (wanted.chunk, &proof.chunk) {
            (Some(index), None) => Err(ProveError::NoChunk {
                tensor: wanted.path.to_owned(),
                count: read.chunks,
                index,
            }),
            _ => Ok(proof),
        }
    }

    /// The file that holds the parameters of an entry.
    fn file(&self, entry: &Entry) -> Result<RunFile, ProveError> {
        let there = self.run.checkpoints()?.unwrap_or_default();
        match entry.state_root() {
            Some(root) if there.contains(&root) => {
                return Ok(RunFile::Checkpoint(root, CheckpointPart::Model));
            }
            _ => {}
        }
        // The artifact holds the last step's tensors. It is written before the final block.
        let last = self.chain.last_entry().map(|last| last.step);
        if last == Some(entry.step) {
            return Ok(RunFile::Artifact);
        }
        Err(self.nowhere(entry))
    }

    /// No file holds the parameters of an entry.
    fn nowhere(&self, entry: &Entry) -> ProveError {
        let reason = match entry.state_root() {
            Some(root) => {
                let model = RunFile::Checkpoint(root, CheckpointPart::Model);
                let file = self.run.path(model);
                let dir = file.parent().unwrap_or(&file);
                format!("its checkpoint {} was removed", dir.display())
            }
            None => format!("it has no checkpoint{}", self.checkpoints.hint()),
        };
        ProveError::NoTensors {
            step: entry.step,
            reason,
        }
    }
}

/// What is kept of the wanted tensor, once its bytes have gone by.
struct ReadTensor {
    root: pow_core::hash::TreeRoot,
    chunks: u64,
    chunk: Option<ChunkProof>,
}

impl ReadTensor {
    fn read(
        bytes: &mut TensorBytes<'_>,
        wanted: Option<LeafIndex>,
        value: &mut dyn Write,
    ) -> Result<Self, ProveError> {
        let mut data = DataHasher::new(&PlainSha2);
        let mut tree = InclusionBuilder::new();
        let (mut chunks, mut chosen) = (0, None);
        while let Some(piece) = bytes.next_piece()? {
            data.update(piece);
            let Some(wanted) = wanted else {
                value.write_all(piece).map_err(ProveError::Value)?;
                continue;
            };
            for chunk in piece.chunks(CHUNK_LEN) {
                let leaf = chunk_leaf(chunk);
                if wanted.0 == chunks {
                    tree.push_chosen(leaf);
                    chosen = Some(leaf);
                    value.write_all(chunk).map_err(ProveError::Value)?;
                } else {
                    tree.push(leaf);
                }
                chunks += 1;
            }
        }
        let chunk = chosen.zip(tree.finish()).map(|(leaf, place)| ChunkProof {
            index: place.index,
            leaf,
            inclusion: place.path,
        });
        Ok(ReadTensor {
            root: data.finish(),
            chunks,
            chunk,
        })
    }
}

impl NearestCheckpoints {
    fn hint(self) -> String {
        match (self.before, self.after) {
            (Some(before), Some(after)) => {
                format!("; the nearest are those of steps {before} and {after}")
            }
            (Some(one), None) | (None, Some(one)) => {
                format!("; the nearest is that of step {one}")
            }
            (None, None) => String::new(),
        }
    }
}
