//! Replaying the segments of a challenge, and reporting the results.

use super::Action;
use super::challenged::entries;
use super::replay_error::ReplayError;
use crate::replay::executed::execute;
use crate::replay::segment::{SegmentReplay, Tolerance};
use pow_audit::replay::{
    Again, Challenge, Comparability, Executed, Judgement, Machine, Missing, ReplayReport, Segment,
    SegmentOutcome, SegmentResult, Segments, Shard,
};
use pow_ledger::RunDir;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

/// What a replay does next, or has done.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ReplayEvent<'a> {
    /// The replay of a segment starts. The [`SegmentReplay`] knows how far it is.
    Began(&'a Segment, &'a SegmentReplay),
    /// A segment is executed a second time, or besides the challenge, because it or
    /// another one differed.
    Repeats(&'a Segment, &'a SegmentReplay),
    /// A process replays a segment. The [`SegmentReplay`] knows how far it is, and on
    /// which machine as soon as the process has said so.
    Runs(&'a SegmentReplay),
    /// The segment was replayed, with this result.
    Ended(&'a SegmentResult),
}

/// Replays the segments of a challenge, or of one part of it, and reports the results.
///
/// `program` is the program that recorded the run. It is called once for each segment,
/// and opens its [`PowRun`](crate::PowRun) with the [`Action`] it is given. `tell` is
/// called before and after each segment. If it returns false, the replay stops.
///
/// If a segment differs although this machine computes as the recording one did, it is
/// executed a second time. If no segment of the challenge comes out bit for bit then,
/// another segment is executed besides the challenge. So the report has what an
/// accusation needs ([`ReplayReport::judge`]).
///
/// An error of `program` ends the segment. If nothing was compared before the error,
/// the segment counts as refused, with that error as the reason. A panic is caught, and
/// the segment was then not checked. A run from a stranger can do worse than that: see
/// [`replay_in_children`](crate::replay_in_children).
///
/// ```no_run
/// # use burn_pow::{Action, PowError, replay};
/// # use pow_audit::replay::{Amount, Challenge, Segments, Shard};
/// # use pow_core::challenge::ChallengeSource;
/// # use pow_ledger::RunDir;
/// # fn train(action: Action) -> Result<(), PowError> { Ok(()) }
/// let run = RunDir::new("runs/mine");
/// let segments = Segments::of(&run, None, &mut |_| {})?;
/// let challenge = Challenge::draw(&segments, ChallengeSource::Head, Amount::default(), [])?;
/// let report = replay(&run, &segments, challenge, Shard::WHOLE, None, train, |_| true)?;
/// report.write("replay.json".as_ref())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`ReplayError`] if the chain cannot be read again, or the replay was stopped. If a
/// segment differs, this is a result and not an error.
pub fn replay<E: Display>(
    run: &RunDir,
    segments: &Segments,
    challenge: Challenge,
    shard: Shard,
    tolerance: Option<Tolerance>,
    mut program: impl FnMut(Action) -> Result<(), E>,
    tell: impl FnMut(ReplayEvent<'_>) -> bool,
) -> Result<ReplayReport, ReplayError> {
    let execute = |segment: &SegmentReplay, _: &mut dyn FnMut(ReplayEvent<'_>) -> bool| {
        Ok(execute(segment, |segment| program(Action::Replay(segment))))
    };
    replay_by(run, segments, challenge, shard, tolerance, execute, tell)
}

/// The same as [`replay`], where `execute` executes a segment.
pub(crate) fn replay_by(
    run: &RunDir,
    segments: &Segments,
    challenge: Challenge,
    shard: Shard,
    tolerance: Option<Tolerance>,
    execute: impl Execute,
    tell: impl FnMut(ReplayEvent<'_>) -> bool,
) -> Result<ReplayReport, ReplayError> {
    let challenged = challenge.part(shard);
    let chosen = challenged.iter().filter_map(|index| segments.get(*index));
    let mut chosen: Vec<Segment> = chosen.collect();
    let control = segments
        .iter()
        .find(|segment| segment.from_step.0 > 0 && !challenged.contains(&segment.index));
    chosen.extend(control);
    chosen.sort_by_key(|segment| segment.index);
    let genesis = segments.chain().genesis();
    let (chosen_entries, keys) = entries(run, segments, &chosen)?;
    let keys = Arc::new(keys);
    let replays = chosen_entries.into_iter().map(|entries| {
        SegmentReplay::new(
            run.clone(),
            genesis.clone(),
            entries,
            keys.clone(),
            tolerance,
        )
    });
    let (mut control_replay, mut jobs) = (None, Vec::new());
    for (segment, replay) in chosen.into_iter().zip(replays) {
        match Some(segment) == control {
            true => control_replay = Some((segment, replay)),
            false => jobs.push((segment, replay)),
        }
    }
    let mut session = Session {
        recorded: Machine::of_genesis(genesis),
        execute,
        tell,
    };
    let results: Result<Vec<_>, _> = jobs.iter().map(|job| session.result(job)).collect();
    let mut report = ReplayReport::new(segments, challenge.clone(), shard, results?)?;
    if let Some((segment, replay)) = control_replay
        && needs_control(&report)
    {
        session.tell(ReplayEvent::Repeats(&segment, &replay))?;
        let executed = (session.execute)(&replay, &mut session.tell)?;
        if matches!(executed.outcome, SegmentOutcome::BitExact { .. }) {
            let with_control = |result: &SegmentResult| SegmentResult {
                control: (*result.machine == executed.machine).then_some(segment.index),
                ..result.clone()
            };
            let results = report.results().iter().map(with_control).collect();
            report = ReplayReport::new(segments, challenge, shard, results)?;
        }
    }
    Ok(report)
}

/// Whether another segment, reproduced bit for bit, would say more about one that
/// differs.
fn needs_control(report: &ReplayReport) -> bool {
    let lacks = |judged: &Judgement| match judged {
        Judgement::Unexplained(missing) => {
            missing.contains(&Missing::OtherSegment) || missing.contains(&Missing::Program)
        }
        _ => false,
    };
    report.judge_all().iter().any(lacks)
}

/// Executes a segment, and may tell meanwhile how far it is.
pub(crate) trait Execute:
    FnMut(&SegmentReplay, &mut dyn FnMut(ReplayEvent<'_>) -> bool) -> Result<Executed, ReplayError>
{
}

impl<X> Execute for X where
    X: FnMut(
        &SegmentReplay,
        &mut dyn FnMut(ReplayEvent<'_>) -> bool,
    ) -> Result<Executed, ReplayError>
{
}

/// Executes segments and tells about them.
struct Session<X, T> {
    recorded: Machine,
    execute: X,
    tell: T,
}

impl<X, T> Session<X, T>
where
    X: Execute,
    T: FnMut(ReplayEvent<'_>) -> bool,
{
    fn tell(&mut self, event: ReplayEvent<'_>) -> Result<(), ReplayError> {
        match (self.tell)(event) {
            true => Ok(()),
            false => Err(ReplayError::Stopped),
        }
    }

    fn result(
        &mut self,
        (segment, replay): &(Segment, SegmentReplay),
    ) -> Result<SegmentResult, ReplayError> {
        self.tell(ReplayEvent::Began(segment, replay))?;
        let began = Instant::now();
        let Executed {
            mut outcome,
            machine,
        } = (self.execute)(replay, &mut self.tell)?;
        let spent = began.elapsed();
        if let SegmentOutcome::Differs { field, .. } = outcome
            && field.can_be_rounding()
            && Comparability::of(&machine, &self.recorded) == Comparability::Measured
        {
            let second = replay.again();
            self.tell(ReplayEvent::Repeats(segment, &second))?;
            let second = (self.execute)(&second, &mut self.tell)?;
            let found = match second.outcome == outcome && second.machine == machine {
                true => Again::Same,
                false => Again::Other,
            };
            if let SegmentOutcome::Differs { again, .. } = &mut outcome {
                *again = Some(found);
            }
        }
        let result = SegmentResult {
            segment: *segment,
            outcome,
            machine: machine.into(),
            control: None,
            spent,
        };
        self.tell(ReplayEvent::Ended(&result))?;
        Ok(result)
    }
}
