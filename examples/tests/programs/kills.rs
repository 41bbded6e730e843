//! Killing a training, at any moment and often. `scripts/kill.sh` does it 200
//! times.

use crate::compare::{entries, has_ended, same, unfinished_report, whole_records};
use crate::phase::{PHASES, Phase, Tally, Watched};
use crate::program::{Program, digits_with, ends};
use crate::test;
use libtest_mimic::Trial;
use pow_core::body::Entry;
use pow_ledger::{ChainReader, RunDir};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub fn tests() -> Vec<Trial> {
    vec![test(
        "kills/a_training_killed_again_and_again_comes_to_the_same_end",
        a_training_killed_again_and_again_comes_to_the_same_end,
    )]
}

/// 90 steps an epoch, with checkpoints at the steps 100, 200 and 300, and some
/// hundred blocks.
const TRAINING: [&str; 6] = ["--epochs", "4", "--batch-size", "16", "--zero-bits", "12"];

/// Kills of a run of the tests, unless `POW_KILLS` says otherwise.
const KILLS: u32 = 16;

/// From so many on, every phase must have been hit.
const ENOUGH: u32 = 100;

fn a_training_killed_again_and_again_comes_to_the_same_end() {
    let kills = std::env::var("POW_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let place = TempDir::new().unwrap();
    let whole = RunDir::new(place.path().join("whole"));
    let began = Instant::now();
    ends("digits", whole.path(), &TRAINING);
    let mut killer = Killer {
        run: RunDir::new(place.path().join("killed")),
        length: began.elapsed(),
        entries: entries(&whole),
        whole,
        random: 1,
        seen: Seen::default(),
        phases: Tally::default(),
    };
    while killer.seen.kills < kills {
        killer.kill();
    }
    killer.ends();
    let (length, seen, phases) = (killer.length, &killer.seen, &killer.phases);
    eprintln!("an undisturbed training took {length:?}; {seen:?}; killed\n{phases}");
    if kills >= ENOUGH {
        for phase in PHASES {
            assert!(phases.of(phase) > 0, "never killed {phase}");
        }
    }
}

struct Killer {
    run: RunDir,
    whole: RunDir,
    /// Of the whole run.
    entries: Vec<Entry>,
    /// How long a whole training takes.
    length: Duration,
    random: u64,
    seen: Seen,
    phases: Tally,
}

/// What the kills met.
#[derive(Debug, Default)]
struct Seen {
    kills: u32,
    /// Audits of what a kill had left.
    audits: u32,
    /// Blocks that were in the chain just before each kill, and after it; all
    /// kills added up.
    acknowledged: usize,
    /// Kills that left a torn record.
    torn: u32,
    /// Trainings that ended before they were to be killed.
    ends: u32,
}

impl Killer {
    /// Starts or resumes the training, kills it, and looks at what is left.
    fn kill(&mut self) {
        let before = self.left();
        let mut arguments = TRAINING.to_vec();
        if !before.is_empty() {
            arguments.push("--resume");
        }
        let mut program = digits_with(self.run.path(), &arguments);
        let run = self.run.clone();
        let watched = Watched::new(&mut program, &run, before.len());
        self.wait(&mut program, &watched);

        let acknowledged = whole_records(&self.run);
        let phase = watched.phase();
        let ended = program.0.try_wait().unwrap();
        program.0.kill().unwrap();
        program.0.wait().unwrap();
        if let Some(status) = ended {
            assert!(status.success());
            self.seen.ends += 1;
            self.ends();
            return;
        }
        self.seen.kills += 1;
        self.phases.add(phase);
        if self.seen.kills.is_multiple_of(20) {
            eprintln!("{} kills", self.seen.kills);
        }

        let after = whole_records(&self.run);
        self.seen.acknowledged += blocks(&acknowledged);
        assert!(acknowledged.starts_with(&before), "{phase}");
        assert!(after.starts_with(&acknowledged), "{phase}");
        self.audit(phase);
        if has_ended(&self.run) {
            self.ends();
        }
    }

    /// The whole records that there are to go on with; a run that has none is
    /// removed.
    fn left(&self) -> Vec<u8> {
        let mut records = whole_records(&self.run);
        if records.len() <= 16 {
            records.clear();
            if self.run.path().exists() {
                std::fs::remove_dir_all(self.run.path()).unwrap();
            }
        }
        records
    }

    /// Waits for a moment to kill: half the time any, and else one in the phase
    /// that was hit least of all, or soon after.
    fn wait(&mut self, program: &mut Program, watched: &Watched<'_>) {
        let part = self.next();
        if self.next() < 0.5 {
            std::thread::sleep(self.length.mul_f64(part));
            return;
        }
        let phase = PHASES
            .into_iter()
            .filter(|phase| watched.can_reach(*phase))
            .min_by_key(|phase| self.phases.of(*phase))
            .unwrap();
        if matches!(phase, Phase::Starting | Phase::Opening) {
            // It begins with that, for some milliseconds.
            std::thread::sleep(Duration::from_millis(4).mul_f64(part));
            return;
        }
        while watched.phase() != phase && program.0.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        if matches!(phase, Phase::Training | Phase::Again) {
            std::thread::sleep(self.length.mul_f64(part / 20.0));
        }
    }

    /// What the kill left verifies, with its checkpoints, and is the beginning of
    /// the undisturbed training.
    fn audit(&mut self, phase: Phase) {
        let records = whole_records(&self.run);
        let len = std::fs::metadata(self.run.chain()).map_or(0, |file| file.len());
        self.seen.torn += u32::from(len > records.len() as u64 && len > 16);
        if records.len() <= 16 {
            return;
        }
        let report = unfinished_report(&self.run);
        assert!(report.holds(), "killed {phase}: {report}");
        assert!(self.entries.starts_with(&entries(&self.run)), "{phase}");
        self.seen.audits += 1;
    }

    /// Trains what is left to its end, compares it, and removes it.
    fn ends(&mut self) {
        if self.left().is_empty() {
            return;
        }
        if !has_ended(&self.run) {
            let arguments = [&TRAINING[..], &["--resume"]].concat();
            ends("digits", self.run.path(), &arguments);
        }
        same(&self.run, &self.whole);
        std::fs::remove_dir_all(self.run.path()).unwrap();
    }

    /// A random number from 0 on, below 1: SplitMix64.
    fn next(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How many records these bytes of a chain file hold.
fn blocks(records: &[u8]) -> usize {
    ChainReader::new(records).map_or(0, Iterator::count)
}
