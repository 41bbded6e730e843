//! Runs that are stopped, that fail, or that are not finished.

use crate::at::at;
use crate::program::*;
use burn::module::Module;
use burn::train::Interrupter;
use burn_pow::{Action, Ending, PowError, PowRun};
use pow_audit::{Level, Verdict};
use pow_ledger::RunDir;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn a_directory_is_never_overwritten() {
    let (_place, run) = place();
    std::fs::create_dir(run.path()).unwrap();
    std::fs::write(run.path().join("thesis.tex"), "mine").unwrap();
    let error = PowRun::open(Action::Create, config(&run)).err().unwrap();
    assert!(error.to_string().contains("exists already"), "{error}");
    assert_eq!(std::fs::read_dir(run.path()).unwrap().count(), 1);
}

/// Interrupts while the `batch`-th micro-batch (from 1) is loaded.
fn stopped_at(
    batch: u64,
    config: burn_pow::PowConfig,
    place: &tempfile::TempDir,
    accumulation: Option<usize>,
) -> burn_pow::RunSummary {
    let interrupter = Interrupter::new();
    let open = create(config);
    let stop = interrupter.clone();
    let train = at(loader(&open), batch, move || stop.stop(Some("enough")));
    let trained = launch(place, open, train, |training| {
        let training = training.with_interrupter(interrupter);
        match accumulation {
            Some(count) => training.grads_accumulation(count),
            None => training,
        }
    })
    .unwrap();
    assert!(trained.interrupted.is_some());
    trained.summary
}

#[test]
fn a_stopped_run_says_so() {
    let _alone = alone();
    let (place, run) = place();
    let summary = stopped_at(5, config(&run), &place, None);
    assert_eq!(summary.steps.0, 5);
    assert_eq!(ending(&run), Some("stopped"));
    assert_eq!(verdict(&report(&run), Level::Artifact), Verdict::Holds);
    assert_eq!(verdict(&report(&run), Level::Chain), Verdict::Holds);
}

#[test]
fn a_run_stopped_off_the_interval_commits_its_last_step() {
    let _alone = alone();
    let (place, run) = place();
    let every = NonZeroU64::new(3).unwrap();
    stopped_at(5, config(&run).commit_every(every), &place, None);
    assert_eq!(steps(&run), [0, 3, 5]);
    assert_eq!(verdict(&report(&run), Level::Artifact), Verdict::Holds);
    assert_eq!(verdict(&report(&run), Level::Data), Verdict::Partly);
}

#[test]
fn a_run_stopped_within_an_accumulation_ends_with_the_step_before() {
    let _alone = alone();
    let (place, run) = place();
    let config = config(&run).accumulation(2.try_into().unwrap());
    // The third micro-batch is the first of the second step's two.
    let summary = stopped_at(3, config, &place, Some(2));
    assert_eq!(summary.steps.0, 1);
    assert_eq!(steps(&run), [0, 1]);
    assert_eq!(verdict(&report(&run), Level::Artifact), Verdict::Holds);
}

#[test]
fn a_training_error_is_an_error_and_a_failed_chain() {
    let _alone = alone();
    let (place, run) = place();
    let open = create(config(&run));
    let train: TrainLoader = failing_loader(&open, 8);
    let error = launch(&place, open, train, |training| training)
        .err()
        .unwrap();
    assert!(matches!(error, PowError::Training(_)), "{error}");
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert_eq!(ending(&run), Some("failed"));
    assert_eq!(verdict(&report(&run), Level::Chain), Verdict::Holds);
}

/// Whether a complete checkpoint exists. One that is being written ends in `.tmp`.
fn has_checkpoint(checkpoints: &std::path::Path) -> bool {
    let mut entries = checkpoints.read_dir().unwrap();
    entries.any(|entry| entry.unwrap().path().extension().is_none())
}

#[test]
fn a_training_error_before_the_first_step_is_that_error() {
    let _alone = alone();
    let (place, run) = place();
    let open = create(config(&run));
    let train: TrainLoader = failing_loader(&open, 0);
    let error = launch(&place, open, train, |training| training)
        .err()
        .unwrap();
    assert!(matches!(error, PowError::Training(_)), "{error}");
}

