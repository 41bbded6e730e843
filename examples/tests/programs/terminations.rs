//! Asking a training to end at any moment, many times, as schedulers do: with SIGTERM, after
//! which some kill it soon. `POW_KILLS` sets how often.

use crate::kills::{Random, kills};
use crate::program::{Program, ends, example};
use crate::runs::{entries, has_ended, same, unfinished_report, whole_records};
use pow_core::body::Entry;
use pow_ledger::{FILE_HEADER_LEN, RunDir};
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

tests! { a_training_terminated_again_and_again_loses_no_step }

/// 45 steps an epoch. Most steps are between two checkpoints.
const TRAINING: &str = "--epochs 8 --checkpoint-every 90 --zero-bits 12 --requeue";

/// What schedulers wait for at least before they kill.
const WITHIN: Duration = Duration::from_secs(30);

fn a_training_terminated_again_and_again_loses_no_step() {
    let place = TempDir::new().unwrap();
    let whole = RunDir::new(place.path().join("whole"));
    let began = Instant::now();
    ends("handwritten", &whole, TRAINING);
    let (length, expected) = (began.elapsed(), entries(&whole));
    let run = RunDir::new(place.path().join("run"));
    let (mut random, mut seen) = (Random(1), Seen::default());
    // The step that the next process must start from.
    let mut kept: Option<u64> = None;
    while seen.terminations < kills() {
        let before = whole_records(&run).len();
        let mut program = example("handwritten", &run, TRAINING);
        std::thread::sleep(length.mul_f64(random.next()));
        let grace =
            (random.next() < 0.3).then(|| Duration::from_millis(300).mul_f64(random.next()));
        let (code, stderr) = terminated(&mut program, grace);
        seen.terminations += 1;
        if let Some(step) = kept.take() {
            let line = format!("resuming from step {step}");
            assert!(code.is_none() || stderr.contains(&line), "{line}: {stderr}");
        }
        match code {
            Some(0) if has_ended(&run) => {
                same(&run, &whole);
                std::fs::remove_dir_all(run.path()).unwrap();
                seen.ends += 1;
            }
            Some(0) => {
                assert!(stderr.contains("paused (blocks mined: "), "{stderr}");
                let last = holds(&run, &expected);
                kept = newest_state(&run, last);
                // It may have repeated steps that an earlier process had in the chain.
                if whole_records(&run).len() > before {
                    assert_eq!(kept, last.map(|last| last.step.0), "{stderr}");
                }
                seen.pauses += 1;
            }
            // By the signal, before the program took it or after the grace.
            None => {
                holds(&run, &expected);
                seen.killed += 1;
            }
            Some(code) => panic!("exit code {code}: {stderr}"),
        }
    }
    if run.path().exists() {
        ends("handwritten", &run, TRAINING);
        same(&run, &whole);
    }
    eprintln!("an undisturbed training took {length:?}; {seen:?}");
    assert!(seen.pauses > 0);
}

/// What happened, over all signals.
#[derive(Debug, Default)]
struct Seen {
    terminations: u32,
    pauses: u32,
    /// Trainings that ended before the signal or with it.
    ends: u32,
    killed: u32,
}

/// Sends SIGTERM, and kills the program after the grace, if there is one. Returns its exit
/// code and what it said.
fn terminated(program: &mut Program, grace: Option<Duration>) -> (Option<i32>, String) {
    let mut pipe = program.stderr();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    });
    let id = program.0.id().to_string();
    // It may have ended by itself.
    let _ = Command::new("kill").args(["-TERM", &id]).output().unwrap();
    let code = match grace {
        Some(grace) => {
            std::thread::sleep(grace);
            program.kill().and_then(|status| status.code())
        }
        None => {
            let began = Instant::now();
            let status = program.0.wait().unwrap();
            assert!(began.elapsed() < WITHIN, "{:?}", began.elapsed());
            status.code()
        }
    };
    (code, reader.join().unwrap().unwrap())
}

/// The run holds, and is the beginning of the undisturbed training. Returns its last entry.
fn holds(run: &RunDir, expected: &[Entry]) -> Option<Entry> {
    if whole_records(run).len() <= FILE_HEADER_LEN {
        return None;
    }
    let report = unfinished_report(run);
    assert!(report.holds(), "{report}");
    let found = entries(run);
    assert!(expected.starts_with(&found));
    found.last().copied()
}

/// The newest step in the chain whose whole state is on disk. There may be a newer one: that
/// of a process that was killed before the step was in the chain.
fn newest_state(run: &RunDir, last: Option<Entry>) -> Option<u64> {
    let last = last?.step.0;
    let states = run.checkpoint_roots().unwrap().into_iter();
    let steps = states.map(|root| run.checkpoint(root).state_file().unwrap().step);
    steps.filter(|step| *step <= last).max()
}
