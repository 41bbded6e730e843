//! One search, cut into batches, and what the threads report of it.

use crate::scan::{Scanner, Verdict};
use pow_core::header::Nonce;
use pow_core::search::{CancelToken, Found, Hit, HitLimit, Job};
use std::sync::atomic::{AtomicU64, Ordering};

/// Nonces in a batch: about 0.1 ms of work, so that a search stops soon and a
/// counter that all threads share costs nothing.
const BATCH: u64 = 1024;

/// A search under way, shared by its threads.
pub struct Batches {
    job: Job,
    scanner: Scanner,
    limit: HitLimit,
    cancel: CancelToken,
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
    pub fn new(job: Job, limit: HitLimit, cancel: CancelToken) -> Self {
        Batches {
            scanner: Scanner::new(&job),
            next: AtomicU64::new(0),
            end: AtomicU64::new(job.range().len().div_ceil(BATCH)),
            job,
            limit,
            cancel,
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
        for position in batch * BATCH..end {
            let nonce = self.job.range().nonce(position);
            report.hashes += 1;
            match self.scanner.scan(&self.job, nonce) {
                Verdict::Miss => {}
                Verdict::FalseHit => report.false_hit = Some(nonce),
                Verdict::Hit(hit) => {
                    report.hits.push((position, hit));
                    if self.limit == HitLimit::First {
                        // Batches before this one were all taken already.
                        self.end.fetch_min(batch + 1, Ordering::Relaxed);
                        return;
                    }
                }
            }
        }
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
        if self.limit == HitLimit::First {
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
