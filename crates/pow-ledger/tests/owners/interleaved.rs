//! One writer takes over from another at a certain moment.

use super::support::empty_checkpoint;
use super::*;
#[cfg(unix)]
use pow_ledger::Disk;
use pow_ledger::Weakness;
#[cfg(unix)]
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A living process shows a sign of life long before that, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn a_living_writer_keeps_others_out_without_locks() {
    let (_place, run) = place();
    let mut first = Writer::create(&run, &lockless(PATIENCE), 1).unwrap();
    first.append().unwrap();
    let owned = |error: LedgerError| match error {
        LedgerError::Owned { path, owner } => {
            assert_eq!(path, run.path());
            assert!(
                owner.starts_with(&format!("process {} on ", std::process::id())),
                "{owner}"
            );
        }
        error => panic!("{error}"),
    };
    let around = lockless(PATIENCE);
    owned(Writer::resume(&run, &around, 2).err().unwrap());
    first.append().unwrap();
    let again = run.create_again_in(&around, b"{}", Durability::Grouped);
    assert!(again.unwrap().is_none());
    assert_eq!(writers(&run), [1, 1]);
    // One that ended leaves nothing to wait for.
    drop(first);
    assert!(!run.owner().exists());
    let began = Instant::now();
    Writer::resume(&run, &around, 2).unwrap().append().unwrap();
    assert!(began.elapsed() < PATIENCE);
    assert_eq!(writers(&run), [1, 1, 2]);
}

