//! Real processes, which are killed and suspended.
#![cfg(unix)]

use super::*;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

const RUN: &str = "POW_OWNERS_RUN";
const LOCKS: &str = "POW_OWNERS_LOCKS";
const PATIENCE: Duration = Duration::from_millis(1500);

/// A process that appends records until it cannot. It says each, and then why it stopped.
#[test]
#[ignore = "the other tests start it as a process"]
fn child() {
    let run = RunDir::new(std::env::var_os(RUN).unwrap());
    let around = around(std::env::var_os(LOCKS).is_some());
    let mut writer = Writer::create(&run, &around, 1).unwrap();
    loop {
        match writer.append() {
            Ok(()) => println!("\nappended"),
            Err(error) => {
                println!("\nstopped: {error}");
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn around(locks: bool) -> Surroundings {
    match locks {
        true => Surroundings::real(),
        false => lockless(PATIENCE),
    }
}

struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(run: &RunDir, locks: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "processes::child", "--ignored", "--nocapture"])
            .env(RUN, run.path())
            .stdout(Stdio::piped());
        if locks {
            command.env(LOCKS, "1");
        }
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut process = Process { child, lines };
        for _ in 0..5 {
            process.line("appended");
        }
        process
    }

    /// The next line that starts like this.
    fn line(&mut self, start: &str) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        lines.find(|line| line.starts_with(start)).unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_killed_process_is_followed_at_once_where_locks_work_and_soon_where_not() {
    for locks in [true, false] {
        let (_place, run) = place();
        let process = Process::start(&run, locks);
        let patient = Surroundings {
            patience: 10 * PATIENCE,
            ..around(locks)
        };
        let error = Writer::resume(&run, &patient, 2).err().unwrap();
        assert!(
            matches!(error, LedgerError::Locked(_) | LedgerError::Owned { .. }),
            "{error}"
        );
        drop(process);
        assert!(run.owner().exists());
        let began = Instant::now();
        let mut writer = Writer::resume(&run, &around(locks), 2).unwrap();
        assert_eq!(began.elapsed() >= PATIENCE, !locks, "{:?}", began.elapsed());
        assert!(began.elapsed() < 3 * PATIENCE, "{:?}", began.elapsed());
        writer.append().unwrap();
        drop(writer);
        assert!(!run.owner().exists());
        let names = writers(&run);
        let (last, others) = names.split_last().unwrap();
        assert_eq!(*last, 2);
        assert!(others.len() >= 5 && others.iter().all(|name| *name == 1));
    }
}

#[test]
fn a_suspended_process_that_was_replaced_stops_when_it_wakes() {
    let (_place, run) = place();
    let mut process = Process::start(&run, false);
    process.signal("-STOP");
    let mut writer = Writer::resume(&run, &around(false), 2).unwrap();
    writer.append().unwrap();
    let before = std::fs::read(run.chain()).unwrap();
    process.signal("-CONT");
    let stopped = process.line("stopped");
    assert!(stopped.contains("has taken over this run"), "{stopped}");
    process.child.wait().unwrap();
    assert_eq!(std::fs::read(run.chain()).unwrap(), before);
    writer.append().unwrap();
    assert_eq!(writers(&run).iter().filter(|name| **name == 2).count(), 2);
}
