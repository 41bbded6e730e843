//! Starting the examples.

use crate::runs::verified;
use pow_ledger::{ChainReader, RunDir};
use std::io::{BufReader, Read};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A program that does not outlive a failed test.
pub struct Program(pub Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    /// Kills the program. Returns its status if it had ended before.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        let ended = self.0.try_wait().unwrap();
        self.0.kill().unwrap();
        self.0.wait().unwrap();
        ended
    }

    pub fn stderr(&mut self) -> BufReader<ChildStderr> {
        BufReader::new(self.0.stderr.take().unwrap())
    }

    /// Waits until the run has this many blocks.
    pub fn wait_for_blocks(&mut self, run: &RunDir, blocks: usize) {
        let count = || {
            ChainReader::open(&run.chain())
                .map_or(0, |records| records.take_while(Result::is_ok).count())
        };
        self.wait_until(|| count() >= blocks);
    }

    pub fn wait_until(&mut self, is_so: impl Fn() -> bool) {
        while !is_so() {
            assert!(self.0.try_wait().unwrap().is_none(), "ended too early");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for the program, which must end with this exit code. Returns what it
    /// printed.
    #[track_caller]
    pub fn ended(mut self, code: i32) -> Printed {
        let mut pipe = self.stderr();
        // A full pipe would stop the program.
        let reader = std::thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).map(|_| text)
        });
        let mut stdout = String::new();
        let mut pipe = self.0.stdout.take().unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        let stderr = reader.join().unwrap().unwrap();
        assert_eq!(self.0.wait().unwrap().code(), Some(code), "{stderr}");
        Printed { stdout, stderr }
    }
}

/// What a program printed.
pub struct Printed {
    pub stdout: String,
    pub stderr: String,
}

/// An example, to be started. It is built along with these tests, unless one of
/// them is asked for by name.
pub fn command(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let target = test.parent().unwrap().parent().unwrap();
    let program = target.join("examples").join(file);
    assert!(
        program.exists(),
        "{} is missing: cargo build --release --example {name}",
        program.display()
    );
    Command::new(program)
}

pub fn start(mut command: Command) -> Program {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Program(child)
}

/// Starts an example that records into `run`. It mines on the CPU, unless the
/// options say otherwise.
pub fn example(name: &str, run: &RunDir, options: &str) -> Program {
    start(recording(command(name), run, options))
}

pub fn recording(mut command: Command, run: &RunDir, options: &str) -> Command {
    command.arg("--out").arg(run.path());
    if !options.contains("--engine") {
        command.args(["--engine", "cpu"]);
    }
    command.args(options.split_whitespace());
    command
}

/// Runs an example to its end, and verifies the run.
#[track_caller]
pub fn ends(name: &str, run: &RunDir, options: &str) -> Printed {
    let printed = example(name, run, options).ended(0);
    verified(run);
    printed
}

/// Panics unless the text contains all of these words.
#[track_caller]
pub fn says<const N: usize>(text: &str, words: [&str; N]) {
    for words in words {
        assert!(text.contains(words), "{words:?} is missing in: {text}");
    }
}

/// Panics if the text contains one of these words.
#[track_caller]
pub fn says_none<const N: usize>(text: &str, words: [&str; N]) {
    for words in words {
        assert!(!text.contains(words), "{words:?} is in: {text}");
    }
}
