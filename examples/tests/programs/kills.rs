//! Killing a training, at any moment and often. `scripts/kill.sh` does it 200
//! times.

use crate::digits_with;
use pow_audit::{AuditOptions, audit, walk};
use pow_core::body::{Entry, Kind};
use pow_ledger::{ChainReader, RunDir};
use std::path::Path;
use std::time::Instant;
use tempfile::TempDir;

/// 90 steps an epoch, with checkpoints at the steps 100, 200 and 300, and some
/// hundred blocks.
const TRAINING: [&str; 6] = ["--epochs", "4", "--batch-size", "16", "--zero-bits", "12"];

/// Kills of a run of the tests, unless `POW_KILLS` says otherwise.
const KILLS: u32 = 6;

#[test]
fn a_training_killed_again_and_again_comes_to_the_same_end() {
    let kills = std::env::var("POW_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let place = TempDir::new().unwrap();
    let whole = RunDir::new(place.path().join("whole"));
    let began = Instant::now();
    ends(&whole, &TRAINING);
    let length = began.elapsed();

    let run = RunDir::new(place.path().join("killed"));
    let mut seen = Seen::default();
    let mut random = 1;
    while seen.kills < kills {
        let before = whole_records(&run);
        if before.len() <= 16 && run.path().exists() {
            // Nothing was recorded yet: there is nothing to go on with.
            std::fs::remove_dir_all(run.path()).unwrap();
        }
        let mut arguments = TRAINING.to_vec();
        if before.len() > 16 {
            arguments.push("--resume");
        }
        let mut program = digits_with(run.path(), &arguments);
        random = next(random);
        std::thread::sleep(length.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64));
        let ended = program.0.try_wait().unwrap();
        program.0.kill().unwrap();
        program.0.wait().unwrap();

        let after = whole_records(&run);
        assert!(after.starts_with(&before), "kill {}", seen.kills);
        match ended {
            Some(status) => {
                assert!(status.success());
                same(&run, &whole);
                std::fs::remove_dir_all(run.path()).unwrap();
                seen.ends += 1;
            }
            None => seen.note(&run, &after, before.len()),
        }
    }
    // Where nothing is left to go on with, the last kill came before any block.
    if whole_records(&run).len() > 16 {
        if !has_ended(&run) {
            let mut arguments = TRAINING.to_vec();
            arguments.push("--resume");
            ends(&run, &arguments);
        }
        same(&run, &whole);
    }
    eprintln!("an undisturbed training took {length:?}; {seen:?}");
}

/// What the kills met.
#[derive(Debug, Default)]
struct Seen {
    kills: u32,
    /// Before there was any block, or where no new block was found.
    without_a_new_block: u32,
    /// Which left a torn record.
    torn: u32,
    /// After the final block, before the program had ended.
    after_the_end: u32,
    /// Trainings that ended before they were to be killed.
    ends: u32,
}

impl Seen {
    fn note(&mut self, run: &RunDir, after: &[u8], before: usize) {
        self.kills += 1;
        self.without_a_new_block += u32::from(after.len() <= before.max(16));
        let len = std::fs::metadata(run.chain()).map_or(0, |file| file.len());
        self.torn += u32::from(len > after.len() as u64 && len > 16);
        if has_ended(run) {
            self.after_the_end += 1;
            std::fs::remove_dir_all(run.path()).unwrap();
        }
        if self.kills.is_multiple_of(10) {
            eprintln!("{} kills", self.kills);
        }
    }
}

/// Trains to the end.
fn ends(run: &RunDir, arguments: &[&str]) {
    let mut program = digits_with(run.path(), arguments);
    // Full pipes would stop the program.
    let mut stderr = program.0.stderr.take().unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    std::io::copy(&mut program.0.stdout.take().unwrap(), &mut std::io::sink()).unwrap();
    reader.join().unwrap().unwrap();
    assert!(program.0.wait().unwrap().success());
    assert!(has_ended(run), "{}", run.path().display());
}

/// The bytes of the chain file up to the end of its last whole record; none if
/// there is no such file yet.
fn whole_records(run: &RunDir) -> Vec<u8> {
    let Ok(mut reader) = ChainReader::open(&run.chain()) else {
        return Vec::new();
    };
    assert!(reader.by_ref().all(|record| record.is_ok()));
    let mut bytes = std::fs::read(run.chain()).unwrap();
    bytes.truncate(reader.offset() as usize);
    bytes
}

fn has_ended(run: &RunDir) -> bool {
    run.chain().exists()
        && walk(run, None, &mut |_, _| {})
            .is_ok_and(|end| end.chain.is_some_and(|chain| chain.end().is_some()))
}

/// Both hold, with the same entries and the same weights.
fn same(run: &RunDir, whole: &RunDir) {
    for run in [run, whole] {
        let report = audit(run, &AuditOptions::default(), &mut |_| {}).unwrap();
        assert!(report.holds(), "{report}");
    }
    assert_eq!(entries(run), entries(whole));
    let weights = |run: &RunDir| std::fs::read(run.artifact()).unwrap();
    assert!(weights(run) == weights(whole));
    assert_eq!(checkpoints(run.path()), checkpoints(whole.path()));
}

fn entries(run: &RunDir) -> Vec<Entry> {
    let mut entries = Vec::new();
    walk(run, None, &mut |row, _| {
        if let Kind::Steps(more) = &row.block.body().kind {
            entries.extend(more.iter().copied());
        }
    })
    .unwrap();
    entries
}

/// The names of the checkpoints, which are the roots of what they hold.
fn checkpoints(run: &Path) -> Vec<String> {
    let found = std::fs::read_dir(run.join("checkpoints")).unwrap();
    let names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // What a killed writer did not finish.
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".tmp")).collect();
    names.sort();
    names
}

/// One step of SplitMix64.
fn next(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
