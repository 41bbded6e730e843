//! Runs that are resumed by another program, or under other conditions.

use crate::program::{command, example, recording, says, says_none, start};
use pow_ledger::RunDir;
use std::io::Write;
use std::process::Command;
use tempfile::TempDir;

tests! { a_resumed_run_says_what_has_changed }

const TRAINING: &str = "--epochs 3 --zero-bits 4 --checkpoint-every 15";

/// Kills a run and resumes it with `command`. Returns standard error.
fn resumed(command: Command, run: &RunDir) -> String {
    let mut killed = example("digits", run, TRAINING);
    killed.wait_for_blocks(run, 3);
    drop(killed);
    let resumed = recording(command, run, &format!("{TRAINING} --resume"));
    let stderr = start(resumed).ended(0).stderr;
    says(&stderr, ["resuming from step"]);
    stderr
}

fn a_resumed_run_says_what_has_changed() {
    let place = TempDir::new().unwrap();
    let run = |name| RunDir::new(place.path().join(name));
    says_none(
        &resumed(command("digits"), &run("same")),
        ["warning", "note"],
    );

    // The same program with other bytes, as after a new build.
    let other = place.path().join("digits");
    std::fs::copy(command("digits").get_program(), &other).unwrap();
    let mut bytes = std::fs::OpenOptions::new()
        .append(true)
        .open(&other)
        .unwrap();
    bytes.write_all(b"\n").unwrap();
    drop(bytes);
    let mut command = Command::new(other);
    command.env("RAYON_NUM_THREADS", "37");
    let changed = resumed(command, &run("changed"));
    let notes = changed.lines().filter(|line| line.starts_with("note: "));
    let [note] = notes.collect::<Vec<_>>()[..] else {
        panic!("{changed}");
    };
    let expected = ["executable is ", "threads is 37, was ", "computes alike"];
    says(note, expected);
    says_none(note, ["cpu is"]);
    says_none(&changed, ["warning"]);
}
