//! The two threads behind a run, and the channels between them.

use crate::config::PowConfig;
use crate::error::PowError;
use crate::pipeline::committer::Last;
use crate::pipeline::committer::{Committer, Job};
use crate::pipeline::observer::Observer;
use crate::pipeline::replicas::Replicas;
use crate::pipeline::sealer::Sealer;
use crate::pipeline::status::Status;
use crate::replay::checker::Checker;
use crossbeam_channel::{Sender, bounded};
use pow_core::body::{Entry, UnixMillis};
use pow_core::chain::{ChainVerifier, VerifiedChain};
use pow_core::hash::StateRoot;
use pow_core::search::Engine;
use pow_ledger::{ChainWriter, RunWriter};
use pow_mine::Miner;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;

/// Entries that may wait for the sealer; each is about 200 bytes.
const ENTRIES_QUEUED: usize = 4096;

/// What is there already when the threads start; of a new run, nothing.
pub(crate) struct Past {
    pub(crate) verifier: ChainVerifier,
    pub(crate) kept: VecDeque<StateRoot>,
    pub(crate) last: Option<(Entry, Last)>,
    pub(crate) ahead: VecDeque<Entry>,
}

impl Default for Past {
    fn default() -> Self {
        Past {
            verifier: ChainVerifier::new(None),
            kept: VecDeque::new(),
            last: None,
            ahead: VecDeque::new(),
        }
    }
}

/// Starts both; they end when the returned sender is dropped.
pub(crate) fn start(
    config: &PowConfig,
    files: RunWriter,
    chain: ChainWriter,
    engine: Box<dyn Engine>,
    status: &Arc<Status>,
    past: Past,
    observer: &Observer,
) -> Result<(Sender<Job>, Vec<JoinHandle<()>>), PowError> {
    let files = Arc::new(files);
    let sealer = Sealer {
        chain,
        files: files.clone(),
        miner: Miner::new(engine),
        difficulty: config.difficulty()?,
        mode: config.mode,
        status: status.clone(),
        found: past
            .verifier
            .chain()
            .map_or(UnixMillis(0), VerifiedChain::last_start),
        verifier: past.verifier,
    };
    let (to_seal, sealing) = bounded(ENTRIES_QUEUED);
    let (outbox, committing) = bounded(config.queue);
    let committer = Committer {
        files,
        outbox: to_seal,
        cancel: status.cancel.clone(),
        keep_checkpoints: config.keep_checkpoints,
        kept: past.kept,
        last: past.last,
        ahead: past.ahead,
        replicas: Replicas::new(config.replicas.get() - 1),
        last_trained: None,
        status: status.clone(),
        observer: observer.clone(),
    };
    let threads = vec![
        spawn("committing", status, move |status| {
            status.keep(committer.run(&committing));
        })?,
        spawn("sealing", status, move |status| {
            status.keep(sealer.run(&sealing));
        })?,
    ];
    Ok((outbox, threads))
}

/// Starts the one thread of a replay; it ends when the returned sender is
/// dropped.
pub(crate) fn start_replay(
    queue: usize,
    checker: Checker,
    status: &Arc<Status>,
) -> Result<(Sender<Job>, Vec<JoinHandle<()>>), PowError> {
    let (outbox, inbox) = bounded(queue);
    let thread = spawn("comparing", status, move |status| {
        status.keep(checker.run(&inbox));
    })?;
    Ok((outbox, vec![thread]))
}

/// Starts a recorder thread; should it panic, the status says so.
fn spawn(
    name: &'static str,
    status: &Arc<Status>,
    work: impl FnOnce(&Status) + Send + 'static,
) -> Result<JoinHandle<()>, PowError> {
    status.thread_started();
    let guard = Guard {
        name,
        status: status.clone(),
    };
    std::thread::Builder::new()
        .name(format!("pow-{name}"))
        .spawn(move || work(&guard.status))
        .map_err(|error| PowError::Spawn(Arc::new(error)))
}

struct Guard {
    name: &'static str,
    status: Arc<Status>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.status.fail(PowError::ThreadGone(self.name));
        }
        self.status.thread_ended();
    }
}
