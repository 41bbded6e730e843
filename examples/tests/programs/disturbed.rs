//! A second program on the same run, and a run that disappears.

use crate::program::{ends, example, says, says_none};
use crate::runs::{same, unfinished_report};
use pow_ledger::RunDir;
use tempfile::TempDir;

tests! { a_second_program_is_refused, a_run_that_goes_away_ends_the_training }

/// 180 steps, of which each waits for its block.
pub const GATED: &str = "--epochs 4 --mode gate --zero-bits 14";

fn a_second_program_is_refused() {
    let place = TempDir::new().unwrap();
    let [run, whole] = ["run", "whole"].map(|run| RunDir::new(place.path().join(run)));
    ends("digits", &whole, GATED);
    let mut first = example("digits", &run, GATED);
    first.wait_for_blocks(&run, 3);
    for (more, words) in [
        ("--resume", "is held by another writer"),
        ("", "exists already"),
    ] {
        let second = example("digits", &run, &format!("{GATED} {more}"));
        says(&second.ended(1).stderr, [words]);
    }
    first.ended(0);
    same(&run, &whole);
}

fn a_run_that_goes_away_ends_the_training() {
    for (name, is_moved) in [
        ("digits", true),
        ("digits", false),
        ("handwritten", true),
        ("handwritten", false),
    ] {
        let place = TempDir::new().unwrap();
        let [run, moved] = ["run", "moved"].map(|run| RunDir::new(place.path().join(run)));
        let mut program = example(name, &run, "--epochs 100000 --zero-bits 10");
        program.wait_for_blocks(&run, 3);
        match is_moved {
            true => std::fs::rename(run.path(), moved.path()).unwrap(),
            // It may be writing at this moment.
            false => while std::fs::remove_dir_all(run.path()).is_err() {},
        }
        let printed = program.ended(1);
        let error = format!("error: {}", run.path().display());
        let mut lines = printed.stderr.lines();
        let line = lines.find(|line| line.starts_with(&error));
        says(line.unwrap_or(&printed.stderr), [&error, "No such file"]);
        says_none(&printed.stdout, ["recorded"]);
        if name == "handwritten" {
            // In the other program, Burn's logs are in the run too, and panic.
            says_none(&printed.stderr, ["panicked"]);
        }
        if is_moved {
            let report = unfinished_report(&moved);
            assert!(report.holds(), "{report}");
        }
        assert!(!run.chain().exists());
    }
}
