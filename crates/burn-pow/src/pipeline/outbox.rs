//! Handing jobs to the committing thread, with a stop in mind.

use crate::error::PowError;
use crate::pipeline::committer::Job;
use crate::pipeline::final_wait::Patience;
use crate::pipeline::status::{POLL, Status};
use burn::train::Interrupter;
use crossbeam_channel::{SendTimeoutError, Sender};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The training's end of the queue to the committing thread.
pub(crate) struct Outbox {
    /// `None` once the run has ended.
    sender: Option<Sender<Job>>,
    /// What a stop has kept from being handed over.
    held_back: VecDeque<Job>,
    status: Arc<Status>,
}

impl Outbox {
    pub(crate) fn new(sender: Sender<Job>, status: Arc<Status>) -> Self {
        Outbox {
            sender: Some(sender),
            held_back: VecDeque::new(),
            status,
        }
    }

    /// Whether a stop has kept anything from being handed over.
    pub(crate) fn holds_back(&self) -> bool {
        !self.held_back.is_empty()
    }

    /// Waits while the queue is full, unless the training is stopped: the job
    /// is then kept for the end.
    pub(crate) fn hand_over(
        &mut self,
        job: Job,
        interrupter: &Interrupter,
    ) -> Result<(), PowError> {
        self.queue(job);
        let began = Instant::now();
        let sent = self.send(|| interrupter.should_stop());
        self.status.add_wait(began.elapsed());
        sent
    }

    /// Hands over everything that a stop has kept back, and waits for that.
    pub(crate) fn hand_over_all(&mut self, patience: &mut Patience<'_>) -> Result<(), PowError> {
        self.send(|| {
            patience.look();
            false
        })
    }

    /// Keeps a job to be handed over with the others.
    pub(crate) fn queue(&mut self, job: Job) {
        self.status
            .queued
            .fetch_add(job.entries(), Ordering::Relaxed);
        self.held_back.push_back(job);
    }

    /// Hangs up.
    pub(crate) fn close(&mut self) {
        self.sender = None;
    }

    /// Sends what is queued until `stop` says so.
    fn send(&mut self, mut stop: impl FnMut() -> bool) -> Result<(), PowError> {
        while let Some(job) = self.held_back.pop_front() {
            let Some(sender) = &self.sender else {
                return Err(PowError::Already("has ended"));
            };
            match sender.send_timeout(job, POLL) {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(job)) => {
                    self.held_back.push_front(job);
                    if stop() {
                        break;
                    }
                }
                Err(SendTimeoutError::Disconnected(_)) => {
                    self.status.check()?;
                    return Err(PowError::ThreadGone("committing"));
                }
            }
        }
        Ok(())
    }
}
