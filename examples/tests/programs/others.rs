//! The other examples: a tiny training of each, verified, killed and resumed.

use crate::program::{ends, example, wait_for_blocks};
use crate::test;
use libtest_mimic::Trial;
use std::path::Path;
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    vec![
        test(
            "others/the_transformer_trains_and_goes_on_when_killed",
            the_transformer_trains_and_goes_on_when_killed,
        ),
        test(
            "others/the_handwritten_loop_trains_and_goes_on_when_killed",
            the_handwritten_loop_trains_and_goes_on_when_killed,
        ),
        test(
            "others/the_loop_and_the_learner_take_the_same_steps",
            the_loop_and_the_learner_take_the_same_steps,
        ),
    ]
}

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

fn the_handwritten_loop_trains_and_goes_on_when_killed() {
    let stdout = killed_and_resumed("handwritten", &HANDWRITTEN);
    assert!(stdout.contains("recorded        90 steps"), "{stdout}");
}

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
    wait_for_blocks(&mut program, &killed, 1);
    program.0.kill().unwrap();
    program.0.wait().unwrap();
    assert!(!killed.join("model.safetensors").exists());
    ends(name, &killed, &[arguments, &["--resume"]].concat());
    let weights = |run: &Path| std::fs::read(run.join("model.safetensors")).unwrap();
    assert!(weights(&killed) == weights(&whole));
    stdout
}
