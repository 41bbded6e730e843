//! Two processes and one run: whatever they do and when, the chain stays whole.
#![allow(clippy::unwrap_used, reason = "also in functions that tests share")]

#[path = "owners/interleaved.rs"]
mod interleaved;
#[path = "owners/processes.rs"]
mod processes;
#[path = "owners/schedules.rs"]
mod schedules;
mod support;

use pow_ledger::{ChainWriter, Durability, LedgerError, Reopened, RunDir, RunWriter, Surroundings};
use std::fs::TryLockError;
use std::io::ErrorKind;
use std::time::Duration;
use tempfile::TempDir;

/// A machine whose file system has no locks.
fn lockless(patience: Duration) -> Surroundings {
    Surroundings {
        try_lock: |_| Err(TryLockError::Error(ErrorKind::Unsupported.into())),
        machine: "one".into(),
        beat: Duration::from_millis(20),
        patience,
        settle: Duration::from_millis(1),
        ..Surroundings::real()
    }
}

/// The same, with processes that show no sign of life: they are suspended, or cut off.
fn suspended() -> Surroundings {
    Surroundings {
        beat: Duration::from_secs(3600),
        ..lockless(Duration::from_millis(2))
    }
}

/// A writer, and the number of the next record.
struct Writer {
    files: RunWriter,
    chain: ChainWriter,
    name: u8,
    next: u8,
}

impl Writer {
    fn create(run: &RunDir, around: &Surroundings, name: u8) -> Result<Self, LedgerError> {
        let (files, chain) = run.create_in(around, b"{}", Durability::Grouped)?;
        Ok(Writer {
            files,
            chain,
            name,
            next: 0,
        })
    }

    fn resume(run: &RunDir, around: &Surroundings, name: u8) -> Result<Self, LedgerError> {
        let mut next = 0;
        let saved = run.read_saved_in(around, |_| {
            next += 1;
            Ok::<(), LedgerError>(())
        })?;
        let Reopened { files, chain, .. } = saved.reopen(Durability::Grouped)?;
        Ok(Writer {
            files,
            chain,
            name,
            next,
        })
    }

    /// Appends a record as the sealer does: it counts if both calls succeed.
    fn append(&mut self) -> Result<(), LedgerError> {
        self.chain.append(&[self.next; 80], &[self.name; 100])?;
        self.chain.check_place()?;
        self.next += 1;
        Ok(())
    }
}

/// The names of the writers of all records. Checks that the file is whole, and that each
/// record follows the one before it.
#[track_caller]
fn writers(run: &RunDir) -> Vec<u8> {
    let mut chain = run.open_chain().unwrap();
    let mut names = Vec::new();
    for record in chain.by_ref() {
        let record = record.unwrap();
        assert_eq!(record.block, [names.len() as u8; 80]);
        names.push(record.body[0]);
    }
    assert_eq!(chain.torn(), None);
    names
}

fn place() -> (TempDir, RunDir) {
    let place = TempDir::new().unwrap();
    let run = RunDir::new(place.path().join("run"));
    (place, run)
}

#[track_caller]
fn is_taken_over(result: Result<(), LedgerError>) {
    let error = result.unwrap_err();
    assert!(matches!(error, LedgerError::TakenOver { .. }), "{error}");
}
