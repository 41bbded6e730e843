//! The parent's side.

use super::SHARED;
use super::limits::Limits;
use super::place::{Place, read, write};
use crate::replay::segment::{SegmentReplay, this_machine};
use crate::run::challenge::ReplayEvent;
use crate::run::replay_error::ReplayError;
use pow_audit::display::printable;
use pow_audit::replay::{Executed, Machine, SegmentOutcome};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often the parent looks.
const TICK: Duration = Duration::from_millis(100);

/// The longest part of a line that is read at once, in bytes.
const MAX_LINE: u64 = 4096;

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
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(ReplayError::Process)?;
    if let Some(errors) = child.stderr.take() {
        // It ends with the child.
        std::thread::spawn(move || pass_on(errors));
    }
    let mut running = Running {
        child: Killed(child),
        place,
        steps: 0,
        began: Instant::now(),
        moved: Instant::now(),
    };
    let ended = running.wait(segment, limits, tell)?;
    let why = match ended {
        End::Exited(status) => match read(&running.place.result()).map_err(ReplayError::Process)? {
            Some(bytes) => match Executed::from_json(&bytes) {
                Ok(executed) => return Ok(executed),
                Err(error) => {
                    format!("the process that replayed it left no valid result: {error}")
                }
            },
            None => format!("the process that replayed it ended without a result: {status}"),
        },
        End::Stood(limit) => format!(
            "the process that replayed it took no step for {} s and was ended",
            limit.as_secs()
        ),
        End::Late(limit) => format!(
            "the process that replayed it ran for {} s and was ended",
            limit.as_secs()
        ),
    };
    let known = running.machine().map_err(ReplayError::Process)?;
    Ok(Executed {
        outcome: SegmentOutcome::NotChecked { why },
        machine: known.unwrap_or_else(this_machine),
    })
}

/// How a child ended.
enum End {
    Exited(ExitStatus),
    /// It took no step for so long.
    Stood(Duration),
    /// It ran for so long.
    Late(Duration),
}

/// Prints what a child writes to standard error. A stranger's run may be the reason for
/// it, so everything but line breaks is escaped.
fn pass_on(errors: impl Read) {
    let mut errors = BufReader::new(errors);
    let mut line = Vec::new();
    // A longer line is printed in parts.
    while let Ok(1..) = (&mut errors).take(MAX_LINE).read_until(b'\n', &mut line) {
        let text = String::from_utf8_lossy(&line);
        // A closed stderr is no error.
        let _ = writeln!(
            std::io::stderr(),
            "{}",
            printable(text.trim_end_matches('\n'))
        );
        line.clear();
    }
}

struct Running {
    child: Killed,
    place: Place,
    steps: u64,
    began: Instant,
    /// When it last took a step.
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
            let [compared, steps] = self.progress().map_err(ReplayError::Process)?;
            segment.set_compared(compared);
            if steps > self.steps {
                self.steps = steps;
                self.moved = Instant::now();
            }
            if let Some(machine) = self.machine().map_err(ReplayError::Process)? {
                segment.runs_on(machine);
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
            if let Some(limit) = limits.segment.filter(|limit| self.began.elapsed() > *limit) {
                return Ok(End::Late(limit));
            }
            sleep(TICK);
        }
    }

    /// The entries compared, and the steps taken.
    fn progress(&self) -> io::Result<[u64; 2]> {
        let bytes = read(&self.place.progress())?.unwrap_or_default();
        Ok(match bytes.as_chunks::<8>() {
            ([compared, steps], []) => [*compared, *steps].map(u64::from_le_bytes),
            _ => [0; 2],
        })
    }

    /// What the child has said about its machine.
    fn machine(&self) -> io::Result<Option<Machine>> {
        let bytes = read(&self.place.machine())?;
        Ok(bytes.and_then(|bytes| Machine::from_json(&bytes).ok()))
    }
}
