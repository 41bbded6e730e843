//! A search, dispatch by dispatch, over anything that runs the kernel.

mod job;
mod sizing;

pub use sizing::Sharing;

use crate::kernel::{Candidates, DEPTH, Failure, Fault, Kernel};
use pow_core::search::{CancelToken, Found, HitLimit, Job};
use pow_kernels::SearchParams;
use sizing::DispatchSizing;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often a search looks whether it was cancelled. It then returns at once
/// and leaves its dispatches in flight.
const ATTENTION: Duration = Duration::from_millis(10);

/// After this the device counts as hung; drivers reset one after a few
/// seconds, but a software adapter on a busy machine may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kernel, what is in flight on it, and how fast it has been.
#[derive(Debug)]
pub struct Dispatcher<K> {
    kernel: K,
    sharing: Sharing,
    sizing: DispatchSizing,
    in_flight: VecDeque<Dispatch>,
    /// When the device was last seen to finish a dispatch.
    finished: Option<Instant>,
}

/// A dispatch in flight.
#[derive(Debug)]
struct Dispatch {
    params: SearchParams,
    /// Where its nonces begin in the job's range, if the search that submitted
    /// it still wants to know.
    position: Option<u64>,
    submitted: Instant,
}

impl<K: Kernel> Dispatcher<K> {
    /// A kernel with nothing in flight.
    pub fn new(kernel: K, sharing: Sharing) -> Self {
        Dispatcher {
            kernel,
            sharing,
            sizing: DispatchSizing::new(sharing),
            in_flight: VecDeque::new(),
            finished: None,
        }
    }

    /// The kernel.
    pub fn kernel(&self) -> &K {
        &self.kernel
    }

    /// The kernel, for whoever tested it.
    pub fn into_kernel(self) -> K {
        self.kernel
    }

    /// Searches as [`pow_core::search::Engine::search`] says. If the device
    /// fails, `reopen` shall see to another one, and the search goes on there;
    /// once, for a device that fails again and again is no use.
    pub fn search_with_another(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
        reopen: impl FnOnce(&mut K) -> Result<(), Fault>,
    ) -> Result<Found, Failure> {
        let mut found = Found {
            hits: Vec::new(),
            scanned: 0,
            hashes: 0,
        };
        if let Err(failure) = self.search(job, limit, cancel, &mut found) {
            let Failure::Device(fault) = failure else {
                return Err(failure);
            };
            self.in_flight.clear();
            self.finished = None;
            self.sizing = DispatchSizing::new(self.sharing);
            reopen(&mut self.kernel)
                .map_err(|next| Fault::new(format_args!("{fault}; opened anew: {next}")))?;
            self.search(job, limit, cancel, &mut found)?;
        }
        Ok(found)
    }

    /// Goes on with a search from where `found` has got to. Whatever happens,
    /// `found` then says what was searched without a gap.
    pub fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
        found: &mut Found,
    ) -> Result<(), Failure> {
        let searched = Search::new(job, limit, self.kernel.capacity(), found).run(self, cancel);
        if searched.is_ok() {
            // The device computes them, wanted or not.
            found.hashes += self.wanted_nonces();
        }
        self.forget();
        searched
    }

    /// Nobody wants to know what is in flight any more.
    fn forget(&mut self) {
        for dispatch in &mut self.in_flight {
            dispatch.position = None;
        }
    }

    fn submit(&mut self, position: u64, params: SearchParams) -> Result<(), Fault> {
        let submitted = Instant::now();
        self.kernel.submit(&params)?;
        self.in_flight.push_back(Dispatch {
            params,
            position: Some(position),
            submitted,
        });
        Ok(())
    }

    /// Waits a short time for the oldest dispatch.
    fn next_finished(&mut self) -> Result<Option<(Dispatch, Candidates)>, Fault> {
        let Some(oldest) = self.in_flight.front() else {
            return Ok(None);
        };
        let Some(candidates) = self.kernel.wait(ATTENTION)? else {
            // Its time runs from when those before it were done.
            let began = self
                .finished
                .map_or(oldest.submitted, |at| at.max(oldest.submitted));
            if began.elapsed() > PATIENCE {
                return Err(Fault::new(format_args!(
                    "a dispatch took over {PATIENCE:?}"
                )));
            }
            return Ok(None);
        };
        let now = Instant::now();
        let before = self.finished.replace(now);
        Ok(self.in_flight.pop_front().map(|dispatch| {
            // Another search's may have been done long before we looked.
            if dispatch.position.is_some() {
                let began = before.map_or(dispatch.submitted, |at| at.max(dispatch.submitted));
                self.sizing.took(dispatch.params.count, now - began);
            }
            (dispatch, candidates)
        }))
    }

    /// Nonces in flight for the search under way.
    fn wanted_nonces(&self) -> u64 {
        (self.in_flight.iter())
            .filter(|dispatch| dispatch.position.is_some())
            .map(|dispatch| u64::from(dispatch.params.count))
            .sum()
    }
}

