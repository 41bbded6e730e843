//! Makes a proof from a run.

use super::request::{ProofRequest, ProofSubject, ProveError};
use super::search::Search;
use super::source::{TensorSource, Wanted};
use crate::source::RunSource;
use crate::walk::{WalkProgress, walk};
use pow_core::proof::Proof;
use std::io::Write;

/// A proof, and the bytes that it is about.
#[derive(Clone, Debug)]
pub struct MadeProof {
    /// The proof.
    pub proof: Proof,
    /// The bytes of the tensor or chunk. Absent if the proof is not about one.
    pub value: Option<Vec<u8>>,
}

/// Verifies the run's chain and makes a proof. Calls `progress` after every block.
///
/// # Errors
///
/// [`ProveError`] if the chain does not hold, or does not have what is asked for.
pub fn prove(
    run: &dyn RunSource,
    request: &ProofRequest,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<MadeProof, ProveError> {
    let mut value = Vec::new();
    let proof = prove_to(run, request, &mut value, progress)?;
    let has_value = matches!(request.subject, ProofSubject::Tensor { .. });
    Ok(MadeProof {
        proof,
        value: has_value.then_some(value),
    })
}

/// Like [`prove`], but the bytes that the proof is about are written to `value`, piece by
/// piece: a tensor of any size takes constant memory. If there is an error, what was
/// written is worth nothing.
///
/// # Errors
///
/// As [`prove`], and [`ProveError::Value`] if `value` cannot be written.
pub fn prove_to(
    run: &dyn RunSource,
    request: &ProofRequest,
    value: &mut dyn Write,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<Proof, ProveError> {
    let mut search = Search::new(request);
    let end = walk(run, None, &mut |walked, at| {
        search.block(walked);
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
    if let (ProofSubject::Tensor { path, chunk, .. }, Some(entry), Some(committed)) =
        (&request.subject, &mut proof.entry, proved.entry())
    {
        let source = TensorSource {
            run,
            chain: &chain,
            checkpoints,
        };
        let wanted = Wanted {
            path,
            chunk: *chunk,
        };
        entry.tensor = Some(source.prove(committed.entry(), &wanted, value)?);
    }
    proof.verify(head).map_err(ProveError::Own)?;
    Ok(proof)
}

/// Proofs of several subjects, none of which is a tensor, by one walk.
///
/// # Errors
///
/// As [`prove`].
pub(crate) fn prove_all(
    run: &dyn RunSource,
    requests: &[ProofRequest],
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<Vec<Proof>, ProveError> {
    let mut searches: Vec<Search<'_>> = requests.iter().map(Search::new).collect();
    let end = walk(run, None, &mut |walked, at| {
        for search in &mut searches {
            search.block(walked);
        }
        progress(at);
    })
    .map_err(ProveError::Run)?;
    let failure = end.failure();
    let chain = match (end.chain, failure) {
        (Some(chain), None) => chain,
        (_, failure) => return Err(ProveError::Chain(failure.unwrap_or_default())),
    };
    let prove = |search: Search<'_>| {
        let head = search.head_hash;
        let proof = search.finish(&chain)?;
        proof.verify(head).map_err(ProveError::Own)?;
        Ok(proof)
    };
    searches.into_iter().map(prove).collect()
}
