//! The short way to record a training: `LoaderBuilder` and `PowRun::record`.

use crate::program::*;
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::optim::AdamConfig;
use burn::train::Learner;
use burn_pow::{Action, LoaderBuilder, Outcome, PowError, PowRun, Trained};
use pow_audit::{Level, Verdict};
use pow_ledger::RunDir;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Records what [`record`] does, the short way.
fn recorded(
    place: &TempDir,
    run: &RunDir,
    change: impl Fn(&PowRun) -> TrainLoader,
) -> Trained<Net> {
    let run = create(config(run));
    let train = change(&run);
    trained(launched(place, run, train).unwrap())
}

fn launched(place: &TempDir, run: PowRun, train: TrainLoader) -> Result<Outcome<Net>, PowError> {
    let (training, model) = run.record(training(place.path(), train), Net::new());
    training.launch(Learner::new(model, AdamConfig::new().init(), 1e-2))
}

#[test]
fn the_short_way_takes_the_same_steps() {
    let _alone = alone();
    let (long_place, long) = place();
    let expected = record(&long_place, config(&long));
    let (short_place, short) = place();
    let recorded = recorded(&short_place, &short, |run| {
        let builder = LoaderBuilder::new(run, Batches).batch_size(BATCH as usize);
        builder.build(InMemDataset::new(items())).unwrap()
    });
    assert_eq!(recorded.summary.steps, expected.summary.steps);
    assert!(recorded.interrupted.is_none());
    assert_eq!(entries(&short), entries(&long));
    assert_eq!(verdict(&report(&short), Level::Artifact), Verdict::Holds);
    assert_eq!(artifact(&short), artifact(&long));
}

#[test]
fn parts_of_an_item_make_the_same_root_as_its_bytes() {
    let _alone = alone();
    let (short_place, short) = place();
    let parts = recorded(&short_place, &short, |run| {
        let builder = LoaderBuilder::new(run, Batches).batch_size(BATCH as usize);
        let items = InMemDataset::new(items());
        builder.build_by(items, |item: &Item| item.0).unwrap()
    });
    assert_eq!(parts.summary.steps.0, 2 * STEPS_PER_EPOCH);
    let (long_place, long) = place();
    record(&long_place, config(&long));
    assert_eq!(entries(&short), entries(&long));
}

#[test]
fn a_foreign_loader_can_be_recorded() {
    let _alone = alone();
    let (place, dir) = place();
    // An order that is not declared has no epochs.
    let config = config(&dir).planned_steps(2 * STEPS_PER_EPOCH);
    let run = create(config);
    let train = run.adapt(foreign_loader());
    let recorded = trained(launched(&place, run, train).unwrap());
    assert_eq!(recorded.summary.steps.0, 2 * STEPS_PER_EPOCH);
    assert_eq!(verdict(&report(&dir), Level::Data), Verdict::NotChecked);
}

#[test]
fn a_run_without_a_loader_is_not_launched() {
    let _alone = alone();
    let (place, dir) = place();
    let run = create(config(&dir));
    let foreign = Arc::new(unrecorded_loader());
    let refused = launched(&place, run, foreign).err().unwrap();
    assert!(matches!(&refused, PowError::Config(_)), "{refused}");
    assert!(refused.to_string().contains("no loader"), "{refused}");
    assert!(!dir.path().exists());
}

#[test]
fn a_run_with_two_loaders_is_not_launched() {
    let _alone = alone();
    // The training has one of them, and Burn does not show which.
    for which in [0, 1] {
        let (place, dir) = place();
        let run = create(config(&dir));
        let loaders: [TrainLoader; 2] = [loader(&run), run.adapt(foreign_loader())];
        let refused = launched(&place, run, loaders[which].clone()).err().unwrap();
        assert!(matches!(&refused, PowError::Config(_)), "{refused}");
        assert!(refused.to_string().contains("2 loaders"), "{refused}");
        assert!(!dir.path().exists());
    }
}

