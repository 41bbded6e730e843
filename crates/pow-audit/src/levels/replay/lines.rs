//! The lines of the level REPLAY.

use crate::hex::to_hex;
use crate::replay::{
    Again, Challenge, Comparability, Decimal, Judgement, Machine, MachinePart, ReplayReport,
    SegmentEnd, SegmentOutcome, SegmentResult,
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
pub(super) fn outcome_lines(results: &[SegmentResult], judged: &[Judgement]) -> Vec<String> {
    let mut others: Vec<(&Judgement, &SegmentResult)> = judged
        .iter()
        .zip(results)
        .filter(|(judged, _)| **judged != Judgement::Exact)
        .collect();
    others.sort_by_key(|(judged, _)| match judged {
        Judgement::Fails => 0,
        Judgement::Unexplained(_) => 1,
        _ => 2,
    });
    let mut lines: Vec<String> = Vec::new();
    for (judged, result) in others.iter().take(MAX_LINES) {
        lines.push(outcome_line(result));
        lines.extend(judgement_line(judged));
    }
    if let Some(more) = others.len().checked_sub(MAX_LINES).filter(|more| *more > 0) {
        lines.push(format!("and {more} more that are not bit-exact"));
    }
    lines
}

/// What the outcome is worth, if the outcome's own line does not say it.
fn judgement_line(judged: &Judgement) -> Option<String> {
    match judged {
        Judgement::Unexplained(missing) if !missing.is_empty() => {
            let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
            Some(format!("  unexplained: {}", missing.join("; ")))
        }
        Judgement::Unexplained(_) => Some("  unexplained".into()),
        Judgement::NotComparable(why) => Some(format!(
            "  not comparable: this machine computes differently from the one that genesis \
             describes: {}",
            listed(why)
        )),
        _ => None,
    }
}

/// The most names in a line.
const MAX_NAMES: usize = 12;

fn listed(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| format!("{name:?}"))
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(more) = names.len().checked_sub(MAX_NAMES).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
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
            again,
        } => {
            let name = field.name();
            let again = match again {
                Some(Again::Same) => ", and the same when executed again",
                Some(Again::Other) => ", and another one when executed again",
                None => "",
            };
            format!(
                "step {step} DIFFERS: its {name} is {found}, but the chain says {expected}{again}"
            )
        }
        SegmentOutcome::CheckpointAbsent { which: end } => {
            format!("the checkpoint of step {} is ABSENT", which(end))
        }
        SegmentOutcome::CheckpointDamaged { which: end, why } => {
            format!("the checkpoint of step {} is DAMAGED: {why}", which(end))
        }
        SegmentOutcome::Malformed { why } => format!("the run CONTRADICTS itself: {why}"),
        SegmentOutcome::Unfit { why } => format!("it DOES NOT FIT the program: {why}"),
        SegmentOutcome::NotComparable { why } => format!("it gave other bits: {why}"),
        SegmentOutcome::Tolerance {
            metric,
            threshold,
            distance,
            loss,
        } => {
            let place = |value: &Decimal| match value <= threshold {
                true => "within",
                false => "beyond",
            };
            let loss = loss.map_or(String::new(), |loss| {
                format!("; a loss is apart by {loss} of itself, {} it", place(&loss))
            });
            format!(
                "{metric} is {distance}, {} the threshold {threshold}{loss}: weaker than bit-exact, and not a proof of anything",
                place(distance)
            )
        }
        SegmentOutcome::Refused { why } => format!("not executed: {why}"),
        SegmentOutcome::NotChecked { why } => format!("not checked: {why}"),
    };
    let control = result.control.map_or(String::new(), |control| {
        format!("; segment {control} was reproduced bit for bit on this machine")
    });
    format!(
        "segment {} (steps {} to {}, block {}): {outcome}{control}",
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
        lines.push(comparability_line(&Comparability::of(machine, recorded)));
    }
    lines
}

/// Whether equal bits can be expected, and how this is known.
fn comparability_line(comparability: &Comparability) -> String {
    match comparability {
        Comparability::Measured => {
            "it computes as the recording machine did: the probe in genesis agrees in every \
             operation (the probe is the trainer's word)"
                .into()
        }
        Comparability::Inferred => {
            "genesis has no numerics probe: that equal bits can be expected is inferred from \
             the names of the environment"
                .into()
        }
        Comparability::Unknown => {
            "genesis has a numerics probe, but the machine that replayed was not probed".into()
        }
        Comparability::Differs(why) => {
            format!("equal bits cannot be expected: {}", listed(why))
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let value = |len| shown(&ChallengeValue::new(vec![5; len]).unwrap());
        assert_eq!(value(SHOWN_BYTES), "05".repeat(SHOWN_BYTES));
        let cut = format!("{}… (33 bytes)", value(SHOWN_BYTES));
        assert_eq!(value(SHOWN_BYTES + 1), cut);

        let names = |len| listed(&vec!["exp".into(); len]);
        assert_eq!(names(2), "\"exp\", \"exp\"");
        assert!(names(MAX_NAMES).ends_with(", \"exp\""));
        assert_eq!(names(MAX_NAMES + 1), names(MAX_NAMES) + " and 1 more");
    }
}
