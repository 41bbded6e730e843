//! One search, and which engine searches what of it.

use super::speed::EngineSpeed;
use pow_core::search::{CancelToken, Found, Hit, HitLimit, Job, NonceRange};
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A search under way, shared by the engines' threads. Positions count from the
/// start of the job's range.
pub struct Plan {
    job: Job,
    limit: HitLimit,
    cancel: CancelToken,
    state: Mutex<PlanState>,
    /// Told of every piece that ends.
    ended: Condvar,
}

/// A part of the range for one engine.
pub struct Piece {
    /// The same search, over this part alone.
    pub job: Job,
    /// Stops this piece alone.
    pub cancel: CancelToken,
    positions: Range<u64>,
}

struct PlanState {
    /// Nobody has taken what lies from here on.
    next: u64,
    /// Nothing from here on is wanted.
    end: u64,
    /// Taken and not searched, because an engine failed.
    returned: Vec<Range<u64>>,
    in_flight: Vec<(u64, CancelToken)>,
    searched: Vec<Range<u64>>,
    hits: Vec<(u64, Hit)>,
    hashes: u64,
    /// Of every engine; None if it failed.
    speeds: Vec<Option<EngineSpeed>>,
}

impl Plan {
    /// A search by engines of these speeds, None for those that take no part.
    pub fn new(
        job: Job,
        limit: HitLimit,
        cancel: CancelToken,
        speeds: Vec<Option<EngineSpeed>>,
    ) -> Self {
        Plan {
            state: Mutex::new(PlanState {
                next: 0,
                end: job.range().len(),
                returned: Vec::new(),
                in_flight: Vec::new(),
                searched: Vec::new(),
                hits: Vec::new(),
                hashes: 0,
                speeds,
            }),
            ended: Condvar::new(),
            job,
            limit,
            cancel,
        }
    }

    /// How many hits are wanted.
    pub fn limit(&self) -> HitLimit {
        self.limit
    }

    /// The next piece for an engine, of `len` nonces or of what its speed allows.
    /// Waits while there is none but an engine that is at work may yet leave
    /// one; None once there will be none.
    pub fn take(&self, engine: usize, len: Option<u64>) -> Option<Piece> {
        let mut state = self.state();
        loop {
            if self.cancel.is_cancelled() {
                return None;
            }
            if let Some(positions) = state.take(engine, len) {
                let range = self.job.range();
                let len = positions.end - positions.start;
                let range = NonceRange::new(range.nonce(positions.start), len).ok()?;
                let cancel = self.cancel.child();
                (state.in_flight).push((positions.start, cancel.clone()));
                return Some(Piece {
                    job: Job::new(*self.job.header(), self.job.target(), range),
                    cancel,
                    positions,
                });
            }
            if state.in_flight.is_empty() {
                return None;
            }
            state = (self.ended.wait(state)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes in what an engine found in a piece.
    pub fn report(&self, engine: usize, piece: &Piece, found: &Found, time: Duration) {
        let mut state = self.state();
        let start = piece.positions.start;
        state.land(start);
        state.hashes = state.hashes.saturating_add(found.hashes);
        state.searched.push(start..start + found.scanned);
        if let Some(Some(speed)) = state.speeds.get_mut(engine)
            && found.scanned > 0
        {
            speed.note(found.scanned, time);
        }
        let range = self.job.range();
        let hits = found.hits.iter();
        let hits = hits.filter_map(|hit| Some((range.position(hit.nonce())?, *hit)));
        state.hits.extend(hits);
        if self.limit.is_one()
            && let Some(first) = state.hits.iter().map(|(position, _)| *position).min()
        {
            // An earlier nonce may yet be a hit; whether that matters depends.
            let end = match self.limit {
                HitLimit::Any => 0,
                _ => first,
            };
            state.stop_from(end);
        }
        self.ended.notify_all();
    }

    /// Takes a piece back whose engine failed; others search it.
    pub fn give_back(&self, engine: usize, piece: &Piece) {
        let mut state = self.state();
        state.land(piece.positions.start);
        if piece.positions.start < state.end {
            state.returned.push(piece.positions.clone());
        }
        if let Some(speed) = state.speeds.get_mut(engine) {
            *speed = None;
        }
        self.ended.notify_all();
    }

    /// How many nonces nobody searches now, although they are wanted.
    pub fn remaining(&self) -> u64 {
        self.state().remaining()
    }

    /// How many nonces an engine searches in this time; None if unknown.
    pub fn nonces_in(&self, engine: usize, time: Duration) -> Option<u64> {
        let speed = self.state().speeds.get(engine).copied();
        speed??.nonces_in(time)
    }

    /// The search's answer, and what was learnt of the engines' speeds.
    pub fn finish(self) -> (Found, Vec<Option<EngineSpeed>>) {
        let state = self.state.into_inner();
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.searched.sort_unstable_by_key(|part| part.start);
        let mut scanned = 0;
        for part in &state.searched {
            if part.start <= scanned {
                scanned = part.end.max(scanned);
            }
        }
        state.hits.sort_unstable_by_key(|(position, _)| *position);
        match (self.limit, state.hits.first()) {
            (HitLimit::All, _) | (_, None) => {}
            (_, Some((position, _))) => scanned = scanned.min(position + 1),
        }
        if self.limit != HitLimit::Any {
            state.hits.retain(|(position, _)| *position < scanned);
        }
        if self.limit.is_one() {
            state.hits.truncate(1);
        }
        let found = Found {
            hits: state.hits.into_iter().map(|(_, hit)| hit).collect(),
            scanned,
            hashes: state.hashes,
        };
        (found, state.speeds)
    }

    fn state(&self) -> MutexGuard<'_, PlanState> {
        // Nothing here leaves the state half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PlanState {
    fn take(&mut self, engine: usize, len: Option<u64>) -> Option<Range<u64>> {
        let remaining = self.remaining();
        let second = |speed: &EngineSpeed| speed.nonces_in(Duration::from_secs(1));
        let known = self.speeds.iter().flatten().filter_map(second);
        let all = known.fold(0, u64::saturating_add);
        let speed = self.speeds.get(engine).copied().flatten()?;
        let len = len.unwrap_or_else(|| speed.next_piece(remaining, all));
        if let Some(part) = self.returned.pop() {
            let cut = part.end.min(part.start + len);
            if cut < part.end {
                self.returned.push(cut..part.end);
            }
            return Some(part.start..cut);
        }
        let start = self.next;
        self.next = self.end.min(start.saturating_add(len)).max(start);
        (start < self.next).then_some(start..self.next)
    }

    fn remaining(&self) -> u64 {
        let returned = self.returned.iter().map(|part| part.end - part.start);
        self.end.saturating_sub(self.next) + returned.sum::<u64>()
    }

    /// A piece is no longer in flight.
    fn land(&mut self, start: u64) {
        self.in_flight.retain(|(other, _)| *other != start);
    }

    /// Nothing from `end` on is wanted any more.
    fn stop_from(&mut self, end: u64) {
        self.end = self.end.min(end);
        self.returned.retain(|part| part.start < end);
        for (start, cancel) in &self.in_flight {
            if *start >= end {
                cancel.cancel();
            }
        }
    }
}
