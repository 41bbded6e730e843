//! Killing a training at any moment, many times. `scripts/kill.sh` does it 200
//! times.

use crate::phase::{PHASES, Phase, Watched};
use crate::program::{Program, ends, example};
use crate::runs::{entries, has_ended, same, unfinished_report, whole_records};
use pow_core::body::Entry;
use pow_ledger::{ChainReader, FILE_HEADER_LEN, RunDir};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tempfile::TempDir;

tests! {
    a_training_killed_again_and_again_comes_to_the_same_end,
    two_models_killed_again_and_again_come_to_the_same_end,
    a_weighted_sampler_killed_again_and_again_comes_to_the_same_end
}

/// 90 steps an epoch, with checkpoints at the steps 100, 200 and 300, and some
/// hundred blocks.
const TRAINING: &str = "--epochs 4 --batch-size 16 --zero-bits 12";

/// 23 steps an epoch, with checkpoints at each 40th step.
const GAN: &str = "--epochs 20 --checkpoint-every 40 --zero-bits 12";

/// Weighted draws, images that are moved at random, and batches from two threads.
const SAMPLED: &str =
    "--epochs 8 --balanced --shifted --workers 2 --checkpoint-every 40 --zero-bits 12";

/// Number of kills, unless `POW_KILLS` sets it.
const KILLS: u32 = 16;

/// From this number of kills on, every phase must have been hit.
const ENOUGH: u32 = 100;

fn a_training_killed_again_and_again_comes_to_the_same_end() {
    killed("digits", TRAINING);
}

/// Two models, two optimizers and an averaged model.
fn two_models_killed_again_and_again_come_to_the_same_end() {
    killed("gan", GAN);
}

fn a_weighted_sampler_killed_again_and_again_comes_to_the_same_end() {
    killed("handwritten", SAMPLED);
}

/// Number of kills.
pub fn kills() -> u32 {
    std::env::var("POW_KILLS").map_or(KILLS, |kills| kills.parse().unwrap())
}

fn killed(name: &'static str, training: &'static str) {
    let kills = kills();
    let place = TempDir::new().unwrap();
    let whole = RunDir::new(place.path().join("whole"));
    let began = Instant::now();
    ends(name, &whole, training);
    let mut killer = Killer {
        name,
        training,
        run: RunDir::new(place.path().join("killed")),
        length: began.elapsed(),
        entries: entries(&whole),
        whole,
        random: Random(1),
        seen: Seen::default(),
        hits: BTreeMap::new(),
    };
    while killer.seen.kills < kills {
        killer.kill();
    }
    killer.ends();
    let (length, seen) = (killer.length, &killer.seen);
    eprintln!("an undisturbed training took {length:?}; {seen:?}; killed");
    for (phase, name) in PHASES {
        eprintln!("  {name:<32} {:>4}", killer.hits(phase));
    }
    let missed = PHASES.map(|(phase, _)| phase);
    let missed = missed.into_iter().find(|phase| killer.hits(*phase) == 0);
    assert!(kills < ENOUGH || missed.is_none(), "never hit: {missed:?}");
}

struct Killer {
    /// The example.
    name: &'static str,
    /// Its options.
    training: &'static str,
    run: RunDir,
    whole: RunDir,
    /// The entries of the whole run.
    entries: Vec<Entry>,
    /// How long a whole training takes.
    length: Duration,
    random: Random,
    seen: Seen,
    /// How often each phase was hit.
    hits: BTreeMap<Phase, u32>,
}

/// What happened, over all kills.
#[derive(Debug, Default)]
struct Seen {
    kills: u32,
    /// Audits after a kill.
    audits: u32,
    /// Blocks in the chain just before each kill, added up.
    acknowledged: usize,
    /// Kills that left a torn record.
    torn: u32,
    /// Trainings that ended before they were killed.
    ends: u32,
}

impl Killer {
    /// Starts or resumes the training, kills it, and checks the files.
    fn kill(&mut self) {
        let before = self.to_resume();
        let resume = if before.is_empty() { "" } else { "--resume" };
        let mut program = example(self.name, &self.run, &format!("{} {resume}", self.training));
        let run = self.run.clone();
        let watched = Watched::new(&mut program, &run, before.len());
        self.wait(&mut program, &watched);

        let acknowledged = whole_records(&self.run);
        let phase = watched.phase();
        if let Some(status) = program.kill() {
            assert!(status.success());
            self.seen.ends += 1;
            self.ends();
            return;
        }
        self.seen.kills += 1;
        *self.hits.entry(phase).or_default() += 1;
        if self.seen.kills.is_multiple_of(20) {
            eprintln!("{} kills", self.seen.kills);
        }

        let after = whole_records(&self.run);
        self.seen.acknowledged += blocks(&acknowledged);
        assert!(acknowledged.starts_with(&before), "{phase:?}");
        assert!(after.starts_with(&acknowledged), "{phase:?}");
        self.audit(phase);
        if has_ended(&self.run) {
            self.ends();
        }
    }

    fn hits(&self, phase: Phase) -> u32 {
        self.hits.get(&phase).copied().unwrap_or(0)
    }

    /// The whole records of a run that can be resumed. A run without any is removed.
    fn to_resume(&self) -> Vec<u8> {
        let mut records = whole_records(&self.run);
        if records.len() <= FILE_HEADER_LEN {
            records.clear();
            if self.run.path().exists() {
                std::fs::remove_dir_all(self.run.path()).unwrap();
            }
        }
        records
    }

    /// Waits for the moment to kill. Half of the time that is any moment, otherwise
    /// one in the phase that was hit least, or soon after it.
    fn wait(&mut self, program: &mut Program, watched: &Watched<'_>) {
        let part = self.next();
        if self.next() < 0.5 {
            std::thread::sleep(self.length.mul_f64(part));
            return;
        }
        let phase = PHASES
            .into_iter()
            .map(|(phase, _)| phase)
            .filter(|phase| watched.can_reach(*phase))
            .min_by_key(|phase| self.hits(*phase))
            .unwrap();
        if matches!(phase, Phase::Starting | Phase::Opening) {
            // It is the first phase, and takes some milliseconds.
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

    /// The killed run verifies, with its checkpoints, and is the beginning of the
    /// undisturbed training.
    fn audit(&mut self, phase: Phase) {
        let records = whole_records(&self.run);
        let len = std::fs::metadata(self.run.chain()).map_or(0, |file| file.len());
        self.seen.torn += u32::from(len > records.len() as u64 && len > FILE_HEADER_LEN as u64);
        if records.len() <= FILE_HEADER_LEN {
            return;
        }
        let report = unfinished_report(&self.run);
        assert!(report.holds(), "killed in {phase:?}: {report}");
        assert!(self.entries.starts_with(&entries(&self.run)), "{phase:?}");
        self.seen.audits += 1;
    }

    /// Resumes the run to its end, compares it, and removes it.
    fn ends(&mut self) {
        if self.to_resume().is_empty() {
            return;
        }
        if !has_ended(&self.run) {
            ends(self.name, &self.run, &format!("{} --resume", self.training));
        }
        same(&self.run, &self.whole);
        std::fs::remove_dir_all(self.run.path()).unwrap();
    }

    fn next(&mut self) -> f64 {
        self.random.next()
    }
}

/// Random numbers by SplitMix64.
pub struct Random(pub u64);

impl Random {
    /// A number from 0, inclusive, to 1, exclusive.
    pub fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The number of records in these bytes of a chain file.
fn blocks(records: &[u8]) -> usize {
    ChainReader::new(records).map_or(0, Iterator::count)
}
