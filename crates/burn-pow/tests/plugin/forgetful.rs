//! Burn's dashboard forgets at the end of a training that it was stopped or met an
//! error. The record must not.

use crate::program::*;
use crate::renderer::Silent;
use burn::train::Interrupter;
use burn_pow::{PowError, PowRun, Trained};
use tempfile::TempDir;

/// Trains with a renderer that ends as Burn's dashboard does.
fn launched(
    place: &TempDir,
    open: PowRun,
    train: TrainLoader,
    interrupter: Interrupter,
) -> Result<Trained<Net>, PowError> {
    let forgets = interrupter.clone();
    let renderer = Box::new(Silent {
        at_end: Box::new(move || forgets.reset()),
        at_drop: Box::new(|| {}),
    });
    launch(place, open, train, |training| {
        training.with_interrupter(interrupter).renderer(renderer)
    })
}

#[test]
fn a_dataset_that_fails_is_an_error_all_the_same() {
    let _alone = alone();
    let (place, run) = place();
    let open = create(config(&run));
    let train: TrainLoader = failing_loader(&open, 8);
    let Err(PowError::Training(error)) = launched(&place, open, train, Interrupter::new()) else {
        panic!("nobody noticed");
    };
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert_eq!(ending(&run), Some("failed"));
}

#[test]
fn a_stopped_run_of_no_planned_length_is_not_completed() {
    let _alone = alone();
    let recorded = |stop_at: Option<u64>| {
        let (place, run) = place();
        let open = create(bare_config(&run).queue(1));
        let interrupter = Interrupter::new();
        let stop = interrupter.clone();
        open.on_commit(move |step| {
            if stop_at == Some(step.step.0) {
                stop.stop(None);
            }
        });
        let train: TrainLoader = loader(&open);
        launched(&place, open, train, interrupter).unwrap();
        assert!(report(&run).holds());
        ending(&run)
    };
    assert_eq!(recorded(None), Some("completed"));
    assert_eq!(recorded(Some(1)), Some("stopped"));
}
