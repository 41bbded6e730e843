//! Checking that steps changed only what they said they would.

use crate::error::PowError;
use pow_core::body::StepNumber;
use pow_core::tensor::TensorSet;
use std::collections::BTreeSet;

/// Refuses a parameter that differs after `step` from the one after the last entry,
/// and whose path begins with none of the names.
pub(super) fn check(
    step: StepNumber,
    moved: BTreeSet<String>,
    before: &TensorSet,
    after: &TensorSet,
) -> Result<(), PowError> {
    let is_named = |path: &str| {
        let (first, _) = path.split_once('.').unwrap_or((path, ""));
        moved.contains(first)
    };
    // Both are sorted by path.
    let mut pairs = before.leaves().zip(after.leaves());
    let changed = pairs.find(|(before, after)| before != after && !is_named(after.0));
    match changed {
        None => Ok(()),
        Some((_, (path, _))) => Err(PowError::MovedUnnamed {
            step,
            path: path.into(),
            moved: moved.into_iter().collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_what_was_not_named_is_found() {
        let model = |critic, generator| {
            let mut leaves = TensorSet::new();
            for (path, leaf) in [("critic.weight", critic), ("generator.weight", generator)] {
                leaves.insert_leaf(path, [leaf; 32]).expect("another path");
            }
            leaves
        };
        let changed = |after: &TensorSet, names: &[&str]| {
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
