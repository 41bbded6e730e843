//! The lines of the level REPLAY.

use crate::hex::to_hex;
use crate::replay::{
    Challenge, Machine, MachinePart, ReplayReport, SegmentEnd, SegmentOutcome, SegmentResult,
};
use pow_core::challenge::{ChallengeSource, ChallengeValue};
use std::collections::BTreeSet;

pub(super) fn challenge_line(challenge: &Challenge) -> String {
    let source = match challenge.source() {
        ChallengeSource::Head => "from the head alone".into(),
        ChallengeSource::Verifier(value) => format!("from a verifier's value {}", shown(value)),
        ChallengeSource::Beacon(value) => format!(
            "from a beacon's value {}, which was not compared with the beacon",
            shown(value)
        ),
    };
    format!(
        "challenge {source}: {} picked of {}, and {} always checked",
        challenge.picks(),
        challenge.remaining(),
        challenge.always().len()
    )
}

/// The value as hex, so that people can compare it. A long value is cut.
fn shown(value: &ChallengeValue) -> String {
    let bytes = value.bytes();
    match bytes.get(..SHOWN_BYTES) {
        Some(first) if bytes.len() > SHOWN_BYTES => {
            format!("{}… ({} bytes)", to_hex(first), bytes.len())
        }
        _ => to_hex(bytes),
    }
}

const SHOWN_BYTES: usize = 32;

/// The most lines on single segments.
const MAX_LINES: usize = 8;

/// The segments that are not bit-exact. Those that speak against the run come first.
pub(super) fn outcome_lines(report: &ReplayReport) -> Vec<String> {
    let mut others: Vec<&SegmentResult> = report
        .results()
        .iter()
        .filter(|result| !matches!(result.outcome, SegmentOutcome::BitExact { .. }))
        .collect();
    others.sort_by_key(|result| !result.outcome.is_failure());
    let mut lines: Vec<String> = others
        .iter()
        .take(MAX_LINES)
        .map(|r| outcome_line(r))
        .collect();
    if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
        lines.push(format!("and {more} more that are not bit-exact"));
    }
    lines
}

fn outcome_line(result: &SegmentResult) -> String {
    let segment = result.segment;
    let which = |end: &SegmentEnd| match end {
        SegmentEnd::Start => segment.from_step,
        SegmentEnd::End => segment.to_step,
    };
    let outcome = match &result.outcome {
        SegmentOutcome::BitExact { entries } => format!("bit-exact in {entries} entries"),
        SegmentOutcome::Differs {
            step,
            field,
            found,
            expected,
        } => format!(
            "step {step} DIFFERS: its {} is {found}, but the chain says {expected}",
            field.name()
        ),
        SegmentOutcome::CheckpointAbsent { which: end } => {
            format!("the checkpoint of step {} is ABSENT", which(end))
        }
        SegmentOutcome::CheckpointDamaged { which: end, why } => {
            format!("the checkpoint of step {} is DAMAGED: {why}", which(end))
        }
        SegmentOutcome::NotComparable { why } => format!("not comparable: {why}"),
        SegmentOutcome::Tolerance {
            metric,
            threshold,
            distance,
        } => format!(
            "{metric} is {distance}, {} the threshold {threshold}: weaker than bit-exact, and not a proof of anything",
            if distance <= threshold {
                "within"
            } else {
                "beyond"
            }
        ),
        SegmentOutcome::Refused { why } => format!("not executed: {why}"),
    };
    format!(
        "segment {} (steps {} to {}, block {}): {outcome}",
        segment.index,
        segment.from_step,
        segment.to_step,
        segment.block.get()
    )
}

/// The machines that replayed, compared with the one that recorded.
pub(super) fn machine_lines(report: &ReplayReport) -> Vec<String> {
    let machines: BTreeSet<&Machine> = report.results().iter().map(|r| &*r.machine).collect();
    let recorded = report.recorded();
    let hash = |machine: &Machine| {
        let digest = machine.executable.map(|digest| digest.to_string());
        digest.unwrap_or_else(|| "unknown".into())
    };
    let mut lines = Vec::new();
    for machine in machines {
        lines.push(
            match machine.agrees_with(recorded, MachinePart::Executable) {
                Some(true) => format!("executed by {}, as genesis says", hash(machine)),
                Some(false) => format!(
                    "executed by {}: MISMATCH, genesis says {}",
                    hash(machine),
                    hash(recorded)
                ),
                None => format!(
                    "executed by {}; genesis says {}: NOT COMPARED",
                    hash(machine),
                    hash(recorded)
                ),
            },
        );
        let differing = differing_fields(machine, recorded);
        lines.push(if differing.is_empty() {
            "in the environment that genesis names".into()
        } else {
            format!(
                "in another environment than genesis: {}",
                differing.join("; ")
            )
        });
    }
    lines
}

/// The environment only: the executable has a line before this one.
fn differing_fields(machine: &Machine, recorded: &Machine) -> Vec<String> {
    machine
        .differences(recorded)
        .into_iter()
        .filter(|difference| difference.part != MachinePart::Executable)
        .map(|difference| {
            format!(
                "{} {:?}, genesis {:?}",
                difference.part, difference.found, difference.expected
            )
        })
        .collect()
}
