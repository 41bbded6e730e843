//! The child's side.

use super::SHARED;
use super::limits::limit_memory;
use super::place::{Place, read, write};
use crate::replay::executed::execute;
use crate::replay::segment::SegmentReplay;
use crate::run::Action;
use pow_audit::replay::{Machine, ReportError};
use pow_core::codec::DecodeError;
use pow_ledger::RunDir;
use std::fmt::Display;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often the child says how far it is.
const TICK: Duration = Duration::from_millis(50);

/// The segment that this process was started to replay.
#[derive(Debug)]
pub struct ChildSegment {
    segment: SegmentReplay,
    place: Place,
}

/// Why a process cannot replay the segment that it was started for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// A file of the shared directory could not be read or written.
    #[error("cannot exchange files with the process that started this one: {0}")]
    Io(#[from] io::Error),
    /// The segment is not in the form in which a parent writes it.
    #[error("the segment to replay: {0}")]
    Job(#[from] DecodeError),
    /// The result could not be written.
    #[error(transparent)]
    Result(#[from] ReportError),
}

impl ChildSegment {
    /// The segment that a parent process started this one for. `None` if it was started
    /// by somebody else. From here on, this process has the memory limit of the parent.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if the parent's files cannot be read.
    pub fn of_parent(run: &RunDir) -> Result<Option<Self>, ChildError> {
        let Some(place) = std::env::var_os(SHARED) else {
            return Ok(None);
        };
        let place = Place(place.into());
        if let Some(bytes) = read(&place.memory())?
            && let Ok(bytes) = bytes.try_into()
        {
            limit_memory(u64::from_le_bytes(bytes));
        }
        let job = std::fs::read(place.job())?;
        let segment = SegmentReplay::from_job(run.clone(), &job)?;
        Ok(Some(ChildSegment { segment, place }))
    }

    /// Executes the segment with the program, and tells the parent the result.
    ///
    /// # Errors
    ///
    /// [`ChildError`] if the result cannot be written.
    pub fn execute<E: Display>(
        self,
        program: impl FnOnce(Action) -> Result<(), E>,
    ) -> Result<(), ChildError> {
        let ChildSegment { segment, place } = self;
        let (done, is_done) = channel::<()>();
        let executed = thread::scope(|scope| {
            let (segment, place) = (&segment, &place);
            scope.spawn(move || {
                let mut said = Said::default();
                loop {
                    let waited = is_done.recv_timeout(TICK);
                    // The result says all of this too, so a failure here is no error.
                    let _ = said.say(segment, place);
                    if waited != Err(RecvTimeoutError::Timeout) {
                        break;
                    }
                }
            });
            let executed = execute(segment, |segment| program(Action::Replay(segment)));
            drop(done);
            executed
        });
        write(&place.result(), executed.to_json()?.as_bytes())?;
        Ok(())
    }
}

/// What the parent was told.
#[derive(Default)]
struct Said {
    /// Entries compared, and steps taken.
    progress: [u64; 2],
    machine: Option<Machine>,
}

impl Said {
    fn say(&mut self, segment: &SegmentReplay, place: &Place) -> Result<(), ChildError> {
        let progress = [segment.compared(), segment.steps()];
        if progress != self.progress {
            let bytes = progress.map(u64::to_le_bytes).concat();
            write(&place.progress(), &bytes)?;
            self.progress = progress;
        }
        let machine = segment.machine();
        if let Some(now) = &machine
            && machine != self.machine
        {
            write(&place.machine(), now.to_json()?.as_bytes())?;
            self.machine = machine;
        }
        Ok(())
    }
}
