//! Difficulty that adapts.

mod chains;
mod clock;
mod vectors;

use crate::requirements::Test;

pub fn tests() -> Vec<Test> {
    [vectors::tests(), clock::tests(), chains::tests()]
        .into_iter()
        .flatten()
        .collect()
}
