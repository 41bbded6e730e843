//! The parent's side.

use super::SHARED;
use super::limits::Limits;
use super::place::{Place, read, write};
use crate::replay::segment::{SegmentReplay, this_machine};
use crate::run::challenge::ReplayEvent;
use crate::run::replay_error::ReplayError;
use pow_audit::replay::{Executed, SegmentOutcome};
use std::io;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often the parent looks.
const TICK: Duration = Duration::from_millis(100);

/// Executes a segment in a process that `command` starts.
pub(super) fn execute(
    segment: &SegmentReplay,
    limits: Limits,
    mut command: Command,
    tell: &mut dyn FnMut(ReplayEvent<'_>) -> bool,
) -> Result<Executed, ReplayError> {
    let shared = tempfile::tempdir().map_err(ReplayError::Process)?;
    let place = Place(shared.path().to_owned());
    let prepared = write(&place.job(), &segment.to_job()).and_then(|()| match limits.memory {
        Some(bytes) => write(&place.memory(), &bytes.to_le_bytes()),
        None => Ok(()),
    });
    prepared.map_err(ReplayError::Process)?;
    command
        .env(SHARED, &place.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let child = command.spawn().map_err(ReplayError::Process)?;
    let mut running = Running {
        child: Killed(child),
        place,
        moved: Instant::now(),
    };
    let ended = running.wait(segment, limits, tell)?;
    let why = match ended {
        End::Exited(status) => match read(&running.place.result()).map_err(ReplayError::Process)? {
            Some(bytes) => return Ok(Executed::from_json(&bytes)?),
            None => format!("the process that replayed it ended without a result: {status}"),
        },
        End::Stood(limit) => format!(
            "the process that replayed it took no step for {} s and was ended",
            limit.as_secs()
        ),
    };
    let known = running.executed().map_err(ReplayError::Process)?;
    Ok(Executed {
        outcome: SegmentOutcome::NotChecked { why },
        machine: known.map_or_else(this_machine, |known| known.machine),
    })
}

/// How a child ended.
enum End {
    Exited(ExitStatus),
    /// It took no step for so long.
    Stood(Duration),
}

struct Running {
    child: Killed,
    place: Place,
    /// When it last compared an entry.
    moved: Instant,
}

/// A child that does not outlive this value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn wait(
        &mut self,
        segment: &SegmentReplay,
        limits: Limits,
        tell: &mut dyn FnMut(ReplayEvent<'_>) -> bool,
    ) -> Result<End, ReplayError> {
        loop {
            let status = self.child.0.try_wait().map_err(ReplayError::Process)?;
            let compared = self.compared().map_err(ReplayError::Process)?;
            if compared > segment.compared() {
                segment.set_compared(compared);
                self.moved = Instant::now();
            }
            if let Some(known) = self.executed().map_err(ReplayError::Process)? {
                segment.runs_on(known.machine);
            }
            if !tell(ReplayEvent::Runs(segment)) {
                return Err(ReplayError::Stopped);
            }
            if let Some(status) = status {
                return Ok(End::Exited(status));
            }
            if self.moved.elapsed() > limits.step {
                return Ok(End::Stood(limits.step));
            }
            sleep(TICK);
        }
    }

    fn compared(&self) -> io::Result<u64> {
        let bytes = read(&self.place.compared())?.unwrap_or_default();
        Ok(bytes.try_into().map_or(0, u64::from_le_bytes))
    }

    /// What the child has said about its machine.
    fn executed(&self) -> io::Result<Option<Executed>> {
        let bytes = read(&self.place.machine())?;
        Ok(bytes.and_then(|bytes| Executed::from_json(&bytes).ok()))
    }
}
