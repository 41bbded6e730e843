//! Restoring the program's model and optimizer, in a resumed run or a replay.

use super::Recorder;
use super::begin::step_zero;
use super::neighbours::Training;
use super::progress::{Phase, Progress, RecorderState, Restored, SegmentEnd};
use crate::error::{PowError, ResumeError};
use crate::genesis::declaration::{DeclaredOrder, EpochShape};
use crate::genesis::machine::{notice, training_device};
use crate::genesis::probe::draws;
use crate::loader::Keys;
use crate::pipeline::message::Message;
use crate::resume::point::ResumePoint;
use crate::resume::saved_state::SavedState;
use crate::state::trainee::{Parameters, Trainee};
use burn::tensor::Device;
use pow_audit::replay::Machine;
use pow_core::body::StepNumber;
use pow_core::hash::BlockHash;
use std::io::Write;
use std::time::Instant;

impl Recorder {
    /// Whether the run starts at a resume point, and the program was not given its
    /// state yet.
    pub(crate) fn awaits_restore(&self) -> bool {
        let phase = &self.state().phase;
        matches!(phase, Phase::AwaitingRestore(_) | Phase::AwaitingOrigin(_))
    }

    /// Starts the run at its resume point. `give` gives the saved state to the
    /// program's model and optimizer, and returns the model.
    pub(crate) fn restore<M: Parameters, T>(
        &self,
        device: Option<&Device>,
        give: impl FnOnce(&SavedState) -> Result<(M, T), PowError>,
    ) -> Result<(M, T), PowError> {
        let mut state = self.state();
        if let Phase::AwaitingOrigin(taken) = &state.phase {
            let given = give(&taken.saved)?;
            let next = Phase::AwaitingStart(None);
            if let Phase::AwaitingOrigin(taken) = std::mem::replace(&mut state.phase, next) {
                state.taken_rest = (!taken.saved.weights_only).then_some(taken.saved);
            }
            return Ok(given);
        }
        let Phase::AwaitingRestore(point) = &state.phase else {
            return Err(PowError::Already("has started"));
        };
        self.note_machine(device, point);
        let restored = check_position(&state, point)
            // The scheduler is stepped as often as the checkpoint says, so this is first.
            .and_then(|()| give(&point.saved))
            .and_then(|(model, given)| {
                let progress = self.progress_at(&model, &state, point)?;
                Ok((model, given, progress))
            });
        let (model, given, progress) = restored.inspect_err(|error| {
            if let (Some(segment), Some(device)) = (&self.segment, device) {
                // No micro-batch will follow that would complete the probe.
                segment.add_to_probe(&draws(&training_device(device)));
            }
            self.note(error);
        })?;
        let Phase::AwaitingRestore(point) =
            std::mem::replace(&mut state.phase, Phase::Recording(progress))
        else {
            return Err(PowError::Already("has started"));
        };
        let saved = point.saved;
        let initial = saved.entry.is_none().then(|| model.parameters());
        state.restored = Some(Restored { saved, initial });
        state.training = Some(Training::begins());
        Ok((model, given))
    }

    /// Notes where a segment is replayed, or says how the machine that resumes a run
    /// differs from the first.
    fn note_machine(&self, device: Option<&Device>, point: &ResumePoint) {
        if let Some(segment) = &self.segment {
            return segment.runs_on(self.machine(device));
        }
        let recorded = Machine::of_genesis(&point.genesis);
        if let Some(line) = notice(&self.machine(device), &recorded) {
            // A closed stderr must not end the training.
            let _ = writeln!(std::io::stderr(), "{line}");
        }
    }

    /// The progress at a resume point, if the program still declares the same.
    fn progress_at(
        &self,
        model: &impl Parameters,
        state: &RecorderState,
        point: &ResumePoint,
    ) -> Result<Progress, PowError> {
        let data = state.data.clone();
        let epoch = EpochShape::of(&data.order);
        let schedule = self.config.schedule(epoch.map(EpochShape::steps))?;
        self.declaration(model, schedule, data)?
            .compare(&point.genesis)?;
        let StepNumber(step) = point.saved.step();
        let learning_rate = point.saved.entry.and_then(|entry| entry.learning_rate);
        Ok(Progress {
            schedule,
            epoch,
            thread: None,
            step,
            committed: step,
            learning_rate: learning_rate.map(f64::from_bits),
            until: self.segment.as_ref().map(|segment| SegmentEnd {
                step: segment.end().step.0,
                has_checkpoint: segment.end().rest.is_some(),
            }),
        })
    }

    /// At the first step after a restore: checks the optimizer, which
    /// [`restore`](Self::restore) did not see.
    pub(super) fn check_restored(
        &self,
        state: &mut RecorderState,
        restored: Restored,
        trainee: &impl Trainee,
    ) -> Result<(), PowError> {
        restored.saved.check_rest(trainee.rest())?;
        if let Phase::Recording(progress) = &mut state.phase {
            progress.thread = Some(std::thread::current().id());
        }
        let Some(parameters) = restored.initial else {
            return Ok(());
        };
        let initial = step_zero(parameters, trainee);
        self.send(state, Message::Step(Box::new(initial)))
    }
}

/// Checks that the positions in a checkpoint are those of its step. They follow from
/// the order that genesis declares, so a program cannot have reached others.
fn check_position(state: &RecorderState, point: &ResumePoint) -> Result<(), PowError> {
    let orders = [&DeclaredOrder::of(&point.genesis), &state.data.order];
    let [Some(epoch), Some(_)] = orders.map(EpochShape::of) else {
        return Err(ResumeError::ForeignOrder.into());
    };
    let (saved, step) = (&point.saved.state, point.saved.step());
    let micro_batches = epoch.micro_batches_until(step.0);
    let positions = [
        ("scheduler_steps", saved.scheduler_steps, step.0),
        ("seed_position", saved.seed_position, micro_batches),
        ("cursor", saved.cursor, micro_batches),
    ];
    let wrong = positions
        .into_iter()
        .find(|(_, found, expected)| found != expected);
    match wrong {
        None => Ok(()),
        Some((what, found, expected)) => Err(ResumeError::Position {
            step,
            what,
            found,
            expected,
        }
        .into()),
    }
}

impl Keys for Recorder {
    fn key(&self, step: StepNumber) -> Option<BlockHash> {
        if let Some(key) = self.status.key(step) {
            return Some(key);
        }
        let began = Instant::now();
        let key = if self.is_replay() {
            Err(ResumeError::NoKey(step).into())
        } else {
            self.status.wait_for_key(step, &self.interrupter())
        };
        self.status.add_wait(began.elapsed());
        match key {
            Ok(key) => Some(key),
            Err(error) => {
                self.keep_going(Err(error));
                None
            }
        }
    }
}
