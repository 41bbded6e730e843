//! Comparing the steps of a replayed segment with the chain, on a thread.

use super::distance::relative_distance;
use super::segment::{SegmentComparison, SegmentReplay, Tolerance};
use crate::error::{PowError, ResumeError, StepDifference};
use crate::pipeline::hashing::{HashedStep, Rest};
use crate::pipeline::message::Message;
use crate::pipeline::observer::{Committed, Observer};
use crate::pipeline::status::Status;
use crate::pipeline::threads::spawn;
use crate::resume::point::ResumePoint;
use crate::state::deferred::read_model;
use crate::state::tensors::{NamedTensor, parameter_root};
use crossbeam_channel::{Receiver, Sender, bounded};
use pow_core::body::Entry;
use pow_core::hash::StateRoot;
use pow_ledger::CheckpointFiles;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

/// Takes the place of the committing and the sealing thread in a replay.
pub(crate) struct Checker {
    segment: SegmentReplay,
    /// The entries that remain to be compared.
    expected: VecDeque<Entry>,
    /// The file of the parameters that the segment starts from.
    first: CheckpointFiles,
    status: Arc<Status>,
    observer: Observer,
}

impl Checker {
    /// Starts the thread. It ends when the returned sender is dropped.
    pub(crate) fn start(
        segment: &SegmentReplay,
        point: &ResumePoint,
        queue: usize,
        status: &Arc<Status>,
        observer: &Observer,
    ) -> Result<(Sender<Message>, JoinHandle<()>), PowError> {
        let checker = Checker {
            segment: segment.clone(),
            expected: point.ahead.clone(),
            first: point.saved.files.clone(),
            status: status.clone(),
            observer: observer.clone(),
        };
        let (outbox, inbox) = bounded(queue);
        let thread = spawn("comparing", status, move || checker.run(&inbox))?;
        Ok((outbox, thread))
    }

    /// Compares each step until the training closes the channel.
    fn run(mut self, inbox: &Receiver<Message>) -> Result<(), PowError> {
        let mut first = None;
        for message in inbox {
            self.status
                .queued
                .fetch_sub(message.entries(), Ordering::Relaxed);
            let (Message::Step(mut step), Some(expected)) = (message, self.expected.pop_front())
            else {
                continue;
            };
            let samples = step.samples.take();
            let found = HashedStep::of(*step, &self.status.clocks)?;
            self.observer.show(Committed::new(
                &found.entry,
                &found.parameters,
                samples.as_deref(),
                true,
            ));
            if let Err(difference) = StepDifference::check(&found.entry, &expected) {
                if self.segment.tolerance().is_none() {
                    self.segment
                        .set(SegmentComparison::Differs(difference.clone()));
                    return Err(ResumeError::Diverged(difference).into());
                }
                first.get_or_insert(difference);
            }
            self.segment.count_compared();
            if self.expected.is_empty() {
                self.segment.set(match first.take() {
                    None => SegmentComparison::Exact {
                        steps: self.segment.entries(),
                    },
                    Some(first) => self.measured(&found, &expected, first),
                });
            }
        }
        Ok(())
    }

    /// How far the last model `found` is from the committed model of the entry `end`.
    fn measured(
        &self,
        found: &HashedStep,
        end: &Entry,
        first: StepDifference,
    ) -> SegmentComparison {
        let Some(root) = end.state_root() else {
            // Without a checkpoint there is no model to compare with.
            return SegmentComparison::Differs(first);
        };
        let committed = match self.committed(root, end) {
            Ok(committed) => committed,
            Err(reason) => {
                let step = end.step;
                return SegmentComparison::Damaged { step, reason };
            }
        };
        let start = match read_model(&self.first) {
            Ok(start) => start,
            Err(error) => {
                let (step, reason) = (self.segment.first_step(), error.to_string());
                return SegmentComparison::Damaged { step, reason };
            }
        };
        let optimizer = found.rest.as_ref().map_or(&[][..], optimizer_of);
        SegmentComparison::Apart {
            first,
            distance: relative_distance(&found.parameters, &committed, &start, optimizer),
            threshold: self.segment.tolerance().unwrap_or(Tolerance(0.0)),
        }
    }

    /// The committed model at the segment's end.
    fn committed(&self, root: StateRoot, end: &Entry) -> Result<Vec<NamedTensor>, String> {
        let files = self.segment.dir().checkpoint(root);
        let model = read_model(&files).map_err(|error| error.to_string())?;
        let found = parameter_root(&model).map_err(|error| error.to_string())?;
        if found == end.parameters {
            Ok(model)
        } else {
            Err(format!(
                "its model has parameter root {found}, the chain has {}",
                end.parameters
            ))
        }
    }
}

fn optimizer_of(rest: &Rest) -> &[NamedTensor] {
    &rest.optimizer
}
