//! Running the built program and looking at what it leaves.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// What the program left.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs `pow` with these arguments.
pub fn pow<A: AsRef<OsStr>>(arguments: &[A]) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pow"));
    Outcome::of(command.args(arguments).output().unwrap())
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

/// Runs `pow challenge RUN` with more arguments.
pub fn challenge(run: &Path, more: &[&str]) -> Outcome {
    command("challenge", run, more)
}

/// Runs `pow check-proof PROOF` with more arguments.
pub fn check_proof(proof: &Path, more: &[&str]) -> Outcome {
    command("check-proof", proof, more)
}

/// Runs `pow export RUN` with more arguments; its stdout is bytes.
pub fn export(run: &Path, more: &[&str]) -> (Outcome, Vec<u8>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pow"));
    let mut output = command.arg("export").arg(run).args(more).output().unwrap();
    let bytes = std::mem::take(&mut output.stdout);
    (Outcome::of(output), bytes)
}

fn command(name: &str, path: &Path, more: &[&str]) -> Outcome {
    let mut arguments = vec![OsStr::new(name), path.as_os_str()];
    arguments.extend(more.iter().map(OsStr::new));
    pow(&arguments)
}

impl Outcome {
    /// What a program left. Whatever the input, an error is no panic.
    pub fn of(output: Output) -> Self {
        let outcome = Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!outcome.stderr.contains("panicked"), "{outcome:?}");
        outcome
    }

    /// Its stdout, which is JSON. The program succeeded and said nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        self.expect(0, &[]);
        assert_eq!(self.stderr, "");
        serde_json::from_str(&self.stdout).unwrap()
    }

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