#[test]
fn two_that_begin_a_run_without_locks_are_kept_apart() {
    let (_place, run) = place();
    let around = lockless(PATIENCE);
    let first = Writer::create(&run, &around, 1).unwrap();
    let error = Writer::create(&run, &around, 2).err().unwrap();
    assert!(matches!(error, LedgerError::Exists(_)), "{error}");
    // This one waits to see whether the first was killed.
    let error = run
        .create_again_in(&around, b"{}", Durability::Grouped)
        .unwrap_err();
    assert!(matches!(error, LedgerError::Owned { .. }), "{error}");
    drop(first);
    assert!(
        run.create_again_in(&around, b"{}", Durability::Grouped)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_former_owner_writes_and_removes_nothing_more() {
    let (_place, run) = place();
    let mut first = Writer::create(&run, &suspended(), 1).unwrap();
    first.append().unwrap();
    let root = first.files.checkpoint(&empty_checkpoint(1)).unwrap();
    let mut second = Writer::resume(&run, &suspended(), 2).unwrap();
    let before = std::fs::read(run.chain()).unwrap();

    is_taken_over(first.files.checkpoint(&empty_checkpoint(2)).map(drop));
    is_taken_over(first.files.remove_checkpoint(root));
    is_taken_over(first.files.set_aside_checkpoint(root).map(drop));
    is_taken_over(first.files.artifact(&[]));
    is_taken_over(first.append());
    assert!(matches!(first.append(), Err(LedgerError::Poisoned(_))));
    assert_eq!(std::fs::read(run.chain()).unwrap(), before);
    assert_eq!(run.checkpoint_roots().unwrap(), [root].into());
    assert!(!run.artifact().exists());

    // It does not take the second one's file with it either.
    drop(first);
    assert!(run.owner().exists());
    second.append().unwrap();
    assert_eq!(writers(&run), [1, 2]);
}

#[cfg(unix)]
/// Does something before it writes, once: what other processes do while this one is
/// suspended after its look and before its write.
struct Suspended {
    disk: Box<dyn Disk>,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

#[cfg(unix)]
impl std::fmt::Debug for Suspended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Suspended")
    }
}

#[cfg(unix)]
impl Disk for Suspended {
    fn append(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        self.disk.append(bytes)
    }

    fn sync(&mut self) -> std::io::Result<()> {
        self.disk.sync()
    }
}

#[cfg(unix)]
impl Writer {
    fn suspended_at_its_next_write(self, meanwhile: impl FnOnce() + Send + 'static) -> Self {
        let meanwhile: Box<dyn FnOnce() + Send> = Box::new(meanwhile);
        let chain = self.chain.through(|disk| {
            Box::new(Suspended {
                disk,
                meanwhile: Mutex::new(Some(meanwhile)),
            })
        });
        Writer { chain, ..self }
    }
}

/// The moment that no look can protect: it has looked, and has not written yet.
#[cfg(unix)]
#[test]
fn a_write_that_was_under_way_reaches_no_chain() {
    let (_place, run) = place();
    let mut first = Writer::create(&run, &suspended(), 1).unwrap();
    first.append().unwrap();
    let second = Arc::new(Mutex::new(None));
    let (theirs, there) = (second.clone(), run.clone());
    let mut first = first.suspended_at_its_next_write(move || {
        let mut second = Writer::resume(&there, &suspended(), 2).unwrap();
        second.append().unwrap();
        *theirs.lock().unwrap() = Some(second);
    });
    is_taken_over(first.append());
    assert_eq!(writers(&run), [1, 2]);
    let mut second = second.lock().unwrap().take().unwrap();
    second.append().unwrap();
    drop(first);
    second.append().unwrap();
    assert_eq!(writers(&run), [1, 2, 2, 2]);
}

/// The same before the first block.
#[cfg(unix)]
#[test]
fn a_first_write_that_was_under_way_reaches_no_chain() {
    let (_place, run) = place();
    let second = Arc::new(Mutex::new(None));
    let (theirs, there) = (second.clone(), run.clone());
    let first = Writer::create(&run, &suspended(), 1).unwrap();
    let mut first = first.suspended_at_its_next_write(move || {
        let created = there.create_again_in(&suspended(), b"{}", Durability::Grouped);
        let (files, chain) = created.unwrap().unwrap();
        *theirs.lock().unwrap() = Some(Writer {
            files,
            chain,
            name: 2,
            next: 0,
        });
    });
    is_taken_over(first.append());
    drop(first);
    let mut second = second.lock().unwrap().take().unwrap();
    second.append().unwrap();
    assert_eq!(writers(&run), [2]);
}

/// As a program of an earlier version does, which has no owner's file, and no locks.
#[test]
fn a_writer_that_knows_of_no_owner_is_noticed_by_the_end_of_the_chain() {
    let append = |run: &RunDir, bytes: &[u8]| {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(run.chain())
            .unwrap();
        file.write_all(bytes).unwrap();
    };
    let (_place, run) = place();
    let mut writer = Writer::create(&run, &lockless(PATIENCE), 1).unwrap();
    writer.append().unwrap();
    append(&run, b"PREC");
    let before = std::fs::read(run.chain()).unwrap();
    let error = writer.append().unwrap_err();
    assert!(matches!(error, LedgerError::Replaced { .. }), "{error}");
    assert_eq!(std::fs::read(run.chain()).unwrap(), before);

    // The same length, and another end.
    let (_place, run) = place();
    let mut writer = Writer::create(&run, &lockless(PATIENCE), 1).unwrap();
    writer.append().unwrap();
    let mut bytes = std::fs::read(run.chain()).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(run.chain(), &bytes).unwrap();
    let error = writer.append().unwrap_err();
    assert!(matches!(error, LedgerError::Changed { .. }), "{error}");
    assert_eq!(std::fs::read(run.chain()).unwrap(), bytes);
}

#[cfg(unix)]
#[test]
fn a_copy_in_the_place_of_the_chain_is_noticed() {
    let (place, run) = place();
    let mut writer = Writer::create(&run, &Surroundings::real(), 1).unwrap();
    writer.append().unwrap();
    let copy = place.path().join("copy");
    std::fs::copy(run.chain(), &copy).unwrap();
    std::fs::rename(copy, run.chain()).unwrap();
    let error = writer.append().unwrap_err();
    assert!(matches!(error, LedgerError::Changed { .. }), "{error}");
    assert_eq!(writers(&run), [1]);
}

#[test]
fn where_locks_work_they_decide() {
    let (_place, run) = place();
    let mut first = Writer::create(&run, &Surroundings::real(), 1).unwrap();
    first.append().unwrap();
    let note = std::fs::read(run.owner()).unwrap();
    let began = Instant::now();
    for around in [Surroundings::real(), elsewhere()] {
        let error = Writer::resume(&run, &around, 2).err().unwrap();
        assert!(matches!(error, LedgerError::Locked(_)), "{error}");
    }
    drop(first);
    // Killed on this machine.
    std::fs::write(run.owner(), &note).unwrap();
    Writer::resume(&run, &Surroundings::real(), 2)
        .unwrap()
        .append()
        .unwrap();
    assert!(began.elapsed() < Surroundings::real().patience / 2);
    // A file that says nothing may be from anywhere.
    std::fs::write(run.owner(), "").unwrap();
    Writer::resume(&run, &elsewhere(), 3)
        .unwrap()
        .append()
        .unwrap();
    assert_eq!(writers(&run), [1, 2, 3]);
}

/// Another machine, with locks that this one does not see.
fn elsewhere() -> Surroundings {
    Surroundings {
        try_lock: std::fs::File::try_lock,
        machine: "two".into(),
        ..lockless(Duration::from_millis(100))
    }
}

#[test]
fn a_lock_that_another_machine_does_not_see_is_no_harm() {
    let (_place, run) = place();
    let blind = |machine: &str| Surroundings {
        try_lock: |_| Ok(()),
        machine: machine.into(),
        ..lockless(PATIENCE)
    };
    let mut first = Writer::create(&run, &blind("one"), 1).unwrap();
    first.append().unwrap();
    let error = Writer::resume(&run, &blind("two"), 2).err().unwrap();
    assert!(matches!(error, LedgerError::Owned { .. }), "{error}");
    first.append().unwrap();
    assert_eq!(writers(&run), [1, 1]);
}

#[test]
fn a_removed_owners_file_is_made_again() {
    let (_place, run) = place();
    let around = lockless(PATIENCE);
    let mut first = Writer::create(&run, &around, 1).unwrap();
    std::fs::remove_file(run.owner()).unwrap();
    first.append().unwrap();
    // It lives there too.
    let error = Writer::resume(&run, &around, 2).err().unwrap();
    assert!(matches!(error, LedgerError::Owned { .. }), "{error}");
    first.append().unwrap();
    assert_eq!(writers(&run), [1, 1]);
}

#[test]
fn what_is_weaker_is_said_once() {
    let lacking: fn(&std::fs::File) -> std::io::Result<()> =
        |_| Err(ErrorKind::InvalidInput.into());
    let weak = Surroundings {
        sync_dir: lacking,
        ..lockless(PATIENCE)
    };
    let (_place, run) = place();
    let writer = Writer::create(&run, &weak, 1).unwrap();
    let said = writer.files.take_weaknesses();
    let is_directory = |weakness: &Weakness| matches!(weakness, Weakness::NoDirectorySync { .. });
    assert!(
        said.iter()
            .any(|weakness| matches!(weakness, Weakness::NoLocks { .. }))
    );
    assert_eq!(said.iter().any(is_directory), !cfg!(windows), "{said:?}");
    assert_eq!(writer.files.take_weaknesses(), []);
    let (_place, run) = place();
    let writer = Writer::create(&run, &Surroundings::real(), 1).unwrap();
    assert_eq!(writer.files.take_weaknesses(), []);
}

#[cfg(not(windows))]
#[test]
fn other_errors_of_lock_and_sync_stay_errors_and_leave_nothing() {
    let broken: [Surroundings; 2] = [
        Surroundings {
            try_lock: |_| Err(TryLockError::Error(ErrorKind::Other.into())),
            ..Surroundings::real()
        },
        Surroundings {
            sync_dir: |_| Err(ErrorKind::StorageFull.into()),
            ..Surroundings::real()
        },
    ];
    for around in broken {
        let (_place, run) = place();
        let error = Writer::create(&run, &around, 1).err().unwrap();
        assert!(matches!(error, LedgerError::Io { .. }), "{error}");
        assert!(!run.path().exists());
    }
}