#[test]
fn a_recorder_failure_stops_the_training_and_keeps_what_was_sealed() {
    let _alone = alone();
    for mode in [burn_pow::Mode::Pipelined, burn_pow::Mode::Gate] {
        let (place, run) = place();
        let open = create(config(&run).mode(mode));
        let checkpoints = run.checkpoints();
        // Step 3 has a checkpoint, which then cannot be written.
        let train = at(loader(&open), 3, move || {
            while !has_checkpoint(&checkpoints) {
                std::thread::yield_now();
            }
            std::fs::rename(&checkpoints, checkpoints.with_extension("gone")).unwrap();
            std::fs::write(&checkpoints, "in the way").unwrap();
        });
        let error = launch(&place, open, train, |training| training)
            .err()
            .unwrap();
        assert!(matches!(error, PowError::Ledger(_)), "{error}");
        assert!(error.to_string().contains("checkpoints"), "{error}");
        holds_unfinished(&run);
        assert_eq!(steps(&run), [0, 1, 2], "{mode:?}");
    }
}

#[test]
fn a_dropped_run_is_unfinished_and_whole() {
    let _alone = alone();
    let (_place, run) = place();
    let open = create(config(&run));
    loader(&open);
    begin(&open);
    drop(open);
    assert_eq!(steps(&run), [0]);
    assert!(!report(&run).holds());
    assert_eq!(verdict(&report(&run), Level::Chain), Verdict::Holds);
}

#[test]
fn a_run_without_a_step_cannot_be_finished() {
    let (_place, run) = place();
    let open = create(config(&run));
    let error = open.finish(&Net::new(), Ending::Completed).err().unwrap();
    assert!(matches!(error, PowError::NotStarted), "{error}");
}

#[test]
fn another_model_cannot_be_the_artifact() {
    let _alone = alone();
    let (_place, run) = place();
    let open = create(config(&run));
    loader(&open);
    let (model, _) = begin(&open);
    let other = Net {
        last: burn::nn::LinearConfig::new(8, 2).init(&model.devices()[0]),
        ..model
    };
    let error = open.finish(&other, Ending::Stopped).err().unwrap();
    assert!(matches!(error, PowError::ModelChanged { .. }), "{error}");
    assert!(!run.artifact().exists());
}

#[test]
fn a_run_that_completes_before_its_planned_length_was_stopped() {
    let _alone = alone();
    // By a custom loop that says that it is done.
    let (_place, run) = place();
    let open = create(config(&run));
    loader(&open);
    let (model, _) = begin(&open);
    sealed(open.finish(&model, Ending::Completed).unwrap());
    assert_eq!(ending(&run), Some("stopped"));
    assert!(report(&run).holds());

    // By a training that was told fewer epochs.
    let (place, run) = place();
    let trained = record_with(&place, config(&run), |training| training.num_epochs(1)).unwrap();
    assert_eq!(trained.summary.steps.0, STEPS_PER_EPOCH);
    assert_eq!(ending(&run), Some("stopped"));
    assert!(report(&run).holds());
}

#[test]
fn a_run_that_never_began_leaves_no_directory() {
    let _alone = alone();
    let open = |run: &RunDir| create(config(run));
    // A setting that is refused late, say.
    let (_place, run) = place();
    drop(open(&run));
    assert!(!run.path().exists());
    // Nothing else goes with it.
    let (_place, run) = place();
    let opened = open(&run);
    std::fs::write(run.path().join("notes"), "mine").unwrap();
    drop(opened);
    assert_eq!(std::fs::read_dir(run.path()).unwrap().count(), 5);
    // A run that was started stays, even if no block is ever found.
    let (_place, run) = place();
    let config = config(&run).zero_bits(200);
    let opened = create(config);
    let interrupter = Interrupter::new();
    opened.stop_with(interrupter.clone());
    loader(&opened);
    begin(&opened);
    let dropped = Arc::new(AtomicU64::new(0));
    let told = dropped.clone();
    let stopper = std::thread::spawn(move || {
        while told.load(Ordering::SeqCst) == 0 {
            interrupter.stop(None);
            std::thread::yield_now();
        }
    });
    drop(opened);
    dropped.store(1, Ordering::SeqCst);
    stopper.join().unwrap();
    assert!(run.chain().exists());
}
