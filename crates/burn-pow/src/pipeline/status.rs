//! What the recorder's threads report to the training thread and the dashboard.

use super::stages::Clocks;
use crate::error::{PowError, Unfinished};
use burn::train::Interrupter;
use pow_core::body::StepNumber;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::search::{CancelToken, EngineError};
use pow_mine::Miner;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a wait asks whether it was stopped. Burn's interrupter does not notify.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// Progress of the recorder, shared by all its threads.
#[derive(Debug, Default)]
pub(crate) struct Status {
    reported: Mutex<Reported>,
    changed: Condvar,
    /// The number of steps that wait to be hashed or mined.
    pub(crate) queued: Arc<AtomicU64>,
    /// The height of the last block.
    pub(crate) height: Arc<AtomicU64>,
    /// Hashes per second while mining.
    pub(crate) hash_rate: Arc<AtomicU64>,
    waited_micros: AtomicU64,
    pub(crate) clocks: Clocks,
    /// Ends the mining before everything is sealed.
    pub(crate) cancel: CancelToken,
}

#[derive(Debug, Default)]
struct Reported {
    sealed: Option<Sealed>,
    /// The hashes of the blocks that seal checkpoints, by step.
    keys: BTreeMap<StepNumber, BlockHash>,
    failure: Option<PowError>,
    /// The number of recorder threads that have not ended.
    running: usize,
    engines: EngineFaults,
}

/// What went wrong with engines while others continued to mine.
#[derive(Clone, Debug, Default)]
pub(crate) struct EngineFaults {
    pub(crate) failed: Vec<EngineError>,
    /// Nonces that were wrong, and were searched again.
    pub(crate) wrong_nonces: u64,
    /// The engine that mined at last.
    pub(crate) mining: String,
}

/// The last block in the chain file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    pub(crate) genesis: BlockHash,
    pub(crate) head: BlockHash,
    pub(crate) height: Height,
    /// The step of the last entry. `None` if there is only the genesis block.
    pub(crate) step: Option<StepNumber>,
    /// Whether this is the final block.
    pub(crate) is_final: bool,
}

impl Status {
    fn lock(&self) -> MutexGuard<'_, Reported> {
        // Each change sets plain values, so a panic cannot leave one half changed.
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the first failure and wakes all waiting threads.
    pub(crate) fn fail(&self, error: PowError) {
        self.lock().failure.get_or_insert(error);
        self.changed.notify_all();
    }

    /// Keeps the error that a thread ended with, if there is one.
    pub(crate) fn keep(&self, result: Result<(), PowError>) {
        if let Err(error) = result {
            self.fail(error);
        }
    }

    /// Returns the first failure, if there is one.
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

    /// Adds blocks that seal checkpoints.
    pub(crate) fn add_keys(&self, keys: impl IntoIterator<Item = (StepNumber, BlockHash)>) {
        self.lock().keys.extend(keys);
        self.changed.notify_all();
    }

    /// The hash of the block that seals the checkpoint of `step`, if it exists.
    pub(crate) fn key(&self, step: StepNumber) -> Option<BlockHash> {
        self.lock().keys.get(&step).copied()
    }

    pub(crate) fn last_sealed(&self) -> Option<Sealed> {
        self.lock().sealed
    }

    /// Notes what has gone wrong with a miner's engines so far.
    pub(crate) fn note_engines(&self, miner: &Miner) {
        let (failed, wrong_nonces) = (miner.failures(), miner.wrong_nonces());
        if !failed.is_empty() || wrong_nonces > 0 {
            self.lock().engines = EngineFaults {
                failed,
                wrong_nonces,
                mining: miner.engine_name(),
            };
        }
    }

    /// What went wrong with engines.
    pub(crate) fn engine_faults(&self) -> EngineFaults {
        self.lock().engines.clone()
    }

    /// Waits until the entry of `step` is sealed, the recorder fails, or the training is
    /// stopped.
    pub(crate) fn wait_for(
        &self,
        step: StepNumber,
        interrupter: &Interrupter,
    ) -> Result<(), PowError> {
        self.wait_until(interrupter, |state| {
            state.sealed.and_then(|sealed| sealed.step) >= Some(step)
        })
    }

    /// Waits until the checkpoint of `step` is sealed, the recorder fails, or the
    /// training is stopped. Returns the hash of the block.
    pub(crate) fn wait_for_key(
        &self,
        step: StepNumber,
        interrupter: &Interrupter,
    ) -> Result<BlockHash, PowError> {
        self.wait_until(interrupter, |state| state.keys.contains_key(&step))?;
        self.key(step).ok_or(PowError::NotStarted)
    }

    fn wait_until(
        &self,
        interrupter: &Interrupter,
        is_so: impl Fn(&Reported) -> bool,
    ) -> Result<(), PowError> {
        let mut state = self.lock();
        while state.failure.is_none() && !is_so(&state) {
            if interrupter.should_stop() {
                drop(state);
                return Err(PowError::Interrupted(self.unfinished()));
            }
            state = self.wait_for_change(state);
        }
        drop(state);
        self.check()
    }

    /// Waits until all threads have ended, and calls `look` at least every [`POLL`].
    pub(crate) fn wait_for_threads(&self, mut look: impl FnMut()) {
        let mut state = self.lock();
        while state.running > 0 {
            state = self.wait_for_change(state);
            drop(state);
            look();
            state = self.lock();
        }
    }

    fn wait_for_change<'a>(&self, state: MutexGuard<'a, Reported>) -> MutexGuard<'a, Reported> {
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

    /// How far a chain without a final block reaches.
    pub(crate) fn unfinished(&self) -> Unfinished {
        let sealed = self.last_sealed();
        Unfinished {
            blocks: sealed.map_or(0, |sealed| u64::from(sealed.height.get()) + 1),
            unsealed: self.queued.load(Ordering::Relaxed),
        }
    }

    /// Adds time that the training waited for the recorder.
    pub(crate) fn add_wait(&self, waited: Duration) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn waited(&self) -> Duration {
        Duration::from_micros(self.waited_micros.load(Ordering::Relaxed))
    }
}
