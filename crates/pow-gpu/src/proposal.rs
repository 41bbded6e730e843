//! What the kernel is told about a job, and what its proposals are worth.

use crate::kernel::Failure;
use pow_core::header::{Header, Nonce};
use pow_core::search::{Hit, Job};
use pow_kernels::SearchParams;
use pow_kernels::sha256::INITIAL;
use sha2::block_api::compress256;

/// The kernel's parameters, but for the nonces.
pub fn params(job: &Job) -> SearchParams {
    let header = job.header_bytes(Nonce(0));
    let mut first = [0; 64];
    first.copy_from_slice(&header[..64]);
    let mut midstate = INITIAL;
    compress256(&mut midstate, &[first]);
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let tail = [word(64), word(68), word(72)];
    SearchParams::new(midstate, tail, job.target().top_u32())
}

/// After how many nonces to expect a candidate.
pub fn expected_nonces(job: &Job) -> u64 {
    (1 << 32) / (u64::from(job.target().top_u32()) + 1)
}

/// Rehashes the candidates; hits in search order, each with its offset in the
/// dispatch.
pub fn confirm(
    job: &Job,
    params: &SearchParams,
    nonces: Vec<u32>,
) -> Result<Vec<(u32, Hit)>, Failure> {
    let mut hits = Vec::new();
    for nonce in nonces {
        let offset = nonce.wrapping_sub(params.start);
        let nonce = Nonce(nonce);
        match job.check(nonce) {
            Some(hit) if offset < params.count => hits.push((offset, hit)),
            None if offset < params.count && has_target_top(job, nonce) => {}
            _ => return Err(Failure::FalseHit(nonce)),
        }
    }
    hits.sort_unstable_by_key(|(offset, _)| *offset);
    hits.dedup_by_key(|(offset, _)| *offset);
    Ok(hits)
}

/// Whether the hash's top word equals the target's, so that the kernel was
/// right to leave the decision to the host.
fn has_target_top(job: &Job, nonce: Nonce) -> bool {
    let hash = Header {
        nonce,
        ..*job.header()
    }
    .hash();
    hash.0[28..] == job.target().to_le_bytes()[28..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use pow_core::search::NonceRange;
    use pow_core::target::Target;

    #[test]
    fn an_equal_top_word_is_no_false_hit() {
        let exact = Header {
            nonce: Nonce(3),
            ..Header::from_bytes(&[9; 80])
        };
        let mut below = exact.hash().0;
        below[0] = below[0].wrapping_sub(1);
        let target = Target::from_le_bytes(below);
        assert!(!target.is_met_by(exact.hash()));
        let range = NonceRange::new(Nonce(0), 10).expect("a valid length");
        let job = Job::new(exact, target, range);
        let params = SearchParams {
            count: 10,
            ..params(&job)
        };
        assert_eq!(confirm(&job, &params, vec![3]), Ok(vec![]));
    }
}
