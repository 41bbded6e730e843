//! What a replay shows on standard error: a bar, and lines above it.

use burn_pow::ReplayEvent;
use indicatif::{ProgressBar, ProgressStyle};
use pow_audit::display::printable;
use pow_audit::replay::{Comparability, Machine, SegmentOutcome, SegmentResult};
use std::io::Write;

/// A bar over all entries, a line on this machine, and a line for each segment that is
/// not exact.
pub(super) struct Progress {
    pub(super) bar: ProgressBar,
    /// The entries of the segments that ended.
    done: u64,
    recorded: Machine,
    told: bool,
}

impl Progress {
    pub(super) fn new(total: u64, recorded: Machine) -> anyhow::Result<Self> {
        let bar = ProgressBar::new(total).with_style(ProgressStyle::with_template(
            "{bar:30} step {pos}/{len}, {eta} left",
        )?);
        Ok(Progress {
            bar,
            done: 0,
            recorded,
            told: false,
        })
    }

    pub(super) fn event(&mut self, event: ReplayEvent<'_>) {
        match event {
            ReplayEvent::Runs(segment) => {
                if !self.told
                    && let Some(machine) = segment.machine()
                {
                    self.tell_machine(&machine, segment.compared() > 0);
                }
                self.bar.set_position(self.done + segment.compared());
            }
            ReplayEvent::Repeats(segment, _) => self.line(&format!(
                "segment {} (steps {} to {}) is executed once more, because one differs",
                segment.index,
                segment.from_step.0 + 1,
                segment.to_step
            )),
            ReplayEvent::Ended(result) => self.ended(result),
            _ => {}
        }
    }

    /// Says once whether this machine computes as the recording one did. It is known
    /// when all operations of the recorded probe were measured, at the latest after a
    /// step.
    fn tell_machine(&mut self, machine: &Machine, has_stepped: bool) {
        let is_whole = match (&self.recorded.probe, &machine.probe) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(there), Some(here)) => {
                let mut names = there.operations().iter().map(|there| &there.name);
                names.all(|name| here.operation(name).is_some())
            }
        };
        if !(is_whole || has_stepped) {
            return;
        }
        self.told = true;
        let text = match Comparability::of(machine, &self.recorded) {
            Comparability::Measured => {
                "this machine computes as the recording one did, in every probed operation".into()
            }
            Comparability::Differs(why) => format!(
                "this machine computes differently from the recording one ({}): other bits are \
                 to be expected",
                why.join(", ")
            ),
            Comparability::Unknown => "whether this machine computes as the recording one did is \
                                       not known: it could not be probed"
                .into(),
            _ => "whether this machine computes as the recording one did was not measured: \
                  genesis has no numerics probe"
                .into(),
        };
        self.line(&text);
    }

    fn ended(&mut self, result: &SegmentResult) {
        self.done += result.segment.entries;
        self.bar.set_position(self.done);
        if !is_exact(&result.outcome) {
            let segment = result.segment;
            self.line(&format!(
                "segment {} (steps {} to {}): {}",
                segment.index,
                segment.from_step.0 + 1,
                segment.to_step,
                description(&result.outcome)
            ));
        }
    }

    /// A line above the bar.
    fn line(&self, text: &str) {
        self.bar.suspend(|| {
            // A closed stderr is no error.
            let _ = writeln!(std::io::stderr(), "{}", printable(text));
        });
    }
}

/// An outcome in one line.
fn description(outcome: &SegmentOutcome) -> String {
    match outcome {
        SegmentOutcome::BitExact { entries } => format!("{entries} steps bit for bit"),
        SegmentOutcome::Differs {
            step,
            field,
            found,
            expected,
            ..
        } => format!(
            "step {step} differs from the chain: its {} is {found}, the chain has {expected}",
            field.name()
        ),
        SegmentOutcome::CheckpointAbsent { .. } => "its first checkpoint is missing".into(),
        SegmentOutcome::CheckpointDamaged { why, .. } => why.clone(),
        SegmentOutcome::Malformed { why } => format!("the run contradicts itself: {why}"),
        SegmentOutcome::Unfit { why } => format!("it does not fit this program: {why}"),
        SegmentOutcome::NotChecked { why } => format!("not checked: {why}"),
        SegmentOutcome::Tolerance {
            threshold,
            distance,
            ..
        } => {
            format!(
                "not bit for bit; its end is {distance} of its way apart, allowed is {threshold}"
            )
        }
        SegmentOutcome::Refused { why } => why.clone(),
        _ => "another outcome".into(),
    }
}

pub(super) fn is_exact(outcome: &SegmentOutcome) -> bool {
    matches!(outcome, SegmentOutcome::BitExact { .. })
}
