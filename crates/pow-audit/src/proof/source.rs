//! The tensors of a step, from a checkpoint or the final artifact.

use super::request::ProveError;
use super::search::Nearest;
use pow_core::body::Entry;
use pow_core::chain::VerifiedChain;
use pow_core::proof::{ChunkProof, LeafIndex, TensorProof};
use pow_core::tensor::{CHUNK_LEN, TensorSet};
use pow_ledger::{LedgerError, RunDir, TensorFile};
use std::path::PathBuf;

/// Where the tensors of a step may lie.
pub(super) struct TensorSource<'a> {
    pub(super) run: &'a RunDir,
    pub(super) chain: &'a VerifiedChain,
    pub(super) checkpoints: Nearest,
}

impl TensorSource<'_> {
    /// The proof that the entry's parameters have a tensor, or a chunk of it,
    /// and the bytes of what is proved.
    pub(super) fn prove(
        &self,
        entry: &Entry,
        path: &str,
        chunk: Option<LeafIndex>,
    ) -> Result<(TensorProof, Vec<u8>), ProveError> {
        let file_path = self.file(entry)?;
        let mut set = TensorSet::new();
        let mut kept = None;
        TensorFile::open(&file_path)?.visit(|tensor, bytes| {
            set.insert(&tensor.info(), &bytes)?;
            if tensor.info().path == path {
                kept = Some((tensor.clone(), bytes));
            }
            Ok(())
        })?;
        let found = set.root();
        if found != entry.parameters {
            return Err(ProveError::OtherTensors {
                file: file_path,
                step: entry.step,
                found,
                expected: entry.parameters,
            });
        }
        let none = || ProveError::NoTensor {
            file: file_path.clone(),
            tensor: path.to_owned(),
        };
        let (tensor, bytes) = kept.ok_or_else(none)?;
        // Only now are all leaves there.
        let proof = TensorProof::new(&set, &tensor.info(), &bytes);
        let proof = proof.map_err(|error| LedgerError::Tensors {
            path: file_path.clone(),
            reason: error.to_string(),
        })?;
        let mut proof = proof.ok_or_else(none)?;
        let Some(index) = chunk else {
            return Ok((proof, bytes));
        };
        let piece = usize::try_from(index.0)
            .ok()
            .and_then(|index| bytes.chunks(CHUNK_LEN).nth(index));
        match (ChunkProof::new(&bytes, index), piece) {
            (Some(chunk), Some(piece)) => {
                proof.chunk = Some(chunk);
                Ok((proof, piece.to_vec()))
            }
            _ => Err(ProveError::NoChunk {
                tensor: path.to_owned(),
                count: bytes.chunks(CHUNK_LEN).len() as u64,
                index,
            }),
        }
    }

    /// The file that holds the parameters of an entry.
    fn file(&self, entry: &Entry) -> Result<PathBuf, ProveError> {
        let checkpoint = entry.state_root().map(|root| self.run.checkpoint(root));
        if let Some(files) = &checkpoint
            && files.dir().exists()
        {
            return Ok(files.model());
        }
        // The artifact is that of the last step, and written before the end.
        let last = self.chain.last_entry().map(|last| last.step);
        if last == Some(entry.step) && self.run.artifact().exists() {
            return Ok(self.run.artifact());
        }
        let reason = match &checkpoint {
            Some(files) => format!("its checkpoint, {}, was removed", files.dir().display()),
            None => format!("it has no checkpoint{}", self.checkpoints.in_words()),
        };
        Err(ProveError::NoTensors {
            step: entry.step,
            reason,
        })
    }
}

impl Nearest {
    fn in_words(self) -> String {
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
