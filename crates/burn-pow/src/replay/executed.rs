//! Executing a segment, and what came out.

use super::segment::{SegmentComparison, SegmentReplay, this_machine};
use crate::error::{StepDifference, panic_message};
use pow_audit::replay::{Decimal, Executed, SegmentEnd, SegmentOutcome};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How the distance of a replay with a tolerance is measured.
const METRIC: &str = "Euclidean distance of the segment's last model from the committed one, over \
                      the tensors that the optimizer has state for, divided by that of the \
                      committed one from the segment's first";

/// Executes a segment with a program. A program that panics has no result.
pub(crate) fn execute<E: Display>(
    segment: &SegmentReplay,
    program: impl FnOnce(SegmentReplay) -> Result<(), E>,
) -> Executed {
    let ended = catch_unwind(AssertUnwindSafe(|| program(segment.clone())));
    let outcome = match (segment.comparison(), ended) {
        (Some(comparison), _) => outcome(segment, comparison),
        (None, Ok(Err(error))) => SegmentOutcome::Refused {
            why: error.to_string(),
        },
        (None, Ok(Ok(()))) => SegmentOutcome::Refused {
            why: "the program ended before the segment did".into(),
        },
        (None, Err(panic)) => SegmentOutcome::NotChecked {
            why: format!("the program panicked: {}", panic_message(panic.as_ref())),
        },
    };
    Executed {
        outcome: outcome.shortened(),
        machine: segment.machine().unwrap_or_else(this_machine),
    }
}

fn outcome(segment: &SegmentReplay, comparison: SegmentComparison) -> SegmentOutcome {
    match comparison {
        SegmentComparison::Exact { steps } => SegmentOutcome::BitExact { entries: steps },
        SegmentComparison::Differs(first) => differs(first),
        SegmentComparison::Apart {
            first,
            distance,
            threshold,
            loss,
        } => {
            let loss = loss.map(Decimal::new);
            match (Decimal::new(threshold.0), Decimal::new(distance), loss) {
                (Some(threshold), Some(distance), None | Some(Some(_))) => {
                    SegmentOutcome::Tolerance {
                        metric: METRIC.into(),
                        threshold,
                        distance,
                        loss: loss.flatten(),
                    }
                }
                // A distance that is no number is not near.
                _ => differs(first),
            }
        }
        SegmentComparison::Malformed { reason } => SegmentOutcome::Malformed { why: reason },
        SegmentComparison::Unfit { reason } => SegmentOutcome::Unfit { why: reason },
        SegmentComparison::Unreadable { reason } => SegmentOutcome::NotChecked { why: reason },
        SegmentComparison::Absent(_) => SegmentOutcome::CheckpointAbsent {
            which: SegmentEnd::Start,
        },
        SegmentComparison::Damaged { step, reason } => SegmentOutcome::CheckpointDamaged {
            which: if step == segment.end().step {
                SegmentEnd::End
            } else {
                SegmentEnd::Start
            },
            why: reason,
        },
    }
}

fn differs(first: StepDifference) -> SegmentOutcome {
    SegmentOutcome::Differs {
        step: first.step.0,
        field: first.field,
        found: first.found,
        expected: first.expected,
        again: None,
    }
}
