//! The end of a run.

use super::Recorder;
use super::progress::{Phase, Progress};
use crate::error::PowError;
use crate::pipeline::final_wait::FinalWait;
use crate::pipeline::message::{Finish, Message, Step};
use crate::state::trainee::Parameters;
use pow_core::body::{Ending, StepNumber};
use std::sync::atomic::Ordering;

impl Recorder {
    /// Sends the end. Nothing can be recorded after it.
    pub(crate) fn end(
        &self,
        model: &impl Parameters,
        ending: Ending,
        wait: &mut FinalWait<'_>,
    ) -> Result<(), PowError> {
        self.status.check()?;
        let mut state = self.state();
        let Phase::Recording(progress) = state.phase else {
            return Err(PowError::NotStarted);
        };
        // The chain's rules would refuse the final block, after all steps were mined.
        let ending = match (ending, progress.schedule.planned) {
            (Ending::Completed, Some(planned)) if planned != progress.step => Ending::Stopped,
            (ending, _) => ending,
        };
        self.send_begin(&mut state)?;
        model.flush_statistics();
        let ran_on = state.pending.since_step > 0;
        let is_committed = progress.step == progress.committed;
        let last = (!is_committed && !ran_on).then(|| {
            let since = state.take_pending(progress.epoch.is_some());
            Step {
                number: StepNumber(progress.step),
                parameters: model.parameters(),
                trained: self.trained(model),
                batch: since.batch,
                samples: since.samples,
                moved: since.moved,
                loss: std::mem::take(&mut state.loss),
                learning_rate: progress.learning_rate,
                checkpoint: None,
            }
        });
        let finish = Finish {
            ending,
            model: model.parameters(),
            last,
            ran_on,
        };
        state.outbox.keep(Message::Finish(Box::new(finish)));
        state.outbox.send_all(wait)
    }

    /// How a training ended for which Burn reports no error and no stop. It was
    /// stopped after all if it has not reached its planned length, or if no length is
    /// planned and an epoch was broken off.
    pub(crate) fn natural_ending(&self) -> Ending {
        let completed = match self.state().phase {
            Phase::Recording(Progress { schedule, step, .. }) => match schedule.planned {
                Some(planned) => planned == step,
                None => !self.cursor.iterations().was_broken_off(),
            },
            _ => false,
        };
        if completed {
            Ending::Completed
        } else {
            Ending::Stopped
        }
    }

    /// Notes that no step follows, and that a stop now ends the mining.
    pub(crate) fn training_is_over(&self) {
        self.pause.is_over.store(true, Ordering::SeqCst);
    }

    /// Whether anything was sent.
    pub(crate) fn has_started(&self) -> bool {
        matches!(self.state().phase, Phase::Recording(_))
    }

    /// Closes the queue. The threads seal what they have, and end.
    pub(crate) fn close(&self, wait: &mut FinalWait<'_>) {
        let mut state = self.state();
        if let Some(begin) = state.take_begin() {
            state.outbox.keep(begin);
        }
        // The status has an error already, if there is one.
        let _ = state.outbox.send_all(wait);
        state.outbox.close();
    }
}
