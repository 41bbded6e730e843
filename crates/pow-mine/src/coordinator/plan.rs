//! A search, and which engine searches which part of it.

use super::speed::EngineSpeed;
use pow_core::search::{CancelToken, Found, Hit, HitLimit, Job, NonceRange};
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A search in progress, shared by the engines' threads. Positions are counted
/// from the start of the job's range.
pub struct Plan {
    job: Job,
    limit: HitLimit,
    cancel: CancelToken,
    state: Mutex<PlanState>,
    /// Notified whenever a piece ends.
    ended: Condvar,
}

/// A part of the range, for one engine.
pub struct Piece {
    /// The same search, but only in this part.
    pub job: Job,
    /// Stops only this piece.
    pub cancel: CancelToken,
    positions: Range<u64>,
}

struct PlanState {
    /// The first position that nobody has taken yet.
    next: u64,
    /// Positions from here on are not wanted.
    end: u64,
    /// Parts that were taken but not searched, because an engine failed or was wrong.
    returned: Vec<Range<u64>>,
    in_flight: Vec<(u64, CancelToken)>,
    searched: Vec<Range<u64>>,
    hits: Vec<(u64, Hit)>,
    hashes: u64,
    /// The speed of every engine. `None` if it has failed.
    speeds: Vec<Option<EngineSpeed>>,
}

impl Plan {
    /// A search by engines of these speeds. `None` stands for an engine that
    /// has failed.
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

    /// The next piece for an engine: `len` nonces, or a number that fits its
    /// speed. If no piece is left, this waits for the engines at work, because
    /// one may fail and return its piece. `None` if there will be no more
    /// pieces.
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

    /// Records what an engine found in a piece.
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
            // Engines may still find an earlier hit. Only `HitLimit::First`
            // wants it.
            let end = match self.limit {
                HitLimit::Any => 0,
                _ => first,
            };
            state.stop_from(end);
        }
        self.ended.notify_all();
    }

    /// An engine has failed. Call this before its piece is [given
    /// back](Self::give_back).
    pub fn leave(&self, engine: usize) {
        if let Some(speed) = self.state().speeds.get_mut(engine) {
            *speed = None;
        }
    }

    /// Takes back a piece that was not searched. It will be searched again.
    pub fn give_back(&self, piece: &Piece) {
        let mut state = self.state();
        state.land(piece.positions.start);
        if piece.positions.start < state.end {
            state.returned.push(piece.positions.clone());
        }
        self.ended.notify_all();
    }

    /// How many wanted nonces nobody has taken.
    pub fn remaining(&self) -> u64 {
        self.state().remaining()
    }

    /// How many nonces an engine searches in this time. `None` if unknown.
    pub fn nonces_in(&self, engine: usize, time: Duration) -> Option<u64> {
        let speed = self.state().speeds.get(engine).copied();
        speed??.nonces_in(time)
    }

    /// The result of the search, and the engines' new speeds.
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
        // No panic can leave the state half changed.
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

    /// Marks a piece as no longer in flight.
    fn land(&mut self, start: u64) {
        self.in_flight.retain(|(other, _)| *other != start);
    }

    /// Stops the search of positions from `end` on.
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
