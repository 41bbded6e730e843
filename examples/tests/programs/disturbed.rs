//! A second program on the same run, and a run that goes away.

use crate::compare::{same, unfinished_report};
use crate::program::{digits_with, ended, ends, example, wait_for_blocks};
use crate::test;
use libtest_mimic::Trial;
use pow_ledger::RunDir;
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    vec![
        test(
            "disturbed/a_second_program_is_refused",
            a_second_program_is_refused,
        ),
        test(
            "disturbed/a_run_that_goes_away_ends_the_training",
            a_run_that_goes_away_ends_the_training,
        ),
    ]
}

/// 180 steps, of which each waits for its block.
pub const GATED: [&str; 6] = ["--epochs", "4", "--mode", "gate", "--zero-bits", "14"];

fn a_second_program_is_refused() {
    let place = TempDir::new().unwrap();
    let (run, whole) = (place.path().join("run"), place.path().join("whole"));
    ends("digits", &whole, &GATED);
    let mut first = digits_with(&run, &GATED);
    wait_for_blocks(&mut first, &run, 3);
    for (more, words) in [
        (&["--resume"][..], "is held by another writer"),
        (&[], "exists already"),
    ] {
        let (code, _, stderr) = ended(digits_with(&run, &[&GATED, more].concat()));
        assert_eq!(code, Some(1), "{stderr}");
        assert!(stderr.contains(words), "{stderr}");
    }
    let (code, _, stderr) = ended(first);
    assert_eq!(code, Some(0), "{stderr}");
    same(&RunDir::new(run), &RunDir::new(whole));
}

fn a_run_that_goes_away_ends_the_training() {
    for name in ["digits", "handwritten"] {
        for is_moved in [true, false] {
            let place = TempDir::new().unwrap();
            let (run, moved) = (place.path().join("run"), place.path().join("moved"));
            let endless = ["--epochs", "100000", "--zero-bits", "10"];
            let mut program = example(name, &run, &endless);
            wait_for_blocks(&mut program, &run, 3);
            match is_moved {
                true => std::fs::rename(&run, &moved).unwrap(),
                // It may be writing just now.
                false => while std::fs::remove_dir_all(&run).is_err() {},
            }
            let (code, stdout, stderr) = ended(program);
            assert_eq!(code, Some(1), "{stderr}");
            let error = format!("error: {}", run.display());
            let line = stderr.lines().find(|line| line.starts_with(&error));
            assert!(
                line.is_some_and(|line| line.contains("No such file")),
                "{stderr}"
            );
            assert!(!stdout.contains("recorded"), "{stdout}");
            if name == "handwritten" {
                // Burn's own logs, which the other program keeps there, panic.
                assert!(!stderr.contains("panicked"), "{stderr}");
            }
            if is_moved {
                let report = unfinished_report(&RunDir::new(&moved));
                assert!(report.holds(), "{report}");
            }
            assert!(!RunDir::new(&run).chain().exists());
        }
    }
}
