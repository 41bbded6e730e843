//! Replaying the segments of a challenge, and reporting the results.

use super::Action;
use crate::error::StepDifference;
use crate::replay::segment::{SegmentComparison, SegmentReplay, Tolerance, this_machine};
use pow_audit::replay::{
    Challenge, Decimal, EntryField, Machine, ReplayReport, ReportError, Segment, SegmentEnd,
    SegmentOutcome, SegmentResult, Segments, Shard,
};
use pow_audit::walk::walk;
use pow_core::body::{BodyKind, Entry, StepNumber};
use pow_core::hash::BlockHash;
use pow_ledger::{LedgerError, RunDir};
use std::fmt::Display;
use std::sync::Arc;
use std::time::Instant;

/// How the distance of a replay with a tolerance is measured.
const METRIC: &str = "Euclidean distance of the segment's last model from the committed one, over \
                      the tensors that the optimizer has state for, divided by that of the \
                      committed one from the segment's first";

/// Why a replay has no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The chain could not be read or verified again.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The chain changed while it was replayed.
    #[error("the chain changed while it was replayed: its genesis is {found}, expected {expected}")]
    Changed {
        /// Hash of the genesis block in the file now.
        found: BlockHash,
        /// Hash of the genesis block that was challenged.
        expected: BlockHash,
    },
    /// The program was stopped.
    #[error("stopped before every segment was replayed")]
    Stopped,
    /// The results contradict each other.
    #[error(transparent)]
    Report(#[from] ReportError),
}

/// What a replay does next, or has done.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ReplayEvent<'a> {
    /// The replay of a segment starts. The [`SegmentReplay`] knows how far it is.
    Began(&'a Segment, &'a SegmentReplay),
    /// The segment was replayed, with this result.
    Ended(&'a SegmentResult),
}

/// Replays the segments of a challenge, or of one part of it, and reports the results.
///
/// `program` is the program that recorded the run. It is called once for each segment,
/// and opens its [`PowRun`](crate::PowRun) with the [`Action`] it is given. `tell` is
/// called before and after each segment. If it returns false, the replay stops.
///
/// An error of `program` ends the segment. If nothing was compared before the error,
/// the segment counts as refused, with that error as the reason.
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
    mut tell: impl FnMut(ReplayEvent<'_>) -> bool,
) -> Result<ReplayReport, ReplayError> {
    let chosen: Vec<Segment> = challenge
        .part(shard)
        .into_iter()
        .filter_map(|index| segments.get(index))
        .collect();
    let genesis = segments.chain().genesis();
    let recorded = Machine::of_genesis(genesis);
    let mut results = Vec::new();
    let (chosen_entries, keys) = entries(run, segments, &chosen)?;
    let keys = Arc::new(keys);
    for (segment, entries) in chosen.iter().zip(chosen_entries) {
        let (run, genesis, keys) = (run.clone(), genesis.clone(), keys.clone());
        let replay = SegmentReplay::new(run, genesis, entries, keys, tolerance);
        if !tell(ReplayEvent::Began(segment, &replay)) {
            return Err(ReplayError::Stopped);
        }
        let began = Instant::now();
        let ended = program(Action::Replay(replay.clone()));
        let spent = began.elapsed();
        let machine = replay.machine().unwrap_or_else(this_machine);
        let result = SegmentResult {
            segment: *segment,
            outcome: outcome(&replay, ended, &machine, &recorded),
            machine: machine.into(),
            spent,
        };
        if !tell(ReplayEvent::Ended(&result)) {
            return Err(ReplayError::Stopped);
        }
        results.push(result);
    }
    Ok(ReplayReport::new(segments, challenge, shard, results)?)
}

type Keys = Vec<(StepNumber, BlockHash)>;

/// The entry that a segment starts from, and the entries after it.
type SegmentEntries = (Entry, Vec<Entry>);

