//! What the training thread does for the record: it counts, seeds, takes snapshots
//! and sends them. Everything slow is done by other threads.

mod begin;
mod end;
mod first_step;
pub(crate) mod model;
mod neighbours;
mod progress;
mod restore;
mod step;
pub(crate) mod step_info;

use crate::config::PowConfig;
use crate::error::PowError;
use crate::genesis::declaration::{Data, EpochShape};
use crate::genesis::environment::{code, environment};
use crate::genesis::machine::training_device;
use crate::genesis::probe::{operations, probe};
use crate::loader::{Cursor, LoaderRegistry};
use crate::pipeline::message::Message;
use crate::pipeline::outbox::Outbox;
use crate::pipeline::status::Status;
use crate::replay::segment::SegmentReplay;
use crate::resume::origin::Taken;
use crate::resume::point::ResumePoint;
use burn::tensor::Device;
use burn::train::checkpoint::CheckpointerError;
use burn::train::{Interrupter, TrainingError};
use crossbeam_channel::Sender;
use pow_audit::replay::Machine;
use pow_core::body::CodeDigests;
use pow_core::extension::Parent;
use pow_ledger::space::Forecast;
use progress::{Phase, RecorderState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What the program asked for from outside of the training.
#[derive(Default)]
struct Pause {
    is_asked: AtomicBool,
    /// Whether the training has ended, so that only blocks are mined.
    is_over: AtomicBool,
}

pub(crate) struct Recorder {
    config: PowConfig,
    status: Arc<Status>,
    /// Counts the micro-batches trained on. The loader shares it.
    cursor: Cursor,
    /// Read when the run was opened, because the executable may be rebuilt later.
    code: CodeDigests,
    loaders: LoaderRegistry,
    /// The segment that is replayed. Absent if the run is recorded.
    segment: Option<SegmentReplay>,
    /// The state of another run that a new run goes on from.
    parent: Option<Parent>,
    /// Whether a recorded run started in another process.
    resumes: bool,
    pause: Pause,
    /// How much space the run will take, once that is known.
    pub(crate) forecast: OnceLock<Forecast>,
    /// Beside the state, which is locked while a message waits for room.
    interrupter: Mutex<Interrupter>,
    state: Mutex<RecorderState>,
}

impl Recorder {
    /// The recorder of a new run, or of one that starts at `point`: a resumed run, or
    /// a replay of `segment`.
    pub(crate) fn new(
        config: PowConfig,
        status: Arc<Status>,
        outbox: Sender<Message>,
        point: Option<ResumePoint>,
        segment: Option<SegmentReplay>,
    ) -> Self {
        let micro_batches = point.as_ref().map_or(0, |point| point.saved.state.cursor);
        let phase = match point {
            None => Phase::AwaitingStart(None),
            Some(point) => Phase::AwaitingRestore(Box::new(point)),
        };
        let state = RecorderState::new(Outbox::new(outbox, status.clone()), phase);
        Recorder {
            resumes: segment.is_none() && matches!(state.phase, Phase::AwaitingRestore(_)),
            parent: None,
            interrupter: Mutex::default(),
            code: code(&config),
            config,
            cursor: Cursor::at(micro_batches),
            status,
            loaders: LoaderRegistry::default(),
            segment,
            pause: Pause::default(),
            forecast: OnceLock::new(),
            state: Mutex::new(state),
        }
    }

    /// The same recorder, of a new run that goes on from this state of another.
    pub(crate) fn going_on_from(mut self, taken: Taken) -> Self {
        self.parent = Some(taken.parent);
        let state = self.state.get_mut();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        state.phase = Phase::AwaitingOrigin(Box::new(taken));
        self
    }

    pub(crate) fn config(&self) -> &PowConfig {
        &self.config
    }

    /// The epoch that the cursor is in. 0 if the order is not declared.
    pub(crate) fn epoch(&self) -> u64 {
        let epoch = EpochShape::of(&self.state().data.order);
        epoch.map_or(0, |epoch| self.cursor.get() / epoch.micro_batches)
    }

    /// Whether the cursor stands between two epochs.
    pub(crate) fn is_between_epochs(&self) -> bool {
        let (epoch, taken) = (EpochShape::of(&self.state().data.order), self.cursor.get());
        epoch.is_some_and(|epoch| taken > 0 && taken.is_multiple_of(epoch.micro_batches))
    }

    /// The number of steps taken, by earlier processes as well.
    pub(crate) fn steps(&self) -> u64 {
        match &self.state().phase {
            Phase::Recording(progress) => progress.step,
            Phase::AwaitingStart(_) | Phase::AwaitingOrigin(_) => 0,
            Phase::AwaitingRestore(point) => point.saved.step().0,
        }
    }

    /// Whether the next step is the last of its epoch. False if the order is not
    /// declared.
    pub(crate) fn ends_epoch(&self) -> bool {
        match &self.state().phase {
            Phase::Recording(progress) => (progress.epoch)
                .is_some_and(|epoch| (progress.step + 1).is_multiple_of(epoch.steps())),
            _ => false,
        }
    }

    pub(crate) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    pub(crate) fn loaders(&self) -> &LoaderRegistry {
        &self.loaders
    }

    /// Whether a segment is replayed, so that no block will be mined.
    pub(crate) fn is_replay(&self) -> bool {
        self.segment.is_some()
    }

    /// The machine that trains a model on `device`.
    pub(crate) fn machine(&self, device: Option<&Device>) -> Machine {
        let device = device.map(training_device);
        Machine {
            executable: self.code.executable,
            probe: device.as_ref().and_then(|device| probe(operations(device))),
            environment: environment(device.as_ref(), self.config.adapter.as_deref()),
        }
    }

    /// Notes in the segment that is replayed, if there is one, what an error says
    /// about it.
    fn note(&self, error: &PowError) {
        if let Some(segment) = &self.segment {
            segment.note(error);
        }
    }

    /// Sets what genesis declares about the data. Only once, before the first step.
    pub(crate) fn declare(&self, data: Data) -> Result<(), PowError> {
        let mut state = self.state();
        if matches!(state.phase, Phase::Recording(_)) || state.data.dataset.is_some() {
            return Err(PowError::Already("has its data"));
        }
        state.data = data;
        Ok(())
    }

    /// Refuses a loader with another number of items than the declared loader.
    pub(crate) fn check_loader(&self, found: usize) -> Result<(), PowError> {
        match self.state().data.order.epoch_len() {
            Some(items) if items as usize != found => Err(PowError::Config(format!(
                "the training's loader has {found} items, the run's own loader has {items}"
            ))),
            _ => Ok(()),
        }
    }

    /// Sets the handle that stops the training if recording fails. A stop through it
    /// ends the recorder's waits.
    pub(crate) fn stop_with(&self, interrupter: Interrupter) {
        *self
            .interrupter
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = interrupter;
    }

    pub(crate) fn interrupter(&self) -> Interrupter {
        let interrupter = self.interrupter.lock();
        interrupter.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the training to stop after its next committed step, which then keeps its
    /// whole state.
    pub(crate) fn ask_to_pause(&self) {
        let is_asked_again = self.pause.is_asked.swap(true, Ordering::SeqCst);
        if is_asked_again || self.pause.is_over.load(Ordering::SeqCst) {
            // No step follows.
            self.interrupter().stop(Some("the run pauses"));
        }
    }

    pub(crate) fn is_asked_to_pause(&self) -> bool {
        self.pause.is_asked.load(Ordering::SeqCst)
    }

    /// Whether the training should take no further step: it was stopped, the replayed
    /// segment has ended, or recording has failed.
    pub(crate) fn should_stop(&self) -> bool {
        let state = self.state();
        let segment_ended = match &state.phase {
            Phase::Recording(progress) => progress.segment_ended(),
            _ => false,
        };
        segment_ended || self.interrupter().should_stop() || self.status.check().is_err()
    }

    /// Stops the training if `result` is an error. Returns true if it is not an error. If
    /// the training was stopped already, there is nothing to do.
    pub(crate) fn keep_going(&self, result: Result<(), PowError>) -> bool {
        let error = match result {
            Ok(()) => return true,
            Err(PowError::Interrupted(_) | PowError::SegmentEnded(_)) => return false,
            Err(error) => error,
        };
        let message = format!("recording failed: {error}");
        self.status.fail(error);
        let interrupter = self.interrupter();
        interrupter.fail(TrainingError::from(CheckpointerError::Unknown(message)));
        false
    }

    /// Sends a message. A stop ends the wait for room.
    fn send(&self, state: &mut RecorderState, message: Message) -> Result<(), PowError> {
        state.outbox.send(message, &self.interrupter())
    }

    /// Sends the start of the run, if it was not sent yet.
    fn send_begin(&self, state: &mut RecorderState) -> Result<(), PowError> {
        match state.take_begin() {
            Some(begin) => self.send(state, begin),
            None => Ok(()),
        }
    }

    fn state(&self) -> MutexGuard<'_, RecorderState> {
        // A panic leaves at worst a step uncounted, and the chain's rules then refuse
        // what follows.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
