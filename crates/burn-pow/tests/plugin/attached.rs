//! The short way to record a training: the loader's builder and `attach`.

use crate::program::*;
use burn::data::dataset::InMemDataset;
use burn::optim::AdamConfig;
use burn::train::Learner;
use burn_pow::loader::{LoaderBuilder, SeededLoader, dataset_root};
use burn_pow::{Action, PowError, PowRun, Recorded};
use pow_audit::{Level, Verdict};
use pow_ledger::RunDir;
use std::sync::Arc;
use tempfile::TempDir;

/// Records what [`record`] does, the short way.
fn recorded(
    place: &TempDir,
    run: &RunDir,
    change: impl Fn(&PowRun) -> TrainLoader,
) -> Recorded<Net> {
    let run = PowRun::open(Action::Create, config(run)).unwrap();
    let train = change(&run);
    launched(place, run, train).unwrap()
}

fn launched(place: &TempDir, run: PowRun, train: TrainLoader) -> Result<Recorded<Net>, PowError> {
    let (training, model) = run.attach(training(place.path(), train), Net::new());
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
    assert_eq!(recorded.record.steps, expected.record.steps);
    assert!(recorded.interrupted.is_none());
    assert_eq!(entries(&short), entries(&long));
    assert_eq!(verdict(&report(&short), Level::Artifact), Verdict::Holds);
    let artifact = |run: &RunDir| std::fs::read(run.artifact()).unwrap();
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
    assert_eq!(parts.record.steps.0, 2 * STEPS_PER_EPOCH);
    let (long_place, long) = place();
    record(&long_place, config(&long));
    assert_eq!(entries(&short), entries(&long));
}

#[test]
fn a_foreign_loader_can_be_attached() {
    let _alone = alone();
    let (place, dir) = place();
    // An order that is not declared has no epochs.
    let config = config(&dir).planned_steps(2 * STEPS_PER_EPOCH);
    let run = PowRun::open(Action::Create, config).unwrap();
    let loader = burn::data::dataloader::DataLoaderBuilder::new(Batches)
        .batch_size(BATCH as usize)
        .build(InMemDataset::new(items()));
    let train = run.adapt(loader);
    let recorded = launched(&place, run, train).unwrap();
    assert_eq!(recorded.record.steps.0, 2 * STEPS_PER_EPOCH);
    assert_eq!(verdict(&report(&dir), Level::Data), Verdict::NotChecked);
}

#[test]
fn a_run_without_a_loader_is_not_launched() {
    let _alone = alone();
    let (place, dir) = place();
    let run = PowRun::open(Action::Create, config(&dir)).unwrap();
    let data = Arc::new(InMemDataset::new(items()));
    let root = dataset_root(data.as_ref(), |item: &Item, out| out.extend(item.0)).unwrap();
    let batch = BATCH.try_into().unwrap();
    let foreign = SeededLoader::new(data, Arc::new(Batches), root, 5, batch).unwrap();
    let refused = launched(&place, run, Arc::new(foreign)).err().unwrap();
    assert!(matches!(&refused, PowError::Config(_)), "{refused}");
    assert!(refused.to_string().contains("no loader"), "{refused}");
    assert!(!dir.path().exists());
}

#[test]
fn a_batch_of_nothing_is_refused() {
    let (_place, dir) = place();
    let run = PowRun::open(Action::Create, config(&dir)).unwrap();
    let builder = LoaderBuilder::new(&run, Batches).batch_size(0);
    let refused = builder.build(InMemDataset::new(items())).err().unwrap();
    assert!(matches!(refused, PowError::Config(_)), "{refused}");
}
