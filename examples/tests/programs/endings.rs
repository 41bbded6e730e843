//! Trainings that are stopped or refused, and one that nobody reads.

use crate::program::{Program, digits, digits_with};
use crate::test;
use libtest_mimic::Trial;
use pow_audit::{AuditOptions, audit};
use pow_ledger::RunDir;
use std::io::Read;
#[cfg(unix)]
use std::process::Command;
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    let mut tests = vec![
        test(
            "endings/a_closed_stderr_does_not_end_the_training",
            a_closed_stderr_does_not_end_the_training,
        ),
        test(
            "endings/what_is_refused_leaves_no_directory",
            what_is_refused_leaves_no_directory,
        ),
    ];
    #[cfg(not(feature = "wgpu"))]
    tests.push(test(
        "endings/a_gpu_needs_the_feature",
        a_gpu_needs_the_feature,
    ));
    #[cfg(unix)]
    tests.extend(ctrl_c::tests());
    tests
}

fn a_closed_stderr_does_not_end_the_training() {
    let place = TempDir::new().unwrap();
    let run = place.path().join("run");
    let mut program = digits(&run, "1", "4");
    drop(program.0.stderr.take());
    let mut stdout = String::new();
    let mut pipe = program.0.stdout.take().unwrap();
    pipe.read_to_string(&mut stdout).unwrap();
    assert!(program.0.wait().unwrap().success(), "{stdout}");
    assert!(stdout.contains("recorded        45 steps"), "{stdout}");
    let report = audit(&RunDir::new(run), &AuditOptions::default(), &mut |_| {}).unwrap();
    assert!(report.holds(), "{report}");
}

fn what_is_refused_leaves_no_directory() {
    let refused: [(&[&str], &str); 5] = [
        (&["--spacing", "nan"], "between 0.001 and 31536000"),
        (&["--spacing", "0"], "between 0.001 and 31536000"),
        (&["--spacing", "1e19"], "between 0.001 and 31536000"),
        (&["--zero-bits", "256"], "zero bits"),
        (
            &["--mode", "gate", "--commit-every", "2"],
            "commit interval of 1",
        ),
    ];
    for (arguments, words) in refused {
        let place = TempDir::new().unwrap();
        let run = place.path().join("run");
        let mut program = digits_with(&run, arguments);
        let mut stderr = String::new();
        let mut pipe = program.0.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        assert!(!program.0.wait().unwrap().success(), "{arguments:?}");
        assert!(stderr.contains(words), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("panicked"), "{arguments:?}: {stderr}");
        assert!(!run.exists(), "{arguments:?}");
    }
}

#[cfg(not(feature = "wgpu"))]
fn a_gpu_needs_the_feature() {
    let place = TempDir::new().unwrap();
    let run = place.path().join("run");
    let mut program = digits_with(&run, &["--device", "gpu"]);
    let mut stderr = String::new();
    let mut pipe = program.0.stderr.take().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();
    assert!(!program.0.wait().unwrap().success());
    assert!(stderr.contains("--features wgpu"), "{stderr}");
    assert!(!run.exists());
}

/// Windows has no program that presses Ctrl-C in another console.
#[cfg(unix)]
mod ctrl_c {
    use super::*;
    use crate::compare::{has_ended, same};
    use crate::program::ends;
    use std::io::{BufRead, BufReader};

    pub fn tests() -> Vec<Trial> {
        vec![
            test(
                "endings/ctrl_c_ends_the_mining_of_the_last_blocks",
                ctrl_c_ends_the_mining_of_the_last_blocks,
            ),
            test(
                "endings/ctrl_c_stops_the_training",
                ctrl_c_stops_the_training,
            ),
            test(
                "endings/ctrl_c_pauses_a_run_that_goes_on_to_the_same_end",
                ctrl_c_pauses_a_run_that_goes_on_to_the_same_end,
            ),
            test(
                "endings/a_second_ctrl_c_kills_the_program",
                a_second_ctrl_c_kills_the_program,
            ),
        ]
    }

    fn press_ctrl_c(program: &Program) {
        let id = program.0.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Reads lines up to one that begins with `words`; false if none does.
    fn read_to(lines: &mut impl BufRead, words: &str) -> bool {
        lines.lines().any(|line| line.unwrap().starts_with(words))
    }

    fn ctrl_c_ends_the_mining_of_the_last_blocks() {
        let place = TempDir::new().unwrap();
        let run = place.path().join("run");
        // No block is ever found.
        let mut program = digits(&run, "1", "200");
        let mut stderr = BufReader::new(program.0.stderr.take().unwrap());
        assert!(read_to(&mut stderr, "mining the last 46 steps…"));
        press_ctrl_c(&program);
        let words = "error: stopped before the chain was finished (blocks mined: 0; steps in none of them: 46)";
        assert!(read_to(&mut stderr, words));
        assert_eq!(program.0.wait().unwrap().code(), Some(1));
        assert!(run.join("model.safetensors").exists());
    }

    fn ctrl_c_stops_the_training() {
        let place = TempDir::new().unwrap();
        let run = place.path().join("run");
        let mut program = digits(&run, "1000", "4");
        let mut stderr = BufReader::new(program.0.stderr.take().unwrap());
        assert!(read_to(&mut stderr, "epoch 1/1000 train"));
        press_ctrl_c(&program);
        assert!(!read_to(&mut stderr, "error"));
        assert!(program.0.wait().unwrap().success());
        let report = audit(&RunDir::new(run), &AuditOptions::default(), &mut |_| {}).unwrap();
        assert!(report.holds(), "{report}");
        assert_eq!(report.chain.unwrap().ending, Some("stopped"));
    }

    fn ctrl_c_pauses_a_run_that_goes_on_to_the_same_end() {
        let place = TempDir::new().unwrap();
        let run = place.path().join("run");
        let training = [
            "--epochs",
            "20",
            "--zero-bits",
            "4",
            "--checkpoint-every",
            "15",
        ];
        let mut program = digits_with(&run, &[&training[..], &["--pause"]].concat());
        let mut stderr = BufReader::new(program.0.stderr.take().unwrap());
        assert!(read_to(&mut stderr, "epoch 2/20 train"));
        press_ctrl_c(&program);
        assert!(read_to(&mut stderr, "paused (blocks mined: "));
        assert!(program.0.wait().unwrap().success());
        assert!(!has_ended(&RunDir::new(&run)));
        ends("digits", &run, &[&training[..], &["--resume"]].concat());
        let whole = place.path().join("whole");
        ends("digits", &whole, &training);
        same(&RunDir::new(run), &RunDir::new(whole));
    }

    fn a_second_ctrl_c_kills_the_program() {
        let place = TempDir::new().unwrap();
        let run = place.path().join("run");
        let mut program = digits(&run, "1000", "200");
        let mut stderr = BufReader::new(program.0.stderr.take().unwrap());
        // The first one stops the training, and then the end is mined.
        assert!(read_to(&mut stderr, "epoch 1/1000 train"));
        press_ctrl_c(&program);
        assert!(read_to(&mut stderr, "stopping; Ctrl-C again kills"));
        press_ctrl_c(&program);
        assert_eq!(program.0.wait().unwrap().code(), Some(130));
    }
}
