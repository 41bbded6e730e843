//! The example programs, run as a user runs them.
#![allow(clippy::unwrap_used, reason = "also in functions that tests share")]

mod kills;
mod others;

use pow_audit::{AuditOptions, audit};
use pow_ledger::RunDir;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A program that does not outlive a failed test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `digits`, recorded into `run`; an epoch has 45 steps. The program is
/// built along with these tests, unless one of them is asked for by name.
fn digits(run: &Path, epochs: &str, zero_bits: &str) -> Program {
    digits_with(run, &["--epochs", epochs, "--zero-bits", zero_bits])
}

fn digits_with(run: &Path, more: &[&str]) -> Program {
    example("digits", run, more)
}

/// Starts an example, recorded into `run`.
fn example(name: &str, run: &Path, more: &[&str]) -> Program {
    let test = std::env::current_exe().unwrap();
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let target = test.parent().unwrap().parent().unwrap();
    let program = target.join("examples").join(file);
    assert!(
        program.exists(),
        "{} is missing: cargo build --release --example {name}",
        program.display()
    );
    let child = Command::new(program)
        .args(["--engine", "cpu", "--out"])
        .arg(run)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Program(child)
}

#[test]
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

#[test]
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
#[test]
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
    use std::io::{BufRead, BufReader};

    fn press_ctrl_c(program: &Program) {
        let id = program.0.id().to_string();
        let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Reads lines up to one that begins with `words`; false if none does.
    fn read_to(lines: &mut impl BufRead, words: &str) -> bool {
        lines.lines().any(|line| line.unwrap().starts_with(words))
    }

    #[test]
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

    #[test]
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

    #[test]
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
