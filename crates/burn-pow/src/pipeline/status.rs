//! What the recorder's threads tell the trainer and the dashboard.

use crate::error::PowError;
use crate::pipeline::stages::Clocks;
use burn::train::Interrupter;
use pow_core::body::StepNumber;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::search::{CancelToken, EngineError};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a wait looks whether it was stopped: a stop can only be asked for.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// Progress of the recorder, shared by all its threads.
#[derive(Debug, Default)]
pub(crate) struct Status {
    state: Mutex<State>,
    changed: Condvar,
    /// Steps waiting to be hashed or mined.
    pub(crate) queued: Arc<AtomicU64>,
    /// Height of the last block.
    pub(crate) height: Arc<AtomicU64>,
    /// Hashes per second while mining.
    pub(crate) hash_rate: Arc<AtomicU64>,
    waited_micros: AtomicU64,
    pub(crate) clocks: Clocks,
    /// Ends the mining before everything is sealed.
    pub(crate) cancel: CancelToken,
}

#[derive(Debug, Default)]
struct State {
    sealed: Option<Sealed>,
    /// Hashes of the blocks that seal checkpoints, by step.
    keys: BTreeMap<StepNumber, BlockHash>,
    failure: Option<PowError>,
    /// Recorder threads that have not ended.
    running: usize,
    /// Engines that failed while others mined on.
    failed_engines: Vec<EngineError>,
}

/// The last block that is in the chain file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) genesis: BlockHash,
    pub(crate) head: BlockHash,
    pub(crate) height: Height,
    /// The last entry sealed; `None` after genesis alone.
    pub(crate) step: Option<StepNumber>,
    /// It is the final block.
    pub(crate) is_final: bool,
}

impl Status {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is two plain values: a panic elsewhere cannot have torn it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the first failure and wakes everybody who waits.
    pub(crate) fn fail(&self, error: PowError) {
        self.lock().failure.get_or_insert(error);
        self.changed.notify_all();
    }

    /// Keeps the failure that a thread ended with.
    pub(crate) fn keep(&self, result: Result<(), PowError>) {
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// The first failure, if any.
    pub(crate) fn check(&self) -> Result<(), PowError> {
        match &self.lock().failure {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    pub(crate) fn sealed(&self, sealed: Sealed) {
        self.lock().sealed = Some(sealed);
        self.changed.notify_all();
    }

    /// Notes which blocks seal checkpoints.
    pub(crate) fn add_keys(&self, keys: impl IntoIterator<Item = (StepNumber, BlockHash)>) {
        self.lock().keys.extend(keys);
        self.changed.notify_all();
    }

    /// The hash of the block that seals the checkpoint of `step`, if it is known.
    pub(crate) fn key(&self, step: StepNumber) -> Option<BlockHash> {
        self.lock().keys.get(&step).copied()
    }

    pub(crate) fn last_sealed(&self) -> Option<Sealed> {
        self.lock().sealed
    }

    /// Notes the engines that have failed so far.
    pub(crate) fn note_failed_engines(&self, failed: Vec<EngineError>) {
        if !failed.is_empty() {
            self.lock().failed_engines = failed;
        }
    }

    /// Engines that failed while others mined on.
    pub(crate) fn failed_engines(&self) -> Vec<EngineError> {
        self.lock().failed_engines.clone()
    }

    /// Waits until the entry of `step` is sealed, the recorder fails, or the
    /// training is stopped.
    pub(crate) fn wait_for(
        &self,
        step: StepNumber,
        interrupter: &Interrupter,
    ) -> Result<(), PowError> {
        self.wait_until(interrupter, |state| {
            state.sealed.and_then(|sealed| sealed.step) >= Some(step)
        })
    }

    /// Waits for the block that seals the checkpoint of `step`, likewise.
    pub(crate) fn wait_for_key(
        &self,
        step: StepNumber,
        interrupter: &Interrupter,
    ) -> Result<BlockHash, PowError> {
        self.wait_until(interrupter, |state| state.keys.contains_key(&step))?;
        self.key(step).ok_or(PowError::NotBegun)
    }

    fn wait_until(
        &self,
        interrupter: &Interrupter,
        is_so: impl Fn(&State) -> bool,
    ) -> Result<(), PowError> {
        let mut state = self.lock();
        while state.failure.is_none() && !is_so(&state) {
            if interrupter.should_stop() {
                drop(state);
                return Err(self.interrupted());
            }
            state = self.wait_for_change(state);
        }
        drop(state);
        self.check()
    }

    /// Waits until all threads have ended, calling `look` every [`POLL`].
    pub(crate) fn wait_for_threads(&self, mut look: impl FnMut()) {
        let mut state = self.lock();
        while state.running > 0 {
            state = self.wait_for_change(state);
            drop(state);
            look();
            state = self.lock();
        }
    }

    fn wait_for_change<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed
            .wait_timeout(state, POLL)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    pub(crate) fn thread_started(&self) {
        self.lock().running += 1;
    }

    pub(crate) fn thread_ended(&self) {
        self.lock().running -= 1;
        self.changed.notify_all();
    }

    /// The error of somebody who was stopped while waiting.
    pub(crate) fn interrupted(&self) -> PowError {
        let (blocks, unsealed) = self.reached();
        PowError::Interrupted { blocks, unsealed }
    }

    /// What a run that pauses ends with.
    pub(crate) fn paused(&self) -> PowError {
        let (blocks, unsealed) = self.reached();
        PowError::Paused { blocks, unsealed }
    }

    /// Blocks in the chain, and committed steps in none of them.
    fn reached(&self) -> (u64, u64) {
        let sealed = self.last_sealed();
        (
            sealed.map_or(0, |sealed| u64::from(sealed.height.get()) + 1),
            self.queued.load(Ordering::Relaxed),
        )
    }

    /// Counts time that training spent waiting for the recorder.
    pub(crate) fn add_wait(&self, waited: Duration) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_micros.load(Ordering::Relaxed))
    }
}
