//! A search, dispatch by dispatch, over anything that runs the kernel.

use crate::pace::Pace;
use pow_core::header::{Header, Nonce};
use pow_core::search::{CancelToken, Found, Hit, HitLimit, Job};
use pow_kernels::SearchParams;
use pow_kernels::sha256::INITIAL;
use sha2::block_api::compress256;
use std::time::Instant;

/// Runs the search kernel.
pub trait Kernel {
    /// How many candidates one dispatch can list.
    fn capacity(&self) -> u32;

    /// Tries `params.count` nonces; sets `params.per_invocation` itself. Fails
    /// with the driver's words.
    fn run(&mut self, params: &SearchParams) -> Result<Candidates, String>;
}

/// What a dispatch found.
pub struct Candidates {
    /// How many there are.
    pub found: u32,
    /// Those that fit the list, in no order.
    pub nonces: Vec<u32>,
}

/// Why a search failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The device failed; what its driver says.
    Device(String),
    /// The device proposed a nonce that does not hold.
    FalseHit(Nonce),
}

/// Searches `job` as [`pow_core::search::Engine::search`] says.
pub fn search(
    kernel: &mut impl Kernel,
    pace: &mut Pace,
    job: &Job,
    limit: HitLimit,
    cancel: &CancelToken,
) -> Result<Found, Failure> {
    let mut params = params(job);
    let mut most = listable(job, kernel.capacity());
    let mut found = Found {
        hits: Vec::new(),
        scanned: 0,
        hashes: 0,
    };
    while found.scanned < job.range().len() && !cancel.is_cancelled() {
        let wanted = match limit {
            HitLimit::All => pace.full(),
            HitLimit::First => pace.first(expected_nonces(job)),
        };
        let left = job.range().len() - found.scanned;
        params.count = u64::from(wanted.clamp(1, most)).min(left) as u32;
        params.start = job.range().nonce(found.scanned).0;

        let began = Instant::now();
        let candidates = kernel.run(&params).map_err(Failure::Device)?;
        pace.took(params.count, began.elapsed());
        found.hashes += u64::from(params.count);

        if candidates.nonces.len() < candidates.found as usize {
            // Some candidates did not fit: go over the same nonces in parts.
            most = halved(params.count, kernel.capacity())?;
            continue;
        }
        let hits = confirm(job, &params, candidates.nonces)?;
        if let (HitLimit::First, Some((offset, hit))) = (limit, hits.first()) {
            found.hits.push(*hit);
            found.scanned += u64::from(*offset) + 1;
            break;
        }
        found.hits.extend(hits.into_iter().map(|(_, hit)| hit));
        found.scanned += u64::from(params.count);
    }
    Ok(found)
}

/// The kernel's parameters, but for the nonces.
fn params(job: &Job) -> SearchParams {
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
fn expected_nonces(job: &Job) -> u64 {
    (1 << 32) / (u64::from(job.target().top_u32()) + 1)
}

/// The largest dispatch whose candidates fill half the list on average.
fn listable(job: &Job, capacity: u32) -> u32 {
    let nonces = expected_nonces(job) * u64::from(capacity / 2).max(1);
    u32::try_from(nonces).unwrap_or(u32::MAX)
}

fn halved(count: u32, capacity: u32) -> Result<u32, Failure> {
    if count <= capacity {
        let message = format!("listed more than {count} candidates among {count} nonces");
        return Err(Failure::Device(message));
    }
    Ok(count / 2)
}

/// Rehashes the candidates; hits in search order, each with its offset in the
/// dispatch.
fn confirm(job: &Job, params: &SearchParams, nonces: Vec<u32>) -> Result<Vec<(u32, Hit)>, Failure> {
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
mod tests;
