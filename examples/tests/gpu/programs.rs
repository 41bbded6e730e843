//! The digits, trained on a GPU as a user would.

use crate::device::gpu;
use pow_audit::replay::{ReplayReport, SegmentOutcome};
use pow_audit::walk::walk;
use pow_audit::{AuditOptions, Level, audit};
use pow_core::body::{BodyKind, Entry};
use pow_ledger::RunDir;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// 180 steps, with a checkpoint at step 100.
const TRAINING: [&str; 6] = ["--epochs", "2", "--batch-size", "16", "--zero-bits", "14"];

/// On the GPU, mined on it too.
const ON_GPU: [&str; 4] = ["--device", "gpu", "--engine", "shared"];

/// A program that does not outlive a failed test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The example, which is built along with these tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let file = format!("digits{}", std::env::consts::EXE_SUFFIX);
    let program = target.join("examples").join(file);
    assert!(program.exists(), "{} is missing", program.display());
    program
}

/// Starts a training.
fn digits(run: &RunDir, more: &[&str]) -> Program {
    let child = Command::new(program())
        .arg("--out")
        .arg(run.path())
        .args(TRAINING)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Program(child)
}

/// Trains to the end and verifies what was recorded; what was said of it.
fn ends(run: &RunDir, more: &[&str]) -> String {
    let mut program = digits(run, more);
    let mut stderr = String::new();
    let mut pipe = program.0.stderr.take().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();
    assert!(program.0.wait().unwrap().success(), "{stderr}");
    let options = AuditOptions {
        require: [Level::Chain, Level::Finished, Level::State, Level::Artifact].into(),
        ..AuditOptions::default()
    };
    let report = audit(run, &options, &mut |_| {}).unwrap();
    assert!(report.holds(), "{report}");
    stderr
}

/// What genesis says of backend and device, and the entries.
fn recorded(run: &RunDir) -> ([String; 2], Vec<Entry>) {
    let (mut named, mut entries) = (None, Vec::new());
    walk(run, None, &mut |row, _| match &row.block.body().kind {
        BodyKind::Genesis(genesis) => {
            let environment = &genesis.environment;
            named = Some([environment.backend.clone(), environment.device.clone()]);
        }
        BodyKind::Steps(more) => entries.extend(more.iter().copied()),
        BodyKind::Final(_) => {}
    })
    .unwrap();
    (named.unwrap(), entries)
}

/// Steps in the chain file of a run that is being recorded.
fn steps(run: &RunDir) -> u64 {
    let mut last = 0;
    if run.chain().exists() {
        walk(run, None, &mut |row, _| {
            if let BodyKind::Steps(entries) = &row.block.body().kind {
                last = entries.last().map_or(last, |entry| entry.step.0);
            }
        })
        .unwrap();
    }
    last
}

pub fn a_training_is_resumed_and_replayed_bit_for_bit() {
    let place = TempDir::new().unwrap();
    let whole = RunDir::new(place.path().join("whole"));
    let said = ends(&whole, &ON_GPU);
    let adapter = gpu().as_ref().unwrap().setup.adapter.get_info();
    let line = format!("training on {}, {}, driver ", adapter.name, adapter.backend);
    assert!(said.contains(&line), "{said}");
    assert!(said.contains("which the program opened"), "{said}");

    let killed = RunDir::new(place.path().join("killed"));
    let mut program = digits(&killed, &ON_GPU);
    while steps(&killed) < 110 {
        assert!(program.0.try_wait().unwrap().is_none(), "ended too early");
        std::thread::sleep(Duration::from_millis(5));
    }
    program.0.kill().unwrap();
    program.0.wait().unwrap();
    assert!(!killed.artifact().exists());
    on_the_cpu_it_does_not_go_on(&killed);
    let said = ends(&killed, &[&ON_GPU[..], &["--resume"]].concat());
    assert!(said.contains("going on from step 100"), "{said}");

    let ([backend, device], entries) = recorded(&whole);
    assert_eq!(backend, "Wgpu");
    assert!(device.starts_with(&adapter.name), "{device}");
    assert!(device.contains(&adapter.driver_info), "{device}");
    assert_eq!(entries.len(), 181);
    assert!(recorded(&killed).1 == entries);
    let weights = |run: &RunDir| std::fs::read(run.artifact()).unwrap();
    assert!(weights(&killed) == weights(&whole));
    is_replayed_bit_for_bit(&whole);
}

/// What trains is one of the settings that genesis commits to.
fn on_the_cpu_it_does_not_go_on(run: &RunDir) {
    let before = std::fs::read(run.chain()).unwrap();
    let said = refused(run, &["--device", "cpu", "--engine", "cpu", "--resume"]);
    assert!(said.contains(r#""device":"gpu""#), "{said}");
    assert!(std::fs::read(run.chain()).unwrap() == before);
}

/// Every step, taken again by another process, is as it is in the chain.
fn is_replayed_bit_for_bit(run: &RunDir) {
    let mut program = Command::new(program());
    program.arg("replay").arg(run.path()).arg("--all");
    program.arg("--report").arg(run.path().join("replay.json"));
    let replayed = program.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&replayed.stderr);
    assert!(replayed.status.success(), "{said}");
    let report = ReplayReport::read(&run.path().join("replay.json")).unwrap();
    assert_eq!(report.results().len(), 2);
    for result in report.results() {
        let entries = result.segment.entries;
        assert_eq!(
            result.outcome,
            SegmentOutcome::BitExact { entries },
            "{said}"
        );
    }
}

/// What a program says that ends with an error.
fn refused(run: &RunDir, more: &[&str]) -> String {
    let mut program = digits(run, more);
    let mut stderr = String::new();
    let mut pipe = program.0.stderr.take().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();
    assert!(!program.0.wait().unwrap().success(), "{stderr}");
    stderr
}

/// The same program: the GPU is asked for, not taken.
pub fn the_cpu_still_trains() {
    let place = TempDir::new().unwrap();
    let run = RunDir::new(place.path().join("run"));
    ends(&run, &["--device", "cpu", "--engine", "cpu"]);
    assert_eq!(recorded(&run).0[0], "Flex");
    let shared = RunDir::new(place.path().join("shared"));
    let said = refused(&shared, &["--device", "cpu", "--engine", "shared"]);
    assert!(said.contains("needs --device gpu"), "{said}");
    assert!(!shared.path().exists());
}
