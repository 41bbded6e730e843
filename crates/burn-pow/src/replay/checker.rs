//! Comparing the steps of a replayed segment with the chain, on a thread.

use super::distance::relative_distance;
use super::segment::{SegmentComparison, SegmentReplay, unloaded};
use crate::config::PowConfig;
use crate::error::{PowError, ResumeError, StepDifference};
use crate::pipeline::hashing::{HashedStep, Rest};
use crate::pipeline::message::Message;
use crate::pipeline::observer::Observer;
use crate::pipeline::status::Status;
use crate::pipeline::threads::spawn;
use crate::resume::point::ResumePoint;
use crate::resume::saved_state::SavedState;
use crate::state::deferred::read_model;
use crate::state::in_place::InPlace;
use crate::state::tensors::NamedTensor;
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
    /// Hashes parameters on the GPU, if the program asked for that.
    in_place: Option<InPlace>,
    status: Arc<Status>,
    observer: Observer,
}

impl Checker {
    /// Starts the thread. It ends when the returned sender is dropped.
    pub(crate) fn start(
        segment: &SegmentReplay,
        point: &ResumePoint,
        config: &PowConfig,
        status: &Arc<Status>,
        observer: &Observer,
    ) -> Result<(Sender<Message>, JoinHandle<()>), PowError> {
        let checker = Checker {
            segment: segment.clone(),
            expected: point.ahead.clone(),
            first: point.saved.files.clone(),
            in_place: config.in_place(),
            status: status.clone(),
            observer: observer.clone(),
        };
        let (outbox, inbox) = bounded(config.queue);
        let thread = spawn("comparing", status, move || checker.run(&inbox))?;
        Ok((outbox, thread))
    }

    /// Compares each step until the training closes the channel.
    fn run(mut self, inbox: &Receiver<Message>) -> Result<(), PowError> {
        let scale = self.segment.rate_scale();
        let mut first = None;
        let mut loss = None;
        for message in inbox {
            self.status
                .queued
                .fetch_sub(message.entries(), Ordering::Relaxed);
            let Message::Step(mut step) = message else {
                continue;
            };
            let Some(expected) = self.expected.pop_front() else {
                continue;
            };
            let samples = step.samples.take();
            let (in_place, is_shown) = (self.in_place.as_mut(), self.observer.is_set());
            let found = HashedStep::of(*step, in_place, is_shown, &self.status.clocks)?;
            self.observer.show(&found, samples.as_deref(), true);
            if let Err(difference) = StepDifference::check(&found.entry, &expected, scale) {
                if !difference.field.can_be_rounding() {
                    self.segment
                        .set(SegmentComparison::Differs(difference.clone()));
                    return Err(ResumeError::Diverged(difference).into());
                }
                // What must be exact is compared at every step that follows as well.
                first.get_or_insert(difference);
            }
            loss = larger(loss, loss_distance(found.entry.loss, expected.loss));
            self.segment.count_compared();
            if self.expected.is_empty() {
                self.segment.set(match first.take() {
                    None => SegmentComparison::Exact {
                        steps: self.segment.entries(),
                    },
                    Some(first) => self.measured(&found, &expected, first, loss),
                });
            }
        }
        if let Some(first) = first {
            // The training ended early.
            self.segment.set(SegmentComparison::Differs(first));
        }
        Ok(())
    }

    /// How far the last model `found` is from the committed model of the entry `end`.
    fn measured(
        &self,
        found: &HashedStep,
        end: &Entry,
        first: StepDifference,
        loss: Option<f64>,
    ) -> SegmentComparison {
        let model = found.parameters.tensors();
        let (Some(root), Some(rest), Some(model)) = (end.state_root(), &found.rest, model) else {
            // Without a checkpoint there is no model to compare with.
            return SegmentComparison::Differs(first);
        };
        let committed = match self.committed(root, end, rest) {
            Ok(committed) => committed,
            Err(comparison) => return comparison,
        };
        let Some(threshold) = self.segment.tolerance() else {
            return SegmentComparison::Differs(first);
        };
        let start = match read_model(&self.first) {
            Ok(start) => start,
            Err(error) => return unloaded(self.segment.first_step(), &error.into()),
        };
        let apart = relative_distance(model, &committed, &start, &rest.optimizer);
        SegmentComparison::Apart {
            first,
            distance: apart,
            threshold,
            loss,
        }
    }

    /// The committed model at the segment's end. Its positions must be those of the
    /// replayed state `rest`, because rounding changes none.
    fn committed(
        &self,
        root: StateRoot,
        end: &Entry,
        rest: &Rest,
    ) -> Result<Vec<NamedTensor>, SegmentComparison> {
        let unloaded = |error: PowError| unloaded(end.step, &error);
        let files = self.segment.dir().checkpoint(root);
        let saved = SavedState::load(&files, root, Some(*end)).map_err(unloaded)?;
        let positions = |scheduler, seed, cursor| {
            format!("scheduler_steps {scheduler}, seed_position {seed}, cursor {cursor}")
        };
        let (state, own) = (&saved.state, &rest.state);
        let committed = positions(state.scheduler_steps, state.seed_position, state.cursor);
        let replayed = positions(own.scheduler_steps, own.seed_position, own.cursor);
        if committed != replayed {
            let step = end.step;
            return Err(SegmentComparison::Malformed {
                reason: format!("the state of step {step} says {committed}, expected {replayed}"),
            });
        }
        read_model(&files).map_err(|error| unloaded(error.into()))
    }
}

/// The difference of two losses, as a share of the larger one. Infinite if only one is
/// a number, or the replay has none. `None` if none was recorded.
fn loss_distance(found: Option<u64>, expected: Option<u64>) -> Option<f64> {
    let expected = f64::from_bits(expected?);
    let Some(found) = found.map(f64::from_bits) else {
        return Some(f64::INFINITY);
    };
    let share = (found - expected).abs() / found.abs().max(expected.abs());
    Some(match found.to_bits() == expected.to_bits() {
        true => 0.0,
        // Neither near nor far: a NaN where the chain has a number, or the reverse.
        false if share.is_nan() => f64::INFINITY,
        false => share,
    })
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_compared_by_their_size() {
        let distance = |a: f64, b: f64| loss_distance(Some(a.to_bits()), Some(b.to_bits()));
        assert_eq!(distance(2.0, 2.0), Some(0.0));
        assert_eq!(distance(1.0, 2.0), Some(0.5));
        assert_eq!(distance(f64::NAN, f64::NAN), Some(0.0));
        assert_eq!(distance(f64::NAN, 1.0), Some(f64::INFINITY));
        assert_eq!(loss_distance(None, Some(0)), Some(f64::INFINITY));
        assert_eq!(loss_distance(Some(0), None), None);
        assert_eq!(loss_distance(None, None), None);
        assert_eq!(larger(Some(1.0), Some(2.0)), Some(2.0));
        assert_eq!(larger(Some(1.0), None), Some(1.0));
    }
}
