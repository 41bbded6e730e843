//! The queue from the training thread to the committing thread. A stop ends the wait
//! for a full queue.

use super::final_wait::FinalWait;
use super::message::Message;
use super::status::{POLL, Status};
use crate::error::PowError;
use burn::train::Interrupter;
use crossbeam_channel::{SendTimeoutError, Sender};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The training thread's end of the queue.
pub(crate) struct Outbox {
    /// `None` after the run has ended.
    sender: Option<Sender<Message>>,
    /// The messages that were not sent because the training was stopped.
    unsent: VecDeque<Message>,
    status: Arc<Status>,
}

impl Outbox {
    pub(crate) fn new(sender: Sender<Message>, status: Arc<Status>) -> Self {
        Outbox {
            sender: Some(sender),
            unsent: VecDeque::new(),
            status,
        }
    }

    /// Whether a stop ended a wait, so that messages were not sent.
    pub(crate) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Sends a message. Waits while the queue is full, unless the training is stopped:
    /// the message is then kept, and sent at the end of the run.
    pub(crate) fn send(
        &mut self,
        message: Message,
        interrupter: &Interrupter,
    ) -> Result<(), PowError> {
        self.keep(message);
        let began = Instant::now();
        let sent = self.send_until(|| interrupter.should_stop());
        self.status.add_wait(began.elapsed());
        sent
    }

    /// Sends all messages that were kept, and waits while the queue is full.
    pub(crate) fn send_all(&mut self, wait: &mut FinalWait<'_>) -> Result<(), PowError> {
        self.send_until(|| {
            wait.look();
            false
        })
    }

    /// Keeps a message for the next [`send_all`](Self::send_all).
    pub(crate) fn keep(&mut self, message: Message) {
        self.status
            .queued
            .fetch_add(message.entries(), Ordering::Relaxed);
        self.unsent.push_back(message);
    }

    /// Closes the queue.
    pub(crate) fn close(&mut self) {
        self.sender = None;
    }

    /// Sends the kept messages, until `stop` returns true.
    fn send_until(&mut self, mut stop: impl FnMut() -> bool) -> Result<(), PowError> {
        while let Some(message) = self.unsent.pop_front() {
            let Some(sender) = &self.sender else {
                return Err(PowError::Already("has ended"));
            };
            match sender.send_timeout(message, POLL) {
                Ok(()) => {}
                Err(SendTimeoutError::Timeout(message)) => {
                    self.unsent.push_front(message);
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
