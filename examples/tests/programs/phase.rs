//! What a training is doing, as its run directory tells.

use crate::compare::{has_ended, whole_records};
use crate::program::Program;
use pow_ledger::RunDir;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// In order, first those of a new run, then those of one that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// There is no run directory yet.
    Starting,
    /// There is no block yet.
    BeforeGenesis,
    Training,
    Checkpoint,
    /// Training is over, and the final block is not there yet.
    End,
    /// The final block is there, and the program has not ended.
    Ended,
    /// The chain of a run that goes on is read and verified.
    Opening,
    /// Steps that the chain has already are taken again.
    Again,
}

pub const PHASES: [Phase; 8] = [
    Phase::Starting,
    Phase::BeforeGenesis,
    Phase::Training,
    Phase::Checkpoint,
    Phase::End,
    Phase::Ended,
    Phase::Opening,
    Phase::Again,
];

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Phase::Starting => "before there is a run directory",
            Phase::BeforeGenesis => "before genesis",
            Phase::Training => "while blocks are appended",
            Phase::Checkpoint => "while a checkpoint is written",
            Phase::End => "while the end is mined",
            Phase::Ended => "after the final block",
            Phase::Opening => "while a resumed run is read",
            Phase::Again => "while steps are taken again",
        })
    }
}

/// A training that is looked at while it goes on.
pub struct Watched<'a> {
    pub run: &'a RunDir,
    /// The length of the whole records that it began with; up to 16 bytes, it is
    /// new.
    pub before: usize,
    /// It has said where it goes on from.
    opened: Arc<AtomicBool>,
}

impl<'a> Watched<'a> {
    /// Takes the program's standard error.
    pub fn new(program: &mut Program, run: &'a RunDir, before: usize) -> Self {
        let opened = Arc::new(AtomicBool::new(false));
        let stderr = BufReader::new(program.0.stderr.take().unwrap());
        let seen = opened.clone();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if line.starts_with("going on from step") {
                    seen.store(true, Ordering::SeqCst);
                }
            }
        });
        Watched {
            run,
            before,
            opened,
        }
    }

    /// Whether a run like this one can come into the phase.
    pub fn can_reach(&self, phase: Phase) -> bool {
        match phase {
            Phase::Starting | Phase::BeforeGenesis => self.before <= 16,
            Phase::Opening | Phase::Again => self.before > 16,
            Phase::Training | Phase::Checkpoint | Phase::End | Phase::Ended => true,
        }
    }

    /// What it is doing now.
    pub fn phase(&self) -> Phase {
        let is_new = self.before <= 16;
        if self.run.artifact().exists() {
            match has_ended(self.run) {
                true => Phase::Ended,
                false => Phase::End,
            }
        } else if !is_new && !self.opened.load(Ordering::SeqCst) {
            Phase::Opening
        } else if self.writes_checkpoint() {
            Phase::Checkpoint
        } else if !is_new && whole_records(self.run).len() == self.before {
            Phase::Again
        } else if !self.run.path().exists() {
            Phase::Starting
        } else if whole_records(self.run).len() <= 16 {
            Phase::BeforeGenesis
        } else {
            Phase::Training
        }
    }

    fn writes_checkpoint(&self) -> bool {
        let Ok(found) = std::fs::read_dir(self.run.checkpoints()) else {
            return false;
        };
        found.flatten().any(|entry| {
            let path = entry.path();
            path.extension().is_some_and(|extension| extension == "tmp")
        })
    }
}

/// How often something happened in each phase.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<Phase, u32>);

impl Tally {
    pub fn of(&self, phase: Phase) -> u32 {
        self.0.get(&phase).copied().unwrap_or(0)
    }

    pub fn add(&mut self, phase: Phase) {
        *self.0.entry(phase).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for phase in PHASES {
            writeln!(f, "  {phase:<32} {:>4}", self.of(phase))?;
        }
        Ok(())
    }
}
