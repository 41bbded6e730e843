//! What a program does with a run's directory.

use crate::replay::segment::SegmentReplay;

/// What to do with a run's directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Record a new run. The directory must be empty or not exist.
    Create,
    /// Resume a run that was killed or paused, from its newest checkpoint, with the
    /// same settings, data and program. Steps that the chain has already are repeated
    /// and compared with it. The first step that differs ends the training with
    /// [`ResumeError::Diverged`](crate::ResumeError::Diverged).
    Resume,
    /// [Resume](Self::Resume) the run if its chain has begun, and
    /// [create](Self::Create) it otherwise, so that a job that a scheduler starts again
    /// needs no other command. What a writer left that was killed before its first
    /// block is removed, but no other files.
    CreateOrResume,
    /// Train one segment of a recorded run again, with the same settings, data and
    /// program, and compare every entry. Nothing is mined and no file is written. A
    /// launched training returns [`Outcome::Replayed`](crate::Outcome::Replayed). A
    /// custom loop stops when [`PowRun::should_stop`](crate::PowRun::should_stop)
    /// returns true, and [`PowRun::finish`](crate::PowRun::finish) returns
    /// [`Finished::Replayed`](crate::Finished::Replayed).
    Replay(SegmentReplay),
}
