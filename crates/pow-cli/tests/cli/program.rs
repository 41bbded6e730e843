//! Running the built program and looking at what it leaves.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// What the program left.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `pow` with these arguments.
pub fn pow<A: AsRef<OsStr>>(arguments: &[A]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_pow"))
        .args(arguments)
        .output()
        .unwrap();
    let outcome = Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    // Whatever the input, an error has words of its own.
    assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
    outcome
}

/// Runs `pow verify RUN` with more arguments.
pub fn verify(run: &Path, more: &[&str]) -> Outcome {
    command("verify", run, more)
}

/// Runs `pow inspect RUN` with more arguments.
pub fn inspect(run: &Path, more: &[&str]) -> Outcome {
    command("inspect", run, more)
}

/// Runs `pow prove RUN` with more arguments.
pub fn prove(run: &Path, more: &[&str]) -> Outcome {
    command("prove", run, more)
}

/// Runs `pow export RUN` with more arguments; its stdout is bytes.
pub fn export(run: &Path, more: &[&str]) -> (Outcome, Vec<u8>) {
    let output = Command::new(env!("CARGO_BIN_EXE_pow"))
        .arg("export")
        .arg(run)
        .args(more)
        .output()
        .unwrap();
    let outcome = Outcome {
        code: output.status.code(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
    (outcome, output.stdout)
}

fn command(name: &str, run: &Path, more: &[&str]) -> Outcome {
    let mut arguments = vec![OsStr::new(name), run.as_os_str()];
    arguments.extend(more.iter().map(OsStr::new));
    pow(&arguments)
}

impl Outcome {
    /// Checks the exit code, and that these words stand in stdout or stderr.
    #[track_caller]
    pub fn expect(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        for word in words {
            assert!(
                self.stdout.contains(word) || self.stderr.contains(word),
                "{word:?} is in neither of\n{}\n{}",
                self.stdout,
                self.stderr
            );
        }
    }
}