/// The entries of each chosen segment, and the hashes of the blocks that the order is
/// bound to, if it is.
fn entries(
    run: &RunDir,
    segments: &Segments,
    chosen: &[Segment],
) -> Result<(Vec<SegmentEntries>, Keys), ReplayError> {
    let is_bound = segments.chain().genesis().bound_order().is_some();
    let mut keys = Vec::new();
    let mut found: Vec<(Option<Entry>, Vec<Entry>)> = vec![(None, Vec::new()); chosen.len()];
    let expected = segments.chain().genesis_hash();
    let mut genesis = expected;
    walk(run, None, &mut |row, _| {
        genesis = row.chain.genesis_hash();
        let BodyKind::Steps(entries) = &row.block.body().kind else {
            return;
        };
        let hash = row.chain.head_hash();
        for entry in entries {
            if is_bound && entry.rest.is_some() {
                keys.push((entry.step, hash));
            }
            // Chosen segments are in order, and share at most the entry at an end.
            let first = chosen.partition_point(|segment| segment.to_step < entry.step);
            for (segment, found) in chosen.iter().zip(&mut found).skip(first).take(2) {
                if entry.step == segment.from_step {
                    found.0 = Some(*entry);
                } else if entry.step > segment.from_step && entry.step <= segment.to_step {
                    found.1.push(*entry);
                }
            }
        }
    })?;
    let changed = ReplayError::Changed {
        found: genesis,
        expected,
    };
    found
        .into_iter()
        .map(|(from, after)| Some((from?, after)))
        .collect::<Option<Vec<_>>>()
        .filter(|_| genesis == expected)
        .map(|found| (found, keys))
        .ok_or(changed)
}

fn outcome<E: Display>(
    replay: &SegmentReplay,
    ended: Result<(), E>,
    machine: &Machine,
    recorded: &Machine,
) -> SegmentOutcome {
    let Some(comparison) = replay.comparison() else {
        return SegmentOutcome::Refused {
            why: match ended {
                Err(error) => error.to_string(),
                Ok(()) => "the program ended before the segment did".into(),
            },
        };
    };
    match comparison {
        SegmentComparison::Exact { steps } => SegmentOutcome::BitExact { entries: steps },
        SegmentComparison::Differs(first) => differs(first, machine, recorded),
        SegmentComparison::Apart {
            first,
            distance,
            threshold,
        } => match (Decimal::new(threshold.0), Decimal::new(distance)) {
            (Some(threshold), Some(distance)) if is_computed(first.field) => {
                SegmentOutcome::Tolerance {
                    metric: METRIC.into(),
                    threshold,
                    distance,
                }
            }
            _ => differs(first, machine, recorded),
        },
        SegmentComparison::Absent(_) => SegmentOutcome::CheckpointAbsent {
            which: SegmentEnd::Start,
        },
        SegmentComparison::Damaged { step, reason } => SegmentOutcome::CheckpointDamaged {
            which: if step == replay.end().step {
                SegmentEnd::End
            } else {
                SegmentEnd::Start
            },
            why: reason,
        },
    }
}

/// Whether a field is computed from tensors, so that rounding can change it. If a rate
/// or an order differs, the program is another one.
fn is_computed(field: EntryField) -> bool {
    matches!(
        field,
        EntryField::Parameters | EntryField::State | EntryField::Loss
    )
}

/// A difference counts only if equal bits can be expected on the two machines.
fn differs(first: StepDifference, machine: &Machine, recorded: &Machine) -> SegmentOutcome {
    if first.field.is_exact_anywhere() || machine.is_comparable_with(recorded) {
        return SegmentOutcome::Differs {
            step: first.step.0,
            field: first.field,
            found: first.found,
            expected: first.expected,
        };
    }
    let places: Vec<String> = machine
        .differences(recorded)
        .iter()
        .filter(|difference| difference.part.affects_results())
        .map(ToString::to_string)
        .collect();
    SegmentOutcome::NotComparable {
        why: format!("{first}; {}", places.join("; ")),
    }
}
