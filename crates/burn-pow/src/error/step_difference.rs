//! How a repeated step differs from the chain.

use pow_audit::replay::EntryField;
use pow_core::body::{Entry, StepNumber};
use pow_core::hash::ParameterRoot;
use pow_core::state::state_root;
use std::fmt::Display;

/// The first field in which a repeated step differs from its entry in the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "step {step} differs from the chain: its {} is {found}, the chain has {expected}",
    field.name()
)]
#[non_exhaustive]
pub struct StepDifference {
    /// The step.
    pub step: StepNumber,
    /// The field of its entry.
    pub field: EntryField,
    /// The value that the repeated step has.
    pub found: String,
    /// The value that the chain has.
    pub expected: String,
}

impl StepDifference {
    /// Compares a repeated step with its entry in the chain.
    pub(crate) fn check(found: &Entry, expected: &Entry) -> Result<(), Self> {
        let batch = |entry: &Entry| shown(entry.batch.map(|digest| ParameterRoot(digest.0)));
        let float = |bits: Option<u64>| shown(bits.map(f64::from_bits));
        let state =
            |entry: &Entry| shown(entry.rest.map(|rest| state_root(entry.parameters, rest)));
        let both = |text: &dyn Fn(&Entry) -> String| [text(found), text(expected)];
        let (field, [found_value, expected_value]) = if found.step != expected.step {
            (EntryField::Step, both(&|entry| entry.step.to_string()))
        } else if found.batch != expected.batch {
            (EntryField::Batch, both(&batch))
        } else if found.learning_rate != expected.learning_rate {
            let rate = |entry: &Entry| float(entry.learning_rate);
            (EntryField::LearningRate, both(&rate))
        } else if found.loss != expected.loss {
            (EntryField::Loss, both(&|entry| float(entry.loss)))
        } else if found.parameters != expected.parameters {
            let root = |entry: &Entry| entry.parameters.to_string();
            (EntryField::Parameters, both(&root))
        } else if found.rest != expected.rest {
            (EntryField::State, both(&state))
        } else {
            return Ok(());
        };
        Err(StepDifference {
            step: found.step,
            field,
            found: found_value,
            expected: expected_value,
        })
    }
}

fn shown(value: Option<impl Display>) -> String {
    value.map_or_else(|| "absent".into(), |value| value.to_string())
}
