//! The other examples: a tiny training of each, verified, killed and resumed.

use crate::program::{ends, example, says};
use crate::runs::{same, weights};
use pow_ledger::RunDir;
use tempfile::TempDir;

tests! {
    the_transformer_trains_and_resumes_when_killed,
    the_handwritten_loop_trains_and_resumes_when_killed,
    the_loop_and_the_learner_take_the_same_steps
}

/// 24 steps of 8 passages.
const TRANSFORMER: &str = "--epochs 2 --passages 96 --batch-size 8 --zero-bits 12";

/// 90 steps.
const HANDWRITTEN: &str = "--epochs 2 --zero-bits 12";

fn the_transformer_trains_and_resumes_when_killed() {
    let stdout = killed_and_resumed("transformer", TRANSFORMER);
    says(&stdout, ["recorded        24 steps"]);
    let mut lines = stdout.lines();
    let line = lines.find(|line| line.starts_with("held-out text"));
    let words = line.unwrap().split_whitespace();
    let numbers: Vec<f64> = words.filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[1] < numbers[0], "{stdout}");
}

fn the_handwritten_loop_trains_and_resumes_when_killed() {
    let stdout = killed_and_resumed("handwritten", HANDWRITTEN);
    says(&stdout, ["recorded        90 steps"]);
}

fn the_loop_and_the_learner_take_the_same_steps() {
    let place = TempDir::new().unwrap();
    let [handwritten, digits] = ["handwritten", "digits"].map(|name| {
        let run = RunDir::new(place.path().join(name));
        ends(name, &run, HANDWRITTEN);
        weights(&run)
    });
    assert!(handwritten == digits);
}

/// Records a whole run, and returns what it prints. Another run is killed at its
/// first block, resumed, and compared with the whole one.
fn killed_and_resumed(name: &str, options: &str) -> String {
    let place = TempDir::new().unwrap();
    let [whole, killed] = ["whole", "killed"].map(|run| RunDir::new(place.path().join(run)));
    let stdout = ends(name, &whole, options).stdout;

    let mut program = example(name, &killed, options);
    program.wait_for_blocks(&killed, 1);
    program.kill();
    assert!(!killed.artifact().exists());
    ends(name, &killed, &format!("{options} --resume"));
    same(&killed, &whole);
    stdout
}
