//! Checking that steps changed only what they said they would.

use crate::error::PowError;
use crate::state::tensors::NamedTensor;
use pow_core::body::StepNumber;
use std::collections::BTreeSet;

/// Refuses a parameter that differs after `step` from the one after the last entry,
/// and whose path begins with none of the names.
pub(super) fn check(
    step: StepNumber,
    moved: BTreeSet<String>,
    before: &[NamedTensor],
    after: &[NamedTensor],
) -> Result<(), PowError> {
    let is_named = |path: &str| {
        let (first, _) = path.split_once('.').unwrap_or((path, ""));
        moved.contains(first)
    };
    // Both are sorted by path.
    let mut pairs = before.iter().zip(after);
    let changed = pairs.find(|(before, after)| before != after && !is_named(&after.path));
    match changed {
        None => Ok(()),
        Some((_, after)) => Err(PowError::MovedUnnamed {
            step,
            path: after.path.clone(),
            moved: moved.into_iter().collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    #[test]
    fn a_change_of_what_was_not_named_is_found() {
        let tensor = |path: &str, value: u8| {
            NamedTensor::new(path.into(), TensorData::from([value])).expect("a tensor")
        };
        let model = |critic, generator| {
            let paths = [("critic.weight", critic), ("generator.weight", generator)];
            paths.map(|(path, value)| tensor(path, value))
        };
        let changed = |after: &[NamedTensor], names: &[&str]| {
            let names = names.iter().map(|name| String::from(*name)).collect();
            match check(StepNumber(3), names, &model(1, 1), after) {
                Err(PowError::MovedUnnamed { path, .. }) => Some(path),
                _ => None,
            }
        };
        assert_eq!(changed(&model(2, 1), &["critic"]), None);
        assert_eq!(changed(&model(2, 2), &["critic", "generator"]), None);
        assert_eq!(changed(&model(1, 1), &[]), None);
        let generator = Some("generator.weight".into());
        assert_eq!(changed(&model(2, 2), &["critic"]), generator);
        assert_eq!(changed(&model(1, 2), &["gen"]), generator);
    }
}
