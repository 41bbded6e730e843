//! Disks that are full or read-only, from the start or suddenly.

use crate::disturbed::GATED;
use crate::program::{Program, ends, example, says, says_none};
use crate::runs::{same, unfinished_report, whole_records};
use crate::tmpfs::Tmpfs;
use pow_ledger::{FILE_HEADER_LEN, RunDir};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

tests! {
    Tmpfs: a_checkpoint_that_does_not_fit_ends_the_training,
    a_disk_that_runs_full_ends_the_training, a_run_that_becomes_read_only_ends_the_training,
    a_run_that_cannot_be_created_leaves_nothing
}

/// 360 steps, with checkpoints of 175 kB at every hundredth.
const LEARNER: &str = "--epochs 4 --batch-size 16 --zero-bits 8";

fn mount(arguments: &[&str], at: &Path) {
    let status = Command::new("mount").args(arguments).arg(at).status();
    assert!(status.unwrap().success(), "mount {arguments:?}");
}

/// Fills the disk.
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

/// The program must fail with one error line, which starts with the path and
/// contains the reason.
#[track_caller]
fn fails(program: Program, path: &Path, reason: &str) -> String {
    let printed = program.ended(1);
    let lines = printed.stderr.lines();
    let mut errors = lines.filter(|line| line.starts_with("error: "));
    let line = errors
        .next()
        .unwrap_or_else(|| panic!("{}", printed.stderr));
    assert_eq!(errors.next(), None);
    let path = format!("error: {}", path.display());
    assert!(line.starts_with(&path) && line.contains(reason), "{line}");
    says_none(&printed.stdout, ["recorded"]);
    printed.stderr
}

/// What was sealed verifies, and the resumed run comes to the same end as an
/// undisturbed one.
fn resumes(name: &str, run: &RunDir, options: &str, acknowledged: &[u8]) {
    assert!(acknowledged.len() > FILE_HEADER_LEN);
    assert!(whole_records(run).starts_with(acknowledged));
    let report = unfinished_report(run);
    assert!(report.holds(), "{report}");
    ends(name, run, &format!("{options} --resume"));
    assert!(whole_records(run).starts_with(acknowledged));
    let place = TempDir::new().unwrap();
    let whole = RunDir::new(place.path().join("whole"));
    ends(name, &whole, options);
    same(run, &whole);
}

fn a_checkpoint_that_does_not_fit_ends_the_training() {
    let disk = Tmpfs::mount("520k").unwrap();
    let run = RunDir::new(disk.path().join("run"));
    let program = example("digits", &run, LEARNER);
    fails(program, &run.checkpoints(), "No space left on device");
    let sealed = whole_records(&run);
    mount(&["-o", "remount,size=4m"], disk.path());
    resumes("digits", &run, LEARNER, &sealed);
}

/// A training in gate mode, its run and the chain file so far. That is before the
/// checkpoint of step 100: only the chain grows.
fn gated(disk: &Tmpfs) -> (Program, RunDir, Vec<u8>) {
    let run = RunDir::new(disk.path().join("run"));
    let mut program = example("handwritten", &run, GATED);
    program.wait_for_blocks(&run, 5);
    let acknowledged = whole_records(&run);
    (program, run, acknowledged)
}

fn a_disk_that_runs_full_ends_the_training() {
    let disk = Tmpfs::mount("4m").unwrap();
    let (program, run, acknowledged) = gated(&disk);
    let filler = fill(&disk);
    let chain = run.chain();
    let stderr = fails(program, &chain, "No space left on device");
    says(&stderr, [&format!("{}: No space left", chain.display())]);
    says_none(&stderr, ["panicked"]);
    std::fs::remove_file(filler).unwrap();
    resumes("handwritten", &run, GATED, &acknowledged);
}

/// A directory that is mounted a second time, read-only. Files that are already open
/// in it can still be written, as when permissions change.
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
        // If it cannot be unmounted, it stays; the test has its verdict.
        let _ = Command::new("umount").arg(self.0).output();
    }
}

fn a_run_that_becomes_read_only_ends_the_training() {
    let disk = Tmpfs::mount("4m").unwrap();
    let (program, run, acknowledged) = gated(&disk);
    let read_only = ReadOnly::make(run.path());
    let stderr = fails(program, &run.checkpoints(), "Read-only file system");
    says_none(&stderr, ["panicked"]);
    drop(read_only);
    resumes("handwritten", &run, GATED, &acknowledged);
}

fn a_run_that_cannot_be_created_leaves_nothing() {
    let disk = Tmpfs::mount("64k").unwrap();
    let run = RunDir::new(disk.path().join("run"));
    let refused = |reason| {
        fails(example("digits", &run, LEARNER), run.path(), reason);
        assert!(!run.path().exists());
    };
    let filler = fill(&disk);
    refused("No space left on device");
    std::fs::remove_file(filler).unwrap();
    mount(&["-o", "remount,ro"], disk.path());
    refused("Read-only file system");
    assert_eq!(std::fs::read_dir(disk.path()).unwrap().count(), 0);
}
