//! One search, cut into batches, and what the threads report of it.

use crate::job::Prepared;
use crate::kernel::Kernel;
use pow_core::header::{Header, Nonce};
use pow_core::search::{CancelToken, Found, Hit, HitLimit, Job};
use std::sync::atomic::{AtomicU64, Ordering};

/// Nonces in a batch: some 50 µs of work, so that a search stops soon and a
/// counter that all threads share costs little. A multiple of every kernel's
/// lanes.
const BATCH: u64 = 1536;

/// The fewest nonces that a kernel is called for, likewise.
const CHUNK: u64 = 48;

/// A search under way, shared by its threads.
pub struct Batches {
    job: Job,
    prepared: Prepared,
    kernel: Kernel,
    limit: HitLimit,
    cancel: CancelToken,
    /// Nonces per call of the kernel.
    chunk: u64,
    /// The next batch that nobody has taken.
    next: AtomicU64,
    /// Batches from here on need not be searched.
    end: AtomicU64,
}

/// What one thread did.
#[derive(Debug, Default)]
pub struct Report {
    /// Hits with their positions in the range.
    hits: Vec<(u64, Hit)>,
    hashes: u64,
    /// A proposal that the rehash refused.
    false_hit: Option<Nonce>,
    /// Room for the kernel's proposals.
    candidates: Vec<u32>,
}

impl Report {
    /// Takes in what another thread did.
    pub fn merge(&mut self, other: Report) {
        self.hits.extend(other.hits);
        self.hashes += other.hashes;
        self.false_hit = self.false_hit.or(other.false_hit);
    }
}

impl Batches {
    pub fn new(kernel: Kernel, job: Job, limit: HitLimit, cancel: CancelToken) -> Self {
        let prepared = Prepared::new(&job);
        let chunk = match limit {
            HitLimit::All => BATCH,
            // Going far beyond the first hit would be work for nothing.
            HitLimit::First | HitLimit::Any => ((1 << 32) / (u64::from(prepared.top) + 1))
                .next_multiple_of(CHUNK)
                .min(BATCH),
        };
        Batches {
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

    /// Searches batch after batch until there is no more to do.
    pub fn work(&self, report: &mut Report) {
        while !self.is_finished() {
            self.work_one(report);
        }
    }

    /// Whether the batches left need not be searched.
    pub fn is_finished(&self) -> bool {
        self.cancel.is_cancelled()
            || self.next.load(Ordering::Relaxed) >= self.end.load(Ordering::Relaxed)
    }

    /// Takes the next batch, if there is one, and searches it to its end or,
    /// if only the first hit is wanted, to its first hit.
    pub fn work_one(&self, report: &mut Report) {
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
            if self.search(position, count as u32, report) && self.limit.is_one() {
                // Batches before this one were all taken already.
                self.end.fetch_min(batch + 1, Ordering::Relaxed);
                return;
            }
            position += count;
        }
    }

    /// Searches `count` nonces; says whether there was a hit.
    fn search(&self, position: u64, count: u32, report: &mut Report) -> bool {
        let mut candidates = std::mem::take(&mut report.candidates);
        let start = self.job.range().nonce(position);
        (self.kernel).search(&self.prepared, start, count, &mut candidates);
        report.hashes += u64::from(count);
        let before = report.hits.len();
        for offset in candidates.drain(..) {
            let position = position + u64::from(offset);
            let nonce = self.job.range().nonce(position);
            match self.job.check(nonce) {
                Some(hit) => report.hits.push((position, hit)),
                // Equal top words leave the decision to the words below.
                None if has_top(&self.job, nonce) => {}
                None => report.false_hit = Some(nonce),
            }
        }
        report.candidates = candidates;
        report.hits.len() > before
    }

    /// The search's answer, once all threads have reported; fails with the
    /// nonce of a false hit.
    pub fn found(&self, report: Report) -> Result<Found, Nonce> {
        if let Some(nonce) = report.false_hit {
            return Err(nonce);
        }
        let mut hits = report.hits;
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
            hashes: report.hashes,
        })
    }
}

/// Whether the hash's most significant 32 bits are those of the target.
fn has_top(job: &Job, nonce: Nonce) -> bool {
    let hash = Header::from_bytes(&job.header_bytes(nonce)).hash();
    hash.0[28..] == job.target().to_le_bytes()[28..]
}
