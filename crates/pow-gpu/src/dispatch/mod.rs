//! Searches, dispatch by dispatch, on anything that runs the kernel.

mod job;
mod sizing;

pub use sizing::Sharing;

use crate::kernel::{Candidates, DEPTH, Failure, Fault, Kernel};
use pow_core::search::{CancelToken, Found, HitLimit, Job};
use pow_kernels::SearchParams;
use sizing::DispatchSizing;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How often a search checks whether it was cancelled. It then returns at once,
/// and its dispatches stay in flight.
const ATTENTION: Duration = Duration::from_millis(10);

/// After this time the device counts as hung. Drivers reset a device after a
/// few seconds, but a software adapter on a busy machine may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// A wait for the device counts for at most this much. A longer one means that the
/// process or the machine slept, and the device is not to blame.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// A kernel, its dispatches in flight, and its measured speed.
#[derive(Debug)]
pub struct Dispatcher<K> {
    kernel: K,
    sharing: Sharing,
    sizing: DispatchSizing,
    in_flight: VecDeque<Dispatch>,
    /// When the device last finished a dispatch, as far as the host knows.
    finished: Option<Instant>,
}

/// A dispatch in flight.
#[derive(Debug)]
struct Dispatch {
    params: SearchParams,
    /// The position of its first nonce in the job's range. `None` if nobody
    /// wants its result any more.
    position: Option<u64>,
    submitted: Instant,
    /// How long the host has waited for it, as the oldest one in flight.
    waited: Duration,
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

    /// Returns the kernel.
    pub fn into_kernel(self) -> K {
        self.kernel
    }

    /// Searches, as described at [`pow_core::search::Engine::search`]. If the
    /// device fails, `reopen` opens another one, and the search continues
    /// there. This happens only once in a search, because a device that fails
    /// again is useless.
    pub fn search_with_another(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
        reopen: impl FnOnce(&mut K) -> Result<(), Fault>,
    ) -> Result<Found, Failure> {
        let mut found = Found::default();
        if let Err(failure) = self.search(job, limit, cancel, &mut found) {
            let Failure::Device(fault) = failure else {
                return Err(failure);
            };
            self.in_flight.clear();
            self.finished = None;
            self.sizing = DispatchSizing::new(self.sharing);
            reopen(&mut self.kernel)
                .map_err(|next| Fault::new(format_args!("{fault}; opened again: {next}")))?;
            self.search(job, limit, cancel, &mut found)?;
        }
        Ok(found)
    }

    /// Continues a search after the nonces that `found` has already. Also after
    /// an error, `found` has the nonces that were searched without a gap.
    pub fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
        found: &mut Found,
    ) -> Result<(), Failure> {
        let searched = Search::new(job, limit, self.kernel.capacity(), found).run(self, cancel);
        if searched.is_ok() {
            // The device computes these nonces, even if nobody wants them.
            found.hashes += self.wanted_nonces();
        }
        self.forget();
        searched
    }

    /// Marks the results of all dispatches in flight as not wanted.
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
            waited: Duration::ZERO,
        });
        Ok(())
    }

    /// Waits for a short time for the oldest dispatch.
    fn next_finished(&mut self) -> Result<Option<(Dispatch, Candidates)>, Fault> {
        let Some(oldest) = self.in_flight.front_mut() else {
            return Ok(None);
        };
        let began = Instant::now();
        let Some(candidates) = self.kernel.wait(ATTENTION)? else {
            oldest.waited += began.elapsed().min(LONGEST_WAIT);
            if oldest.waited >= PATIENCE {
                return Err(Fault::new(format_args!(
                    "a dispatch took over {PATIENCE:?}"
                )));
            }
            return Ok(None);
        };
        let now = Instant::now();
        let before = self.finished.replace(now);
        Ok(self.in_flight.pop_front().map(|dispatch| {
            // A dispatch of another search may have ended long before now.
            if dispatch.position.is_some() {
                let began = before.map_or(dispatch.submitted, |at| at.max(dispatch.submitted));
                self.sizing.took(dispatch.params.count, now - began);
            }
            (dispatch, candidates)
        }))
    }

    /// The number of nonces in flight for the present search.
    fn wanted_nonces(&self) -> u64 {
        (self.in_flight.iter())
            .filter(|dispatch| dispatch.position.is_some())
            .map(|dispatch| u64::from(dispatch.params.count))
            .sum()
    }
}

/// A search in progress.
struct Search<'a> {
    job: &'a Job,
    limit: HitLimit,
    params: SearchParams,
    /// The expected number of nonces for one candidate.
    expected: u64,
    /// How many candidates a dispatch can list.
    capacity: u32,
    /// The most nonces in a dispatch, so that its candidates probably fit into
    /// the list.
    most: u32,
    /// The position of the next dispatch in the job's range.
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

    /// Starts dispatches, so the device is always busy.
    fn submit<K: Kernel>(&mut self, dispatcher: &mut Dispatcher<K>) -> Result<(), Fault> {
        while dispatcher.in_flight.len() < DEPTH && self.next < self.job.range().len() {
            let wanted = match self.limit {
                HitLimit::All => dispatcher.sizing.full(),
                // The dispatches in flight probably have a hit.
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

    /// Records what a dispatch found.
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
            // Some candidates did not fit. Search the same nonces again, in
            // smaller parts.
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
