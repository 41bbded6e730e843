//! What a training is doing, according to its run directory.

use crate::program::Program;
use crate::runs::{has_ended, whole_records};
use pow_ledger::{FILE_HEADER_LEN, RunDir};
use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The phases of a new run, in order, and then those of a resumed run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// There is no run directory yet.
    Starting,
    /// There is no block yet.
    BeforeGenesis,
    Training,
    Checkpoint,
    /// Training is over, and there is no final block yet.
    End,
    /// There is a final block, and the program has not ended.
    Ended,
    /// The chain of a resumed run is read and verified.
    Opening,
    /// Steps that are in the chain are repeated.
    Again,
}

pub const PHASES: [(Phase, &str); 8] = [
    (Phase::Starting, "before there is a run directory"),
    (Phase::BeforeGenesis, "before genesis"),
    (Phase::Training, "while blocks are appended"),
    (Phase::Checkpoint, "while a checkpoint is written"),
    (Phase::End, "while the end is mined"),
    (Phase::Ended, "after the final block"),
    (Phase::Opening, "while a resumed run is read"),
    (Phase::Again, "while steps are repeated"),
];

/// A training that is watched.
pub struct Watched<'a> {
    pub run: &'a RunDir,
    /// The length of its whole records when it started. A new run has no more than
    /// the file's header.
    pub before: usize,
    /// It has said at which step it resumes.
    opened: Arc<AtomicBool>,
}

impl<'a> Watched<'a> {
    /// Takes the program's standard error.
    pub fn new(program: &mut Program, run: &'a RunDir, before: usize) -> Self {
        let opened = Arc::new(AtomicBool::new(false));
        let stderr = program.stderr();
        let seen = opened.clone();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if line.starts_with("resuming from step") {
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

    /// Whether this run can reach the phase.
    pub fn can_reach(&self, phase: Phase) -> bool {
        match phase {
            Phase::Starting | Phase::BeforeGenesis => self.before <= FILE_HEADER_LEN,
            Phase::Opening | Phase::Again => self.before > FILE_HEADER_LEN,
            Phase::Training | Phase::Checkpoint | Phase::End | Phase::Ended => true,
        }
    }

    /// The phase at this moment.
    pub fn phase(&self) -> Phase {
        let is_new = self.before <= FILE_HEADER_LEN;
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
        } else if whole_records(self.run).len() <= FILE_HEADER_LEN {
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
