//! Replaying each segment in a process of its own, with limits. Whatever a run makes
//! the program do there (panic, abort, run out of memory, hang), this process writes a
//! report.

mod child;
mod limits;
mod parent;
mod place;

pub use child::{ChildError, ChildSegment};
pub use limits::Limits;

use super::challenge::{ReplayEvent, replay_by};
use super::replay_error::ReplayError;
use crate::replay::segment::Tolerance;
use pow_audit::replay::{Challenge, ReplayReport, Segments, Shard};
use pow_ledger::RunDir;
use std::process::Command;

/// The environment variable with the directory that parent and child share.
const SHARED: &str = "BURN_POW_SEGMENT";

/// The same as [`replay`](crate::replay), but each segment is executed by a process of
/// its own, within `limits`.
///
/// `command` makes the command that starts this program once more, with the same run.
/// The program asks [`ChildSegment::of_parent`] early. In the child, that is the
/// segment to execute. The child gets all that it needs of the chain from this process,
/// and does not read the chain. Its standard output is closed. If a child ends without a
/// result or breaks a limit, its segment was not checked.
///
/// `tell` is also called ten times a second while a child runs
/// ([`ReplayEvent::Runs`]).
///
/// ```no_run
/// # use burn_pow::{Action, ChildSegment, Limits, PowError, replay_in_children};
/// # use pow_audit::replay::{Amount, Challenge, Segments, Shard};
/// # use pow_core::challenge::ChallengeSource;
/// # use pow_ledger::RunDir;
/// # use std::process::Command;
/// # fn train(action: Action) -> Result<(), PowError> { Ok(()) }
/// let run = RunDir::new("runs/mine");
/// if let Some(segment) = ChildSegment::of_parent(&run)? {
///     return Ok(segment.execute(train)?);
/// }
/// let program = std::env::current_exe()?;
/// let segments = Segments::of(&run, None, &mut |_| {})?;
/// let challenge = Challenge::draw(&segments, ChallengeSource::Head, Amount::default(), [])?;
/// let report = replay_in_children(
///     &run,
///     &segments,
///     challenge,
///     Shard::WHOLE,
///     None,
///     Limits::default(),
///     || Command::new(&program),
///     |_| true,
/// )?;
/// report.write("replay.json".as_ref())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`replay`](crate::replay); [`ReplayError::Process`] if no child can be started.
#[allow(
    clippy::too_many_arguments,
    reason = "the arguments of replay, and two more"
)]
pub fn replay_in_children(
    run: &RunDir,
    segments: &Segments,
    challenge: Challenge,
    shard: Shard,
    tolerance: Option<Tolerance>,
    limits: Limits,
    command: impl Fn() -> Command,
    tell: impl FnMut(ReplayEvent<'_>) -> bool,
) -> Result<ReplayReport, ReplayError> {
    replay_by(
        run,
        segments,
        challenge,
        shard,
        tolerance,
        |segment, tell| parent::execute(segment, limits, command(), tell),
        tell,
    )
}
