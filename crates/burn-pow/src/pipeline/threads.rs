//! The threads behind a run, and the channels between them.

use super::committer::Committer;
use super::message::Message;
use super::observer::Observer;
use super::sealer::Sealer;
use super::status::Status;
use crate::config::PowConfig;
use crate::error::PowError;
use crate::resume::point::ResumePoint;
use crossbeam_channel::{Sender, bounded};
use pow_core::search::Engine;
use pow_ledger::{ChainWriter, RunWriter};
use pow_mine::Miner;
use std::sync::Arc;
use std::thread::JoinHandle;

/// How many entries may wait for the sealing thread. Each is about 200 bytes.
const ENTRIES_QUEUED: usize = 4096;

/// Starts the committing and the sealing thread. They end when the returned sender is
/// dropped.
pub(crate) fn start(
    config: &PowConfig,
    (files, chain): (RunWriter, ChainWriter),
    engine: Box<dyn Engine>,
    status: &Arc<Status>,
    observer: &Observer,
    point: Option<&ResumePoint>,
) -> Result<(Sender<Message>, Vec<JoinHandle<()>>), PowError> {
    let files = Arc::new(files);
    let (to_seal, sealing) = bounded(ENTRIES_QUEUED);
    let (outbox, committing) = bounded(config.queue);
    let sealer = Sealer::new(
        config,
        files.clone(),
        chain,
        Miner::new(engine).or_cpu(config.cpu_share()),
        status.clone(),
        point,
    )?;
    let observer = observer.clone();
    let committer = Committer::new(config, files, to_seal, status.clone(), observer, point);
    let threads = vec![
        spawn("committing", status, move || committer.run(&committing))?,
        spawn("sealing", status, move || sealer.run(&sealing))?,
    ];
    Ok((outbox, threads))
}

/// Starts a recorder thread. The status keeps the error or the panic that ends it.
pub(crate) fn spawn(
    name: &'static str,
    status: &Arc<Status>,
    work: impl FnOnce() -> Result<(), PowError> + Send + 'static,
) -> Result<JoinHandle<()>, PowError> {
    status.thread_started();
    let guard = Guard {
        name,
        status: status.clone(),
    };
    std::thread::Builder::new()
        .name(format!("pow-{name}"))
        .spawn(move || guard.status.keep(work()))
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
