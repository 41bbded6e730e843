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
    /// Compares a repeated step with its entry in the chain. What no rounding can
    /// change is compared first. `scale` is the largest learning rate around: a
    /// schedule may compute a small one as the difference of two large ones.
    pub(crate) fn check(found: &Entry, expected: &Entry, scale: RateScale) -> Result<(), Self> {
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
            let field = match scale.is_rounding(found.learning_rate, expected.learning_rate) {
                true => EntryField::LearningRateRounding,
                false => EntryField::LearningRate,
            };
            (field, both(&rate))
        } else if expected.loss.is_some() && found.loss != expected.loss {
            // A run that recorded no losses claims none.
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

/// The largest learning rate of the entries that are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RateScale(f64);

/// The share of the largest rate by which a rate may differ and still be the same
/// rate, rounded otherwise. Elementary functions of double precision are far closer.
const RATE_ROUNDING: f64 = 1.0 / (1u64 << 40) as f64;

impl RateScale {
    /// The scale of these entries.
    pub(crate) fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let rates = entries.into_iter().filter_map(|entry| entry.learning_rate);
        let sizes = rates.map(|bits| f64::from_bits(bits).abs());
        RateScale(sizes.filter(|size| size.is_finite()).fold(0.0, f64::max))
    }

    /// Whether two rates are the same but for rounding.
    fn is_rounding(self, found: Option<u64>, expected: Option<u64>) -> bool {
        let (Some(found), Some(expected)) = (found, expected) else {
            return false;
        };
        let (found, expected) = (f64::from_bits(found), f64::from_bits(expected));
        let are_none = found.is_nan() && expected.is_nan();
        are_none || (found - expected).abs() <= self.0 * RATE_ROUNDING
    }
}

fn shown(value: Option<impl Display>) -> String {
    value.map_or_else(|| "absent".into(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(rate: f64) -> Entry {
        Entry {
            step: StepNumber(1),
            parameters: ParameterRoot([0; 32]),
            batch: None,
            loss: None,
            learning_rate: Some(rate.to_bits()),
            rest: None,
        }
    }

    #[test]
    fn last_bits_of_a_rate_are_told_from_another_rate() {
        let expected = entry(1e-9);
        let scale = RateScale::of([&entry(1e-2), &expected]);
        let field = |rate: f64| {
            let difference = StepDifference::check(&entry(rate), &expected, scale);
            difference.err().map(|difference| difference.field)
        };
        assert_eq!(field(1e-9), None);
        // What is left of 1 + cos(x) near its root has few good bits.
        assert_eq!(field(1e-9 + 1e-17), Some(EntryField::LearningRateRounding));
        assert_eq!(field(1.1e-9), Some(EntryField::LearningRate));
        assert_eq!(field(f64::NAN), Some(EntryField::LearningRate));
        let (nan, other_nan) = (entry(f64::NAN), entry(-f64::NAN));
        let difference = StepDifference::check(&nan, &other_nan, scale).unwrap_err();
        assert_eq!(difference.field, EntryField::LearningRateRounding);
    }
}
