//! Disks that are full or read-only, from the beginning or all at once.

use crate::compare::{same, unfinished_report, whole_records};
use crate::disturbed::GATED;
use crate::mounting;
use crate::program::{digits_with, ended, ends, example, wait_for_blocks};
use crate::tmpfs::Tmpfs;
use libtest_mimic::Trial;
use pow_ledger::RunDir;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    vec![
        mounting(
            "disks/a_checkpoint_that_does_not_fit_ends_the_training",
            a_checkpoint_that_does_not_fit_ends_the_training,
        ),
        mounting(
            "disks/a_disk_that_runs_full_ends_the_training",
            a_disk_that_runs_full_ends_the_training,
        ),
        mounting(
            "disks/a_run_that_becomes_read_only_ends_the_training",
            a_run_that_becomes_read_only_ends_the_training,
        ),
        mounting(
            "disks/a_run_that_cannot_be_created_leaves_nothing",
            a_run_that_cannot_be_created_leaves_nothing,
        ),
    ]
}

/// 360 steps, and checkpoints of 175 kB at each hundredth.
const LEARNER: [&str; 6] = ["--epochs", "4", "--batch-size", "16", "--zero-bits", "8"];

/// An undisturbed run, elsewhere.
fn whole(name: &str, arguments: &[&str]) -> (TempDir, RunDir) {
    let place = TempDir::new().unwrap();
    let run = RunDir::new(place.path().join("whole"));
    ends(name, run.path(), arguments);
    (place, run)
}

fn mount(arguments: &[&str], at: &Path) {
    let status = Command::new("mount").args(arguments).arg(at).status();
    assert!(status.unwrap().success(), "mount {arguments:?}");
}

/// Takes all the room that there is.
fn fill(disk: &Tmpfs) -> PathBuf {
    let path = disk.path().join("filler");
    let mut file = File::create(&path).unwrap();
    let error = loop {
        if let Err(error) = file.write_all(&[0; 4096]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    path
}

/// The line that says why the program failed, of which nothing else was expected.
fn error_line(stderr: &str) -> &str {
    let mut errors = stderr.lines().filter(|line| line.starts_with("error: "));
    let line = errors.next().unwrap_or_else(|| panic!("{stderr}"));
    assert_eq!(errors.next(), None);
    line
}

/// What was sealed verifies, and the run goes on to the same end.
fn goes_on(name: &str, run: &RunDir, arguments: &[&str], whole: &RunDir, acknowledged: &[u8]) {
    assert!(whole_records(run).starts_with(acknowledged));
    let report = unfinished_report(run);
    assert!(report.holds(), "{report}");
    ends(name, run.path(), &[arguments, &["--resume"]].concat());
    assert!(whole_records(run).starts_with(acknowledged));
    same(run, whole);
}

fn a_checkpoint_that_does_not_fit_ends_the_training() {
    let (_place, whole) = whole("digits", &LEARNER);
    let disk = Tmpfs::mount("520k").unwrap();
    let run = RunDir::new(disk.path().join("run"));
    let (code, stdout, stderr) = ended(digits_with(run.path(), &LEARNER));
    assert_eq!(code, Some(1), "{stderr}");
    let line = error_line(&stderr);
    let checkpoints = format!("error: {}", run.checkpoints().display());
    assert!(line.starts_with(&checkpoints), "{line}");
    assert!(line.contains("No space left on device"), "{line}");
    assert!(!stdout.contains("recorded"), "{stdout}");
    let left = whole_records(&run);
    assert!(left.len() > 16);
    mount(&["-o", "remount,size=4m"], disk.path());
    goes_on("digits", &run, &LEARNER, &whole, &left);
}

fn a_disk_that_runs_full_ends_the_training() {
    let (_place, whole) = whole("handwritten", &GATED);
    let disk = Tmpfs::mount("4m").unwrap();
    let run = RunDir::new(disk.path().join("run"));
    let mut program = example("handwritten", run.path(), &GATED);
    // Before the checkpoint of step 100: the chain alone grows.
    wait_for_blocks(&mut program, run.path(), 5);
    let acknowledged = whole_records(&run);
    let filler = fill(&disk);
    let (code, stdout, stderr) = ended(program);
    assert_eq!(code, Some(1), "{stderr}");
    let expected = format!("error: {}: No space left on device", run.chain().display());
    assert!(error_line(&stderr).starts_with(&expected), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!stdout.contains("recorded"), "{stdout}");
    std::fs::remove_file(filler).unwrap();
    goes_on("handwritten", &run, &GATED, &whole, &acknowledged);
}

/// A directory over which it was mounted once more, to be read only. Files that
/// are open in it can be written to all the same, as when permissions change.
struct ReadOnly<'a>(&'a Path);

impl<'a> ReadOnly<'a> {
    fn make(path: &'a Path) -> Self {
        mount(&["--bind", path.to_str().unwrap()], path);
        let read_only = ReadOnly(path);
        mount(&["-o", "remount,bind,ro"], path);
        read_only
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        // What cannot be unmounted stays behind; the test has its verdict.
        let _ = Command::new("umount").arg(self.0).output();
    }
}

fn a_run_that_becomes_read_only_ends_the_training() {
    let (_place, whole) = whole("handwritten", &GATED);
    let disk = Tmpfs::mount("4m").unwrap();
    let run = RunDir::new(disk.path().join("run"));
    let mut program = example("handwritten", run.path(), &GATED);
    wait_for_blocks(&mut program, run.path(), 5);
    let acknowledged = whole_records(&run);
    let read_only = ReadOnly::make(run.path());
    let (code, _, stderr) = ended(program);
    assert_eq!(code, Some(1), "{stderr}");
    let line = error_line(&stderr);
    let checkpoints = format!("error: {}", run.checkpoints().display());
    assert!(line.starts_with(&checkpoints), "{line}");
    assert!(line.contains("Read-only file system"), "{line}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    drop(read_only);
    goes_on("handwritten", &run, &GATED, &whole, &acknowledged);
}

fn a_run_that_cannot_be_created_leaves_nothing() {
    let disk = Tmpfs::mount("64k").unwrap();
    let run = disk.path().join("run");
    let refused = |words: &str| {
        let (code, _, stderr) = ended(digits_with(&run, &LEARNER));
        assert_eq!(code, Some(1), "{stderr}");
        let line = error_line(&stderr);
        let place = format!("error: {}", run.display());
        assert!(line.starts_with(&place) && line.contains(words), "{line}");
        assert!(!run.exists(), "{line}");
    };
    let filler = fill(&disk);
    refused("No space left on device");
    std::fs::remove_file(filler).unwrap();
    mount(&["-o", "remount,ro"], disk.path());
    refused("Read-only file system");
    assert_eq!(std::fs::read_dir(disk.path()).unwrap().count(), 0);
}
