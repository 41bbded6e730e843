//! The other examples: a tiny training of each, verified, killed and resumed.

use crate::example;
use pow_audit::{AuditOptions, audit};
use pow_ledger::{ChainReader, RunDir};
use std::io::Read;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// 24 steps of 8 passages.
const TRANSFORMER: [&str; 8] = [
    "--epochs",
    "2",
    "--passages",
    "96",
    "--batch-size",
    "8",
    "--zero-bits",
    "12",
];

/// 90 steps.
const HANDWRITTEN: [&str; 4] = ["--epochs", "2", "--zero-bits", "12"];

#[test]
fn the_transformer_trains_and_goes_on_when_killed() {
    let stdout = killed_and_resumed("transformer", &TRANSFORMER);
    assert!(stdout.contains("recorded        24 steps"), "{stdout}");
    let line = stdout
        .lines()
        .find(|line| line.starts_with("held-out text"))
        .unwrap();
    let numbers: Vec<f64> = line
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    assert!(numbers[1] < numbers[0], "{line}");
}

#[test]
fn the_handwritten_loop_trains_and_goes_on_when_killed() {
    let stdout = killed_and_resumed("handwritten", &HANDWRITTEN);
    assert!(stdout.contains("recorded        90 steps"), "{stdout}");
}

#[test]
fn the_loop_and_the_learner_take_the_same_steps() {
    let place = TempDir::new().unwrap();
    let weights = |name: &str| {
        let run = place.path().join(name);
        ends(name, &run, &HANDWRITTEN);
        std::fs::read(run.join("model.safetensors")).unwrap()
    };
    assert!(weights("handwritten") == weights("digits"));
}

/// What a whole run prints. Another one is killed once it has a block, goes on,
/// and comes to the same weights.
fn killed_and_resumed(name: &str, arguments: &[&str]) -> String {
    let place = TempDir::new().unwrap();
    let (whole, killed) = (place.path().join("whole"), place.path().join("killed"));
    let stdout = ends(name, &whole, arguments);

    let mut program = example(name, &killed, arguments);
    while !has_block(&killed) {
        assert!(program.0.try_wait().unwrap().is_none(), "ended too early");
        std::thread::sleep(Duration::from_millis(2));
    }
    program.0.kill().unwrap();
    program.0.wait().unwrap();
    assert!(!killed.join("model.safetensors").exists());
    ends(name, &killed, &[arguments, &["--resume"]].concat());
    let weights = |run: &Path| std::fs::read(run.join("model.safetensors")).unwrap();
    assert!(weights(&killed) == weights(&whole));
    stdout
}

fn has_block(run: &Path) -> bool {
    ChainReader::open(&RunDir::new(run).chain())
        .is_ok_and(|mut records| records.next().is_some_and(|record| record.is_ok()))
}

/// Runs the program to its end and verifies what it recorded.
fn ends(name: &str, run: &Path, arguments: &[&str]) -> String {
    let mut program = example(name, run, arguments);
    let mut stderr = program.0.stderr.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let mut stdout = String::new();
    let mut pipe = program.0.stdout.take().unwrap();
    pipe.read_to_string(&mut stdout).unwrap();
    let stderr = reader.join().unwrap().unwrap();
    assert!(program.0.wait().unwrap().success(), "{stderr}");
    let report = audit(&RunDir::new(run), &AuditOptions::default(), &mut |_| {}).unwrap();
    assert!(report.holds(), "{report}");
    stdout
}