/// A search under way.
struct Search<'a> {
    job: &'a Job,
    limit: HitLimit,
    params: SearchParams,
    /// Nonces after which to expect a candidate.
    expected: u64,
    /// Candidates that a dispatch can list.
    capacity: u32,
    /// Nonces of a dispatch whose candidates can be expected to fit the list.
    most: u32,
    /// Where the next dispatch begins in the job's range.
    next: u64,
    found: &'a mut Found,
}

impl<'a> Search<'a> {
    fn new(job: &'a Job, limit: HitLimit, capacity: u32, found: &'a mut Found) -> Self {
        let expected = job::expected_nonces(job);
        let most = expected * u64::from(capacity / 2).max(1);
        Search {
            job,
            limit,
            params: job::params(job),
            expected,
            capacity,
            most: u32::try_from(most).unwrap_or(u32::MAX),
            next: found.scanned,
            found,
        }
    }

    fn run<K: Kernel>(
        mut self,
        dispatcher: &mut Dispatcher<K>,
        cancel: &CancelToken,
    ) -> Result<(), Failure> {
        while !self.is_done() && !cancel.is_cancelled() {
            self.submit(dispatcher)?;
            if let Some((dispatch, candidates)) = dispatcher.next_finished()?
                && let Some(position) = dispatch.position
            {
                self.take(dispatcher, position, &dispatch.params, candidates)?;
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        let first = self.limit.is_one() && !self.found.hits.is_empty();
        first || self.found.scanned == self.job.range().len()
    }

    /// Keeps the device busy.
    fn submit<K: Kernel>(&mut self, dispatcher: &mut Dispatcher<K>) -> Result<(), Fault> {
        while dispatcher.in_flight.len() < DEPTH && self.next < self.job.range().len() {
            let wanted = match self.limit {
                HitLimit::All => dispatcher.sizing.full(),
                // What is in flight will probably do.
                HitLimit::First | HitLimit::Any if dispatcher.wanted_nonces() >= self.expected => {
                    break;
                }
                HitLimit::First | HitLimit::Any => dispatcher.sizing.first(self.expected),
            };
            let left = self.job.range().len() - self.next;
            let mut params = self.params;
            params.count = u64::from(wanted.clamp(1, self.most)).min(left) as u32;
            params.per_invocation = dispatcher.sizing.per_invocation(params.count);
            params.start = self.job.range().nonce(self.next).0;
            dispatcher.submit(self.next, params)?;
            self.next += u64::from(params.count);
        }
        Ok(())
    }

    /// Takes in what a dispatch found.
    fn take<K>(
        &mut self,
        dispatcher: &mut Dispatcher<K>,
        position: u64,
        params: &SearchParams,
        candidates: Candidates,
    ) -> Result<(), Failure>
    where
        K: Kernel,
    {
        self.found.hashes += u64::from(params.count);
        if candidates.nonces.len() < candidates.found as usize {
            // Some did not fit: go over the same nonces, in parts.
            self.most = self.halved(params.count)?;
            self.next = position;
            self.found.hashes += dispatcher.wanted_nonces();
            dispatcher.forget();
            return Ok(());
        }
        let hits = job::confirm(self.job, params, candidates.nonces)?;
        self.found.scanned = position + u64::from(params.count);
        match (self.limit, hits.first()) {
            (HitLimit::First | HitLimit::Any, Some((offset, hit))) => {
                self.found.hits.push(*hit);
                self.found.scanned = position + u64::from(*offset) + 1;
            }
            _ => self.found.hits.extend(hits.into_iter().map(|(_, hit)| hit)),
        }
        Ok(())
    }

    fn halved(&self, count: u32) -> Result<u32, Failure> {
        if count <= self.capacity {
            let fault = format!("listed more than {count} candidates among {count} nonces");
            return Err(Failure::Device(Fault::new(fault)));
        }
        Ok(count / 2)
    }
}

#[cfg(test)]
mod tests;
