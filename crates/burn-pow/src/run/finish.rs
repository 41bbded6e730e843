//! The end of a run.

use super::PowRun;
use crate::error::{PowError, Unfinished};
use crate::pipeline::final_wait::FinalWait;
use crate::pipeline::stages::Stages;
use crate::pipeline::status::{EngineFaults, Status};
use crate::state::trainee::Parameters;
use burn::module::Module;
use pow_audit::display::printable;
use pow_core::body::{Ending, StepNumber};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::search::EngineError;
use pow_ledger::RunDir;
use std::io::{self, Write};
use std::time::Duration;

/// How a run ended.
#[derive(Clone, Debug)]
#[must_use]
#[non_exhaustive]
pub enum Finished {
    /// The chain has its final block.
    Sealed(RunSummary),
    /// The run was stopped, and is set to
    /// [pause](crate::PowConfig::pause_when_stopped). It can be
    /// [resumed](crate::Action::Resume).
    Paused(Unfinished),
    /// The run was stopped again while its last blocks were mined. The chain keeps the
    /// blocks that were mined, and has no final block.
    Interrupted(Unfinished),
    /// A segment was [replayed](crate::Action::Replay). Its
    /// [`SegmentReplay`](crate::SegmentReplay) has the result.
    Replayed,
}

/// What was recorded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunSummary {
    /// The run's directory.
    pub dir: RunDir,
    /// Hash of the genesis block. It identifies the chain, and others can pin it.
    pub genesis: BlockHash,
    /// Hash of the final block.
    pub head: BlockHash,
    /// Height of the final block.
    pub height: Height,
    /// The last committed step. Its model is the artifact. (If a run is stopped within
    /// an accumulation, this is the last step committed before it.)
    pub steps: StepNumber,
    /// The time that training waited for the recorder.
    pub waited: Duration,
    /// The time of each stage of the recording.
    pub stages: Box<Stages>,
    /// The engines that failed while others continued to mine, each with its error.
    pub failed_engines: Vec<EngineError>,
    /// How many wrong nonces engines proposed. They were searched again, and none is in
    /// the chain.
    pub wrong_nonces: u64,
}

impl Finished {
    /// What was recorded, if the chain has its final block.
    pub fn sealed(self) -> Option<RunSummary> {
        match self {
            Finished::Sealed(summary) => Some(summary),
            _ => None,
        }
    }
}

impl PowRun {
    /// Ends the run: writes the artifact, seals the final block, and waits for both.
    /// `model` is the model after the last step. If a run has taken fewer steps than
    /// planned, `Ending::Completed` is recorded as `Ending::Stopped`.
    ///
    /// A wait of more than a second is announced on standard error. A stop through the
    /// interrupter ends the wait; the artifact is written all the same. An earlier
    /// stop is [reset](burn::train::Interrupter::reset) first.
    ///
    /// # Errors
    ///
    /// [`PowError`] if no step was recorded, the model is not the one after the last
    /// step, or anything could not be recorded. The chain then has no final block.
    pub fn finish<M: Module>(self, model: &M, ending: Ending) -> Result<Finished, PowError> {
        self.finish_by(model, ending)
    }

    pub(super) fn finish_by(
        self,
        model: &impl Parameters,
        ending: Ending,
    ) -> Result<Finished, PowError> {
        let pauses = ending == Ending::Stopped && self.pauses();
        match pauses && !self.is_replay() {
            true => self.pause(),
            false => self.end(model, ending),
        }
    }

    /// Whether a stop pauses the run.
    pub(crate) fn pauses(&self) -> bool {
        self.recorder.config().pauses || self.recorder.is_asked_to_pause()
    }

    /// Seals the steps that the run has, without a final block.
    pub(crate) fn pause(mut self) -> Result<Finished, PowError> {
        let has_started = self.recorder.has_started();
        self.close();
        self.status.check()?;
        match has_started {
            true => Ok(Finished::Paused(self.status.unfinished())),
            false => Err(PowError::NotStarted),
        }
    }

    /// The same as [`finish`](Self::finish), but never pauses.
    pub(crate) fn end(
        mut self,
        model: &impl Parameters,
        ending: Ending,
    ) -> Result<Finished, PowError> {
        let status = self.status.clone();
        let mut wait = self.final_wait(&status);
        if self.is_replay() {
            self.join(&mut wait);
            status.check()?;
            return Ok(Finished::Replayed);
        }
        self.recorder.end(model, ending, &mut wait)?;
        self.join(&mut wait);
        status.check()?;
        let Some(sealed) = status.last_sealed().filter(|sealed| sealed.is_final) else {
            return Ok(Finished::Interrupted(status.unfinished()));
        };
        let faults = status.engine_faults();
        Ok(Finished::Sealed(RunSummary {
            dir: self.dir.clone(),
            genesis: sealed.genesis,
            head: sealed.head,
            height: sealed.height,
            steps: sealed.step.ok_or(PowError::NotStarted)?,
            waited: status.waited(),
            stages: Box::new(status.clocks.stages()),
            failed_engines: faults.failed,
            wrong_nonces: faults.wrong_nonces,
        }))
    }

    fn final_wait<'a>(&self, status: &'a Status) -> FinalWait<'a> {
        let wait = FinalWait::new(status, self.recorder.interrupter());
        self.recorder.training_is_over();
        wait
    }

    /// Lets the threads seal what they have, and waits for them.
    fn join(&mut self, wait: &mut FinalWait<'_>) {
        self.recorder.close(wait);
        self.status.wait_for_threads(|| wait.look());
        for thread in self.threads.drain(..) {
            // The status has a panic of the thread already.
            let _ = thread.join();
        }
        // Not earlier, because the dashboard would hide it. A closed stderr is no error.
        let _ = tell(&self.status.engine_faults());
    }

    /// Ends a run that was not finished.
    pub(crate) fn close(&mut self) {
        let status = self.status.clone();
        let mut wait = self.final_wait(&status);
        self.join(&mut wait);
        if !self.is_replay() && !self.recorder.has_started() {
            // If the directory cannot be removed, it stays.
            let _ = self.dir.remove_unused();
        }
    }
}

/// Prints what went wrong with engines, and what mined instead.
fn tell(faults: &EngineFaults) -> io::Result<()> {
    let mut notes = io::stderr();
    let mining = printable(&faults.mining);
    for error in &faults.failed {
        let error = printable(&error.to_string());
        writeln!(notes, "an engine failed and was not used any more: {error}")?;
    }
    if !faults.failed.is_empty() {
        writeln!(notes, "mining went on with {mining}")?;
    }
    match faults.wrong_nonces {
        0 => Ok(()),
        wrong => writeln!(notes, "wrong nonces that were searched again: {wrong}"),
    }
}

impl Drop for PowRun {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.close();
        }
    }
}
