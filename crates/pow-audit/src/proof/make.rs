//! Making a proof from a run.

use super::request::{ProofRequest, ProofSubject, ProveError};
use super::search::Search;
use super::source::TensorSource;
use crate::walk::{WalkProgress, walk};
use pow_core::proof::Proof;
use pow_ledger::RunDir;

/// A proof and what it is about.
#[derive(Clone, Debug)]
pub struct MadeProof {
    /// The proof.
    pub proof: Proof,
    /// The bytes of the tensor or chunk, if it is about one.
    pub value: Option<Vec<u8>>,
}

/// Verifies the run's chain and makes a proof. `progress` is called after every
/// block.
///
/// # Errors
///
/// [`ProveError`] if the chain does not hold or lacks what is asked for.
pub fn prove(
    run: &RunDir,
    request: &ProofRequest,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<MadeProof, ProveError> {
    let mut search = Search::new(request);
    let end = walk(run, None, &mut |row, at| {
        search.block(row);
        progress(at);
    })
    .map_err(ProveError::Run)?;
    let failure = end.failure();
    let chain = match (end.chain, failure) {
        (Some(chain), None) => chain,
        (_, failure) => return Err(ProveError::Chain(failure.unwrap_or_default())),
    };
    let (head, checkpoints) = (search.head_hash, search.checkpoints);
    let mut proof = search.finish(&chain)?;
    let proved = proof.verify(head).map_err(ProveError::Own)?;
    let value = match (&request.subject, &mut proof.entry, proved.entry()) {
        (ProofSubject::Tensor { path, chunk, .. }, Some(entry), Some(committed)) => {
            let source = TensorSource {
                run,
                chain: &chain,
                checkpoints,
            };
            let (tensor, value) = source.prove(committed.entry(), path, *chunk)?;
            entry.tensor = Some(tensor);
            Some(value)
        }
        _ => None,
    };
    proof.verify(head).map_err(ProveError::Own)?;
    Ok(MadeProof { proof, value })
}
