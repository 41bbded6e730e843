//! A search that several threads share, divided into batches.

use crate::job::PreparedJob;
use crate::kernel::Kernel;
use pow_core::header::Nonce;
use pow_core::search::{CancelToken, Found, Hit, HitLimit, Job};
use std::sync::atomic::{AtomicU64, Ordering};

/// Nonces in a batch: about 50 µs of work. So a search stops soon, and the
/// counter that all threads share costs little. A multiple of every kernel's
/// number of lanes.
const BATCH: u64 = 1536;

/// The fewest nonces in a call of a kernel. Also a multiple of every kernel's
/// number of lanes.
const CHUNK: u64 = 48;

/// A search in progress, shared by its threads.
pub struct SharedSearch {
    job: Job,
    prepared: PreparedJob,
    kernel: Kernel,
    limit: HitLimit,
    cancel: CancelToken,
    /// Nonces in a call of the kernel.
    chunk: u64,
    /// The first batch that nobody has taken yet.
    next: AtomicU64,
    /// Batches from here on need not be searched.
    end: AtomicU64,
}

/// The result of one thread.
#[derive(Debug, Default)]
pub struct ThreadResult {
    /// The hits, with their positions in the range.
    hits: Vec<(u64, Hit)>,
    hashes: u64,
    /// A nonce that the kernel should not have proposed.
    false_hit: Option<Nonce>,
    /// A buffer for the kernel's proposals.
    candidates: Vec<u32>,
}

impl ThreadResult {
    /// Adds the result of another thread.
    pub fn merge(&mut self, other: ThreadResult) {
        self.hits.extend(other.hits);
        self.hashes += other.hashes;
        self.false_hit = self.false_hit.or(other.false_hit);
    }
}

impl SharedSearch {
    pub fn new(kernel: Kernel, job: Job, limit: HitLimit, cancel: CancelToken) -> Self {
        let prepared = PreparedJob::new(&job);
        let chunk = match limit {
            HitLimit::All => BATCH,
            // Work far after the first hit would be useless.
            HitLimit::First | HitLimit::Any => ((1 << 32) / (u64::from(prepared.top) + 1))
                .next_multiple_of(CHUNK)
                .min(BATCH),
        };
        SharedSearch {
            next: AtomicU64::new(0),
            end: AtomicU64::new(job.range().len().div_ceil(BATCH)),
            prepared,
            kernel,
            job,
            limit,
            cancel,
            chunk,
        }
    }

    /// Searches one batch after another, until nothing is left to search.
    pub fn work(&self, result: &mut ThreadResult) {
        while !self.is_finished() {
            self.work_one(result);
        }
    }

    /// Whether the remaining batches need not be searched.
    pub fn is_finished(&self) -> bool {
        self.cancel.is_cancelled()
            || self.next.load(Ordering::Relaxed) >= self.end.load(Ordering::Relaxed)
    }

    /// Takes the next batch, if there is one, and searches it to its end. If
    /// only the first hit is wanted, it stops at the first hit.
    pub fn work_one(&self, result: &mut ThreadResult) {
        if self.is_finished() {
            return;
        }
        let batch = self.next.fetch_add(1, Ordering::Relaxed);
        if batch >= self.end.load(Ordering::Relaxed) {
            return;
        }
        let end = ((batch + 1) * BATCH).min(self.job.range().len());
        let mut position = batch * BATCH;
        while position < end {
            let count = self.chunk.min(end - position);
            if self.search(position, count as u32, result) && self.limit.is_one() {
                // All batches before this one have been taken.
                self.end.fetch_min(batch + 1, Ordering::Relaxed);
                return;
            }
            position += count;
        }
    }

    /// Searches `count` nonces. Returns whether there was a hit.
    fn search(&self, position: u64, count: u32, result: &mut ThreadResult) -> bool {
        let mut candidates = std::mem::take(&mut result.candidates);
        let start = self.job.range().nonce(position);
        (self.kernel).search(&self.prepared, start, count, &mut candidates);
        result.hashes += u64::from(count);
        let before = result.hits.len();
        for offset in candidates.drain(..) {
            let position = position + u64::from(offset);
            let nonce = self.job.range().nonce(position);
            match self.job.check_proposal(nonce) {
                Ok(hit) => result.hits.extend(hit.map(|hit| (position, hit))),
                Err(nonce) => result.false_hit = Some(nonce),
            }
        }
        result.candidates = candidates;
        result.hits.len() > before
    }

    /// The result of the search, from the results of all threads. Fails with
    /// the nonce of a false hit.
    pub fn found(&self, result: ThreadResult) -> Result<Found, Nonce> {
        if let Some(nonce) = result.false_hit {
            return Err(nonce);
        }
        let mut hits = result.hits;
        hits.sort_unstable_by_key(|(position, _)| *position);
        let taken = self.next.load(Ordering::Relaxed) * BATCH;
        let mut scanned = taken.min(self.job.range().len());
        if self.limit.is_one() {
            hits.truncate(1);
            if let Some((position, _)) = hits.first() {
                scanned = position + 1;
            }
        }
        Ok(Found {
            hits: hits.into_iter().map(|(_, hit)| hit).collect(),
            scanned,
            hashes: result.hashes,
        })
    }
}
