//! Runs that go on with another program, or elsewhere than they began.

use crate::program::{digits_with, ended, program, started, wait_for_blocks};
use crate::test;
use libtest_mimic::Trial;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    vec![test(
        "changes/a_run_that_goes_on_says_what_has_changed",
        a_run_that_goes_on_says_what_has_changed,
    )]
}

const TRAINING: [&str; 6] = [
    "--epochs",
    "3",
    "--zero-bits",
    "4",
    "--checkpoint-every",
    "15",
];

/// What `command` says on standard error as it takes a killed run to its end.
fn goes_on(mut command: Command, run: &Path) -> String {
    let mut killed = digits_with(run, &TRAINING);
    wait_for_blocks(&mut killed, run, 3);
    drop(killed);
    command.args(["--engine", "cpu", "--resume", "--out"]);
    command.arg(run).args(TRAINING);
    let (code, _, stderr) = ended(started(command));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("going on from step"), "{stderr}");
    stderr
}

fn a_run_that_goes_on_says_what_has_changed() {
    let place = TempDir::new().unwrap();
    let same = goes_on(program("digits"), &place.path().join("same"));
    assert!(!same.contains("warning"), "{same}");

    // The same program in other bytes, as a new build may be.
    let original = program("digits");
    let other = place.path().join("digits");
    std::fs::copy(original.get_program(), &other).unwrap();
    let mut bytes = std::fs::OpenOptions::new()
        .append(true)
        .open(&other)
        .unwrap();
    bytes.write_all(b"\n").unwrap();
    drop(bytes);
    let mut command = Command::new(other);
    command.env("RAYON_NUM_THREADS", "37");
    let changed = goes_on(command, &place.path().join("changed"));
    let warnings = changed.lines().filter(|line| line.starts_with("warning: "));
    let [warning] = warnings.collect::<Vec<_>>()[..] else {
        panic!("{changed}");
    };
    assert!(warning.contains("executable is "), "{warning}");
    assert!(warning.contains("threads is 37, was "), "{warning}");
    assert!(!warning.contains("cpu is"), "{warning}");
}
