//! Rules 13 to 19: which steps are committed, and how a run ends.

use super::Violation;
use crate::body::{Ending, Entry, Final, Genesis, Mode, Schedule, StepNumber};
use crate::hash::StateRoot;

/// The rules for the next entry, given genesis and the last entry.
#[derive(Clone, Debug)]
pub(super) struct EntryRules {
    schedule: Schedule,
    mode: Mode,
    initial: StateRoot,
    last: Option<Entry>,
    /// Whether the last entry is off the intervals, so that no other may
    /// follow.
    closed: bool,
}

impl EntryRules {
    pub(super) fn new(genesis: &Genesis) -> Self {
        EntryRules {
            schedule: genesis.schedule,
            mode: genesis.mode,
            initial: genesis.initial.root,
            last: None,
            closed: false,
        }
    }

    pub(super) fn last(&self) -> Option<&Entry> {
        self.last.as_ref()
    }

    /// The rules after a steps body with these entries.
    pub(super) fn after_block(&self, entries: &[Entry]) -> Result<Self, Violation> {
        if self.mode == Mode::Gate && entries.len() != 1 {
            return Err(Violation::GateEntries(entries.len()));
        }
        let mut next = self.clone();
        for entry in entries {
            match next.last {
                None => next.check_first(entry)?,
                Some(last) => next.check_following(last.step, entry)?,
            }
            next.last = Some(*entry);
        }
        Ok(next)
    }

    fn check_first(&self, entry: &Entry) -> Result<(), Violation> {
        let fits = entry.step == StepNumber(0)
            && entry.state_root() == Some(self.initial)
            && entry.batch.is_none()
            && entry.learning_rate.is_none();
        if fits {
            Ok(())
        } else {
            Err(Violation::FirstEntry)
        }
    }

    fn check_following(&mut self, last: StepNumber, entry: &Entry) -> Result<(), Violation> {
        if self.closed {
            return Err(Violation::NotLast(last));
        }
        let step = entry.step;
        if let Some(planned) = self.schedule.planned
            && step.0 > planned
        {
            return Err(Violation::BeyondPlan {
                found: step,
                planned,
            });
        }
        let expected = StepNumber(last.0.saturating_add(self.schedule.commit_every));
        if step <= last || step > expected {
            return Err(Violation::Step {
                found: step,
                last,
                expected,
            });
        }
        let due = self.schedule.has_checkpoint(step);
        if due && entry.rest.is_none() {
            return Err(Violation::CheckpointMissing(step));
        }
        self.closed = step < expected || (entry.rest.is_some() && !due);
        Ok(())
    }

    pub(super) fn check_final(&self, end: &Final) -> Result<(), Violation> {
        let last = self.last.ok_or(Violation::FinalWithoutEntry)?;
        if end.steps != last.step {
            return Err(Violation::FinalSteps {
                found: end.steps,
                expected: last.step,
            });
        }
        if end.state != last.state_root() {
            return Err(Violation::FinalState {
                found: end.state,
                expected: last.state_root(),
            });
        }
        if end.artifact != last.parameters {
            return Err(Violation::FinalArtifact {
                found: end.artifact,
                expected: last.parameters,
            });
        }
        if let (Ending::Completed, Some(planned)) = (end.ending, self.schedule.planned)
            && (last.step.0 != planned || end.state.is_none())
        {
            return Err(Violation::NotCompleted {
                steps: end.steps,
                planned,
                checkpoint: end.state.is_some(),
            });
        }
        Ok(())
    }
}
