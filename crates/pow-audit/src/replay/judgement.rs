//! What the outcome of a segment is worth.

use super::comparability::Comparability;
use super::machine::Machine;
use super::outcome::{Again, EntryField, SegmentOutcome};
use super::report::{ReplayReport, SegmentResult};
use pow_core::challenge::SegmentIndex;
use std::collections::BTreeMap;
use std::fmt;

/// What a segment's outcome says about the run, given the machine and the other
/// results of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judgement {
    /// It was reproduced bit for bit.
    Exact,
    /// It speaks against the run.
    Fails,
    /// It differs, but too little is known to accuse anybody. This is what is missing.
    Unexplained(Vec<Missing>),
    /// It differs, on a machine that computes differently from the recording one, in
    /// these operations or parts.
    NotComparable(Vec<String>),
    /// It differs by less than a tolerance, on such a machine.
    Near,
    /// It was not executed, or not to its end.
    NotExecuted,
}

/// What an accusation would need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// The machine that replayed was not probed.
    Probe,
    /// The segment was not executed a second time.
    SecondExecution,
    /// The second execution gave another result.
    Agreement,
    /// No other segment that starts after step 0 was reproduced bit for bit on the same
    /// machine.
    OtherSegment,
    /// No such segment was reproduced, so the program, its arguments or what it keeps
    /// outside of the checkpoints may be others than in the recording.
    Program,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Missing::Probe => "this machine was not probed: replay with a program that probes it",
            Missing::SecondExecution => "it was executed once: execute it a second time",
            Missing::Agreement => {
                "a second execution gave another result: replay on a machine that repeats itself"
            }
            Missing::OtherSegment => {
                "no other segment from a checkpoint was reproduced bit for bit on this machine: \
                 replay another one (--segment)"
            }
            Missing::Program => {
                "no other segment from a checkpoint was reproduced, so this may be another \
                 program, or one with other arguments: replay another segment (--segment)"
            }
        })
    }
}

impl ReplayReport {
    /// What a result of this report is worth. To judge all of them, use
    /// [`judge_all`](Self::judge_all).
    ///
    /// A difference that rounding or another program could explain speaks against the
    /// run only with more evidence. If genesis has a probe: this machine agrees with it
    /// on every operation, a second execution gave the same bits, and another segment
    /// was reproduced on this machine. That one starts after step 0, as nothing else
    /// shows that a program has all that it needs from a checkpoint. If genesis has
    /// no probe: the names of the two environments agree, as in version 1 of the report.
    pub fn judge(&self, result: &SegmentResult) -> Judgement {
        Judge::of(self).judge(result)
    }

    /// What each result is worth, in their order.
    pub fn judge_all(&self) -> Vec<Judgement> {
        let judge = Judge::of(self);
        let results = self.results.iter();
        results.map(|result| judge.judge(result)).collect()
    }
}

/// Knows which segments each machine reproduced.
struct Judge<'a> {
    recorded: &'a Machine,
    /// The first two segments from a checkpoint that each machine reproduced.
    reproduced: BTreeMap<&'a Machine, [Option<SegmentIndex>; 2]>,
}

impl<'a> Judge<'a> {
    fn of(report: &'a ReplayReport) -> Self {
        let mut reproduced: BTreeMap<&Machine, [Option<SegmentIndex>; 2]> = BTreeMap::new();
        for result in &report.results {
            let is_exact = matches!(result.outcome, SegmentOutcome::BitExact { .. });
            if is_exact && result.segment.from_step.0 > 0 {
                let known = reproduced.entry(&result.machine).or_default();
                if let Some(free) = known.iter_mut().find(|known| known.is_none()) {
                    *free = Some(result.segment.index);
                }
            }
        }
        Judge {
            recorded: &report.recorded,
            reproduced,
        }
    }

    fn judge(&self, result: &SegmentResult) -> Judgement {
        match &result.outcome {
            SegmentOutcome::BitExact { .. } => Judgement::Exact,
            SegmentOutcome::Malformed { .. }
            | SegmentOutcome::CheckpointAbsent { .. }
            | SegmentOutcome::CheckpointDamaged { .. } => Judgement::Fails,
            SegmentOutcome::Unfit { .. } => self.unless_another_program(result),
            SegmentOutcome::Differs { field, again, .. } => {
                self.judge_difference(result, *field, *again)
            }
            SegmentOutcome::Tolerance {
                threshold,
                distance,
                loss,
                ..
            } => {
                let loss = loss.filter(|loss| loss > threshold);
                if distance <= threshold && loss.is_none() {
                    return Judgement::Near;
                }
                match Comparability::of(&result.machine, self.recorded) {
                    Comparability::Differs(why) => Judgement::NotComparable(why),
                    _ => Judgement::Unexplained(Vec::new()),
                }
            }
            SegmentOutcome::NotComparable { why } => Judgement::NotComparable(vec![why.clone()]),
            SegmentOutcome::Refused { .. } | SegmentOutcome::NotChecked { .. } => {
                Judgement::NotExecuted
            }
        }
    }

    fn judge_difference(
        &self,
        result: &SegmentResult,
        field: EntryField,
        again: Option<Again>,
    ) -> Judgement {
        if field.is_exact_anywhere() {
            return Judgement::Fails;
        }
        let comparability = Comparability::of(&result.machine, self.recorded);
        if comparability == Comparability::Inferred {
            return Judgement::Fails;
        }
        if !field.can_be_rounding() {
            return self.unless_another_program(result);
        }
        let mut missing = match comparability {
            Comparability::Differs(why) => return Judgement::NotComparable(why),
            Comparability::Unknown => vec![Missing::Probe],
            _ => Vec::new(),
        };
        missing.extend(match again {
            Some(Again::Same) => None,
            Some(Again::Other) => Some(Missing::Agreement),
            None => Some(Missing::SecondExecution),
        });
        if !self.reproduced_another(result) {
            missing.push(Missing::OtherSegment);
        }
        match missing.is_empty() {
            true => Judgement::Fails,
            false => Judgement::Unexplained(missing),
        }
    }

    /// The judgement of a difference that no rounding explains, but another program
    /// could. The executable does not tell programs apart: arguments can.
    fn unless_another_program(&self, result: &SegmentResult) -> Judgement {
        match self.reproduced_another(result) {
            true => Judgement::Fails,
            false => Judgement::Unexplained(vec![Missing::Program]),
        }
    }

    /// Whether the machine of `result` reproduced another segment from a checkpoint.
    fn reproduced_another(&self, result: &SegmentResult) -> bool {
        let known = self.reproduced.get(&*result.machine);
        let mut known = known.into_iter().flatten().flatten();
        result.control.is_some() || known.any(|other| *other != result.segment.index)
    }
}
