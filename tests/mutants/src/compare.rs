//! Compares the results before and after a change of the code.

use crate::record::{Outcome, Results, numbered};
use std::collections::BTreeMap;

/// Prints the mutants that were killed before and survive after, and returns how many there are.
///
/// Mutants are the same if function, operator and text are the same, in whichever file.
pub fn print(before: &Results, after: &Results) -> usize {
    let old: BTreeMap<_, _> = numbered(&before.mutants, |record| record.mutant.key())
        .into_iter()
        .collect();
    let (mut same, mut worse) = (0, 0);
    for (key, now) in numbered(&after.mutants, |record| record.mutant.key()) {
        let Some(then) = old.get(&key) else {
            continue;
        };
        same += 1;
        if then.outcome != Outcome::Survived && now.outcome == Outcome::Survived {
            worse += 1;
            let by = then.killed_by.as_deref().unwrap_or_default();
            println!("{}\n    was killed by {by}", now.mutant);
        }
    }
    println!(
        "{} mutants before, {} after, {same} in both; {worse} of these were killed and survive",
        before.mutants.len(),
        after.mutants.len(),
    );
    worse
}
