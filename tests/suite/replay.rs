//! Replay reports: segments, detection, the file, its merge and its levels.

mod damage;
mod detection;
mod levels;
mod merged;
mod report;
mod segments;

use crate::requirements::Test;

pub fn tests() -> Vec<Test> {
    [
        segments::tests(),
        detection::tests(),
        report::tests(),
        damage::tests(),
        merged::tests(),
        levels::tests(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
