//! Burn's early stopping in a training that is resumed: it ends where the uninterrupted one
//! does.

use crate::at::at;
use crate::program::*;
use burn::data::dataloader::DataLoaderBuilder;
use burn::data::dataset::InMemDataset;
use burn::optim::AdamConfig;
use burn::train::metric::LossMetric;
use burn::train::metric::store::{Aggregate, Direction, Split};
use burn::train::{Learner, MetricEarlyStoppingStrategy, StoppingCondition, SupervisedTraining};
use burn_pow::{Action, Outcome, PlainRenderer, PowRun, Resumable};
use pow_core::body::Entry;
use pow_ledger::RunDir;
use std::path::Path;

const EPOCHS: u64 = 30;

/// Ends when the validation's loss has not risen for three epochs. (It falls in this
/// training, so that ends it.)
fn patience() -> MetricEarlyStoppingStrategy {
    MetricEarlyStoppingStrategy::new(
        &LossMetric::new(),
        Aggregate::Mean,
        Direction::Highest,
        Split::Valid,
        StoppingCondition::NoImprovementSince { n_epochs: 3 },
    )
}

/// Trains until it ends, or pauses when its `pause`-th batch is taken.
fn trains(place: &Path, action: Action, pause: Option<u64>) -> Outcome<Net> {
    let config = config(&RunDir::new(place.join("run"))).epochs(EPOCHS);
    let run = PowRun::open(action, config.name("run")).unwrap();
    let pauser = run.pauser();
    let train = at(loader(&run), pause.unwrap_or(u64::MAX), move || {
        pauser.pause()
    });
    let valid = DataLoaderBuilder::new(Batches)
        .batch_size(7)
        .build(InMemDataset::new(items()[..10].to_vec()));
    let training = SupervisedTraining::new(place.join("burn"), train.clone(), valid)
        .with_application_logger(None)
        .renderer(Box::new(PlainRenderer::default()))
        .metric_valid_numeric(LossMetric::new())
        .early_stopping(Resumable::new(patience()))
        .num_epochs(EPOCHS as usize);
    let learner = Learner::new(run.wrap(Net::new()), AdamConfig::new().init(), 5e-2);
    run.launch(training, learner, train).unwrap()
}

/// The entries and the weights of a run that was not interrupted.
fn whole() -> (Vec<Entry>, Vec<u8>) {
    let (place, run) = place();
    trained(trains(place.path(), Action::Create, None));
    (entries(&run), artifact(&run))
}

#[test]
fn a_paused_training_stops_where_the_uninterrupted_one_does() {
    let _alone = alone();
    let whole = whole();
    let steps = whole.0.len() as u64 - 1;
    // Not at the end, and after an epoch that was not the best.
    assert!(
        steps > 3 * STEPS_PER_EPOCH && steps < EPOCHS * STEPS_PER_EPOCH,
        "{steps}"
    );
    for pause in 1..steps {
        let (place, run) = place();
        let paused = trains(place.path(), Action::Create, Some(pause));
        assert!(matches!(paused, Outcome::Paused(_)), "{pause}");
        trained(trains(place.path(), Action::Resume, None));
        assert!(
            (entries(&run), artifact(&run)) == whole,
            "paused at batch {pause}"
        );
    }
}

#[test]
fn a_training_that_was_killed_when_it_had_stopped_stops_again() {
    let _alone = alone();
    let whole = whole();
    let (place, run) = place();
    trained(trains(place.path(), Action::Create, None));
    let chain = std::fs::read(run.chain()).unwrap();
    let ends = block_ends(&chain);
    std::fs::write(run.chain(), &chain[..ends[ends.len() - 2]]).unwrap();
    std::fs::remove_file(run.artifact()).unwrap();
    trained(trains(place.path(), Action::Resume, None));
    assert!((entries(&run), artifact(&run)) == whole);
    assert_eq!(ending(&run), Some("stopped"));
}
