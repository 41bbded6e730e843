//! Replay reports: segments, detection, the file, its merge and its levels.

mod bench;
mod committed;
mod damage;
mod detection;
mod evidence;
mod levels;
mod merged;
mod report;
mod segments;
mod signed;

tests! { mod segments, detection, report, damage, merged, levels, evidence, signed, committed }
