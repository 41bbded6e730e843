//! Trainings whose run directory is changed by another process, and a training that
//! panics.

use crate::at::at;
use crate::program::*;
use burn_pow::{Action, Mode, PowConfig, PowError, PowRun};
use pow_core::body::Entry;
use pow_ledger::{LedgerError, RunDir};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// The entries and the weights of an undisturbed run.
fn undisturbed(change: impl FnOnce(PowConfig) -> PowConfig) -> (Vec<Entry>, Vec<u8>) {
    let (place, run) = place();
    record(&place, change(config(&run)));
    outcome(&run)
}

fn outcome(run: &RunDir) -> (Vec<Entry>, Vec<u8>) {
    let found = report(run);
    assert!(found.holds(), "{found}");
    (entries(run), artifact(run))
}

/// Trains; `action` happens when the third batch is taken, and in gate mode
/// when two blocks with steps are in the chain.
fn disturbed(
    place: &TempDir,
    config: PowConfig,
    action: impl Fn() + Send + Sync + 'static,
) -> Result<(), PowError> {
    let run = create(config);
    let train = at(loader(&run), 3, action);
    launch(place, run, train, |training| training).map(drop)
}

fn resumed(place: &TempDir, config: PowConfig) {
    let run = PowRun::open(Action::Resume, config).unwrap();
    record_on(place, run, |training| training).unwrap();
}

/// The ledger's error that a recording ended with.
fn ledger(result: Result<(), PowError>) -> Arc<LedgerError> {
    match result {
        Err(PowError::Ledger(error)) => error,
        Err(error) => panic!("another error: {error}"),
        Ok(()) => panic!("there was no error"),
    }
}

#[test]
fn a_second_writer_is_refused_and_the_first_resumed() {
    let _alone = alone();
    for mode in [Mode::Pipelined, Mode::Gate] {
        let expected = undisturbed(|config| config.mode(mode));
        let (place, run) = place();
        let config = config(&run).mode(mode);
        let (second, refused) = (config.clone(), Arc::new(AtomicU32::new(0)));
        let (asked, chain) = (refused.clone(), run.chain());
        disturbed(&place, config, move || {
            let begun = std::fs::read(&chain).unwrap();
            let open = |action| ledger(PowRun::open(action, second.clone()).map(drop));
            let created = open(Action::Create);
            assert!(matches!(&*created, LedgerError::Exists(_)), "{created}");
            let resumed = open(Action::Resume);
            assert!(matches!(&*resumed, LedgerError::Locked(_)), "{resumed}");
            assert!(resumed.to_string().ends_with("is held by another writer"));
            // What the first has written is still there.
            assert!(std::fs::read(&chain).unwrap().starts_with(&begun));
            asked.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
        assert_eq!(refused.load(Ordering::SeqCst), 1);
        assert!(outcome(&run) == expected, "{mode:?}");
    }
}

#[test]
fn a_run_directory_that_is_removed_ends_the_training() {
    let _alone = alone();
    for mode in [Mode::Pipelined, Mode::Gate] {
        let (place, run) = place();
        let gone = run.path().to_owned();
        let removed = disturbed(&place, config(&run).mode(mode), move || {
            // The recorder may be writing a checkpoint at this moment.
            while std::fs::remove_dir_all(&gone).is_err() {}
        });
        let error = ledger(removed);
        let LedgerError::Io { path, source } = &*error else {
            panic!("{error}");
        };
        assert_eq!(source.kind(), ErrorKind::NotFound, "{error}");
        assert!(path.starts_with(run.path()), "{error}");
        assert!(!run.path().exists(), "{mode:?}");
    }
}

#[test]
fn a_run_directory_that_is_moved_ends_the_training_and_is_resumed_elsewhere() {
    let _alone = alone();
    for mode in [Mode::Pipelined, Mode::Gate] {
        let set = |config: PowConfig| config.name("a run").mode(mode);
        let expected = undisturbed(set);
        let (place, run) = place();
        let moved = RunDir::new(place.path().join("moved"));
        let (from, to) = (run.path().to_owned(), moved.path().to_owned());
        let chain = run.chain();
        let error = ledger(disturbed(&place, set(config(&run)), move || {
            // Without a block there would be nothing to resume.
            while std::fs::metadata(&chain).unwrap().len() <= 16 {
                std::thread::yield_now();
            }
            std::fs::rename(&from, &to).unwrap();
        }));
        let LedgerError::Io { path, source } = &*error else {
            panic!("{error}");
        };
        assert_eq!(source.kind(), ErrorKind::NotFound, "{error}");
        assert!(path.starts_with(run.path()), "{error}");
        assert!(!run.path().exists(), "{mode:?}");
        holds_unfinished(&moved);
        resumed(&place, set(config(&moved)));
        assert!(outcome(&moved) == expected, "{mode:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_says_which() {
    let (place, _run) = place();
    let file = place.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    let run = RunDir::new(file.join("run"));
    let error = ledger(PowRun::open(Action::Create, config(&run)).map(drop));
    let LedgerError::Io { path, .. } = &*error else {
        panic!("{error}");
    };
    assert!(path.starts_with(&file), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn a_training_that_panics_is_an_error_and_resumed() {
    let _alone = alone();
    let expected = undisturbed(|config| config);
    let (place, run) = place();
    let error = disturbed(&place, config(&run), || panic!("the model is in pieces"));
    let error = error.unwrap_err();
    assert!(matches!(error, PowError::Panicked(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "training panicked: the model is in pieces"
    );
    holds_unfinished(&run);
    assert_eq!(steps(&run), [0, 1, 2]);
    resumed(&place, config(&run));
    assert!(outcome(&run) == expected);
    // Before the first step there is nothing to keep.
    let (place, run) = self::place();
    let opened = create(config(&run));
    let train = at(loader(&opened), 1, || panic!("at once"));
    let error = launch(&place, opened, train, |training| training)
        .err()
        .unwrap();
    assert!(matches!(error, PowError::Panicked(_)), "{error}");
    assert!(!run.path().exists());
}

#[test]
fn a_failure_of_the_recorder_comes_before_a_panic() {
    let _alone = alone();
    let (place, run) = place();
    let gone = run.path().to_owned();
    // Blocks take so long that there is none yet.
    let error = ledger(disturbed(&place, config(&run).zero_bits(24), move || {
        while std::fs::remove_dir_all(&gone).is_err() {}
        panic!("no room for my own files");
    }));
    let LedgerError::Io { path, .. } = &*error else {
        panic!("{error}");
    };
    assert!(path.starts_with(run.path()), "{error}");
}
