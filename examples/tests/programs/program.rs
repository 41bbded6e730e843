//! Starting the examples.

use pow_audit::{AuditOptions, audit};
use pow_ledger::{ChainReader, RunDir};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
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

/// Starts `digits`, recorded into `run`; an epoch has 45 steps. The program is
/// built along with these tests, unless one of them is asked for by name.
pub fn digits(run: &Path, epochs: &str, zero_bits: &str) -> Program {
    digits_with(run, &["--epochs", epochs, "--zero-bits", zero_bits])
}

pub fn digits_with(run: &Path, more: &[&str]) -> Program {
    example("digits", run, more)
}

/// An example, to be started.
pub fn program(name: &str) -> Command {
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

/// Starts an example, recorded into `run`.
pub fn example(name: &str, run: &Path, more: &[&str]) -> Program {
    let mut command = program(name);
    command
        .args(["--engine", "cpu", "--out"])
        .arg(run)
        .args(more);
    started(command)
}

pub fn started(mut command: Command) -> Program {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Program(child)
}

/// Runs the program to its end, verifies what it recorded, and returns what it
/// printed.
pub fn ends(name: &str, run: &Path, arguments: &[&str]) -> String {
    let (code, stdout, stderr) = ended(example(name, run, arguments));
    assert_eq!(code, Some(0), "{stderr}");
    let report = audit(&RunDir::new(run), &AuditOptions::default(), &mut |_| {}).unwrap();
    assert!(report.holds(), "{report}");
    stdout
}

/// Waits for the program; its exit code, and what it printed on both outputs.
pub fn ended(mut program: Program) -> (Option<i32>, String, String) {
    let mut stderr = program.0.stderr.take().unwrap();
    // Full pipes would stop the program.
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).map(|_| text)
    });
    let mut stdout = String::new();
    let mut pipe = program.0.stdout.take().unwrap();
    pipe.read_to_string(&mut stdout).unwrap();
    let stderr = reader.join().unwrap().unwrap();
    (program.0.wait().unwrap().code(), stdout, stderr)
}

/// Waits until the run has so many blocks.
pub fn wait_for_blocks(program: &mut Program, run: &Path, blocks: usize) {
    let count = || {
        ChainReader::open(&RunDir::new(run).chain())
            .map_or(0, |records| records.take_while(Result::is_ok).count())
    };
    while count() < blocks {
        assert!(program.0.try_wait().unwrap().is_none(), "ended too early");
        std::thread::sleep(Duration::from_millis(1));
    }
}