#[test]
fn a_batch_of_nothing_is_refused() {
    let (_place, dir) = place();
    let run = create(config(&dir));
    let builder = LoaderBuilder::new(&run, Batches).batch_size(0);
    let refused = builder.build(InMemDataset::new(items())).err().unwrap();
    assert!(matches!(refused, PowError::Config(_)), "{refused}");
}

/// Epochs of [`short_program`].
const EPOCHS: u64 = 4;

/// A program like the one in the guide. It has Burn's own checkpoints and a rate that
/// depends on the step. Only the action differs from call to call.
fn short_program(place: &Path, action: Action, pause: Duration) -> Result<Outcome<Net>, PowError> {
    let config = config(&RunDir::new(place.join("run"))).epochs(EPOCHS);
    let run = PowRun::open(action, config)?;
    run.on_commit(move |_| std::thread::sleep(pause));
    let train = LoaderBuilder::new(&run, Batches)
        .batch_size(BATCH as usize)
        .build(InMemDataset::new(items()))?;
    let training = training(place, train)
        .with_default_checkpointers()
        .num_epochs(EPOCHS as usize);
    let (training, model) = run.record(training, Net::new());
    let steps = (EPOCHS * STEPS_PER_EPOCH) as usize;
    let rate = CosineAnnealingLrSchedulerConfig::new(1e-2, steps).init();
    training.launch(Learner::new(model, AdamConfig::new().init(), rate.unwrap()))
}

/// Where the process that is killed trains.
const PLACE: &str = "BURN_POW_TEST_PLACE";

#[test]
#[ignore = "the process that another test kills"]
fn a_process_to_be_killed() {
    let place = PathBuf::from(std::env::var_os(PLACE).unwrap());
    trained(short_program(&place, Action::Create, Duration::from_millis(20)).unwrap());
}

/// Trains in another process, and kills it when `step` is in the chain.
fn killed_after(place: &Path, step: u64) {
    let run = RunDir::new(place.join("run"));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["short_form::a_process_to_be_killed", "--exact", "--ignored"])
        .env(PLACE, place)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !run.chain().exists() || last_step(&run) < Some(step) {
        assert!(child.try_wait().unwrap().is_none(), "ended too early");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(last_step(&run) < Some(EPOCHS * STEPS_PER_EPOCH));
}

/// The last step in the chain, if there is a block with steps.
fn last_step(run: &RunDir) -> Option<u64> {
    let mut last = None;
    pow_audit::walk::walk(run, None, &mut |row, _| {
        if let pow_core::body::BodyKind::Steps(entries) = &row.block.body().kind {
            last = entries.last().map(|entry| entry.step.0);
        }
    })
    .unwrap();
    last
}

#[test]
fn a_killed_run_is_resumed_and_replayed_the_short_way() {
    let _alone = alone();
    let (whole_place, whole) = place();
    trained(short_program(whole_place.path(), Action::Create, Duration::ZERO).unwrap());
    // In the first epoch, at an epoch's end, and within later ones.
    for step in [1, 4, 7, 10] {
        let (place, run) = place();
        killed_after(place.path(), step);
        let recorded = short_program(place.path(), Action::Resume, Duration::ZERO);
        let recorded = recorded.unwrap_or_else(|error| panic!("after step {step}: {error}"));
        let recorded = trained(recorded);
        assert_eq!(recorded.summary.steps.0, EPOCHS * STEPS_PER_EPOCH);
        assert_eq!(entries(&run), entries(&whole), "after step {step}");
        assert_eq!(artifact(&run), artifact(&whole));
        assert!(report(&run).holds());
    }
    let report = replayed(&whole, None, |action| {
        match short_program(whole_place.path(), action, Duration::ZERO)? {
            Outcome::Replayed => Ok::<_, PowError>(()),
            _ => panic!("it was recorded"),
        }
    });
    assert_eq!(outcomes(&report), exact(&[3, 3, 3, 3, 3, 1]));
}
