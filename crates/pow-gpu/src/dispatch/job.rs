//! The kernel's parameters for a job, and the check of its candidates.

use crate::kernel::Failure;
use pow_core::header::Nonce;
use pow_core::search::{Hit, Job};
use pow_kernels::SearchParams;

/// The kernel's parameters, without the nonces.
pub fn params(job: &Job) -> SearchParams {
    SearchParams::new(job.midstate(), job.tail(), job.target().top_u32())
}

/// The expected number of nonces for one candidate.
pub fn expected_nonces(job: &Job) -> u64 {
    (1 << 32) / (u64::from(job.target().top_u32()) + 1)
}

/// Checks the candidates of a dispatch. Returns the hits in search order, each
/// with its offset in the dispatch.
pub fn confirm(
    job: &Job,
    params: &SearchParams,
    nonces: Vec<u32>,
) -> Result<Vec<(u32, Hit)>, Failure> {
    let mut hits = Vec::new();
    for nonce in nonces {
        let offset = nonce.wrapping_sub(params.start);
        let nonce = Nonce(nonce);
        if offset >= params.count {
            return Err(Failure::FalseHit(nonce));
        }
        let hit = job.check_proposal(nonce).map_err(Failure::FalseHit)?;
        hits.extend(hit.map(|hit| (offset, hit)));
    }
    hits.sort_unstable_by_key(|(offset, _)| *offset);
    hits.dedup_by_key(|(offset, _)| *offset);
    Ok(hits)
}
