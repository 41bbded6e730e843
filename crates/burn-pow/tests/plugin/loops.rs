//! Custom loops.

use crate::program::*;
use burn_pow::{Ending, RunSummary, Stage};
use pow_audit::{Level, Verdict};
use pow_ledger::RunDir;
use std::time::{Duration, Instant};

/// Records a custom loop, and returns its losses.
fn recorded(run: &RunDir) -> (RunSummary, Vec<f64>) {
    let open = create(config(run));
    let (model, losses) = CustomLoop::HONEST.train(&open).unwrap();
    (
        sealed(open.finish(&model, Ending::Completed).unwrap()),
        losses,
    )
}

#[test]
fn a_custom_loop_records_losses_too() {
    let _alone = alone();
    let (_place, run) = place();
    let (summary, losses) = recorded(&run);
    assert_eq!(summary.steps.0, 2 * STEPS_PER_EPOCH);
    let losses: Vec<u64> = losses.into_iter().map(f64::to_bits).collect();
    let found: Vec<u64> = entries(&run).iter().filter_map(|e| e.loss).collect();
    assert_eq!(found, losses);
    assert!(report(&run).holds());
    assert_eq!(verdict(&report(&run), Level::Data), Verdict::Partly);
}

#[test]
fn the_stages_of_recording_are_timed() {
    let _alone = alone();
    let began = Instant::now();
    let (_place, run) = place();
    let (summary, _) = recorded(&run);
    let all = began.elapsed();
    let stages = summary.stages;
    let blocks = u64::from(summary.height.get()) + 1;
    let committed = entries(&run).len() as u64;
    let count = |stage: Stage| {
        assert!(stage.total > Duration::ZERO && stage.total < all);
        stage.count
    };
    assert_eq!(count(stages.snapshot), committed - 1);
    assert_eq!(count(stages.read), committed);
    assert_eq!(count(stages.hash), committed);
    assert_eq!(count(stages.mine), blocks);
    assert_eq!(count(stages.append), blocks);
}
