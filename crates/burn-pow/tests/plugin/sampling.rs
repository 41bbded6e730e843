//! Loaders with samplers, with changes to each sample, and with workers: the order is
//! declared, workers change nothing, and a paused run and a replay see the same batches.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::InMemDataset;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use burn_pow::loader::{LoaderError, SampleSeed, Sampling, SeededLoader};
use burn_pow::{Action, Ending, LoaderBuilder, PowConfig, PowError, PowRun, ResumeError};
use pow_audit::{Level, Verdict};
use pow_ledger::RunDir;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

type Choice = fn() -> Option<Sampling>;

/// Each sampling, and the number of steps of an epoch of its.
const CHOICES: [(Choice, u64); 4] = [
    (|| None, 4),
    (|| Some(Sampling::with_replacement().draws(number(15))), 3),
    (|| Some(weighted(1.0)), 4),
    (
        || {
            let lengths: Vec<u64> = items().iter().map(|item| item.0[0].into()).collect();
            Some(Sampling::bucketed(&lengths, number(2)))
        },
        4,
    ),
];

/// The two classes alike, but for the first item.
fn weighted(first: f64) -> Sampling {
    let mut weights: Vec<f64> = items()
        .iter()
        .map(|item| if item.0[4] == 0 { 1.0 } else { 3.0 })
        .collect();
    weights[0] = first;
    Sampling::weighted(&weights).unwrap()
}

/// Adds to each number of a sample what follows from its seed.
fn noisy(mut item: Item, SampleSeed(seed): SampleSeed) -> Item {
    for (number, noise) in item.0[..4].iter_mut().zip(seed.to_le_bytes()) {
        *number = number.wrapping_add(noise % 4);
    }
    item
}

fn noisy_loader(
    run: &PowRun,
    sampling: Option<Sampling>,
    workers: usize,
) -> Result<Arc<SeededLoader<Item, Batch>>, PowError> {
    let mut builder = LoaderBuilder::new(run, Batches)
        .batch_size(BATCH as usize)
        .num_workers(workers)
        .augment(noisy);
    if let Some(sampling) = sampling {
        builder = builder.sampling(sampling);
    }
    builder.build(InMemDataset::new(items()))
}

/// Trains two epochs, with a pause that is asked for at a micro-batch.
fn trains(
    action: Action,
    config: PowConfig,
    sampling: Option<Sampling>,
    workers: usize,
    pause_at: Option<u64>,
) -> Result<(), PowError> {
    let run = PowRun::open(action, config.initial_weights_from_seed())?;
    let train = noisy_loader(&run, sampling, workers)?;
    let cursor = train.cursor().clone();
    let train = train.to_device(&Device::flex().autodiff());
    let started = run.start(Net::new(), AdamConfig::new().init())?;
    let (mut model, mut optimizer) = (started.model, started.optimizer);
    for _ in started.epoch..2 {
        for tracked in train.iter() {
            if run.should_stop() {
                break;
            }
            if pause_at == Some(cursor.get()) {
                run.pauser().pause();
            }
            let batch = run.micro_batch(&model, tracked.unwrap());
            let grads = model.classify(batch).loss.backward();
            let grads = GradientsParams::from_grads(grads, &model);
            model = run.step(model, &mut optimizer, 1e-2, grads, None)?;
        }
    }
    let ending = match pause_at {
        Some(_) => Ending::Stopped,
        None => Ending::Completed,
    };
    run.finish(&model, ending).map(drop)
}

#[test]
fn every_sampling_is_declared_resumed_and_replayed() {
    let _alone = alone();
    for (sampling, steps) in CHOICES {
        let (_place, whole) = place();
        trains(Action::Create, config(&whole), sampling(), 0, None).unwrap();
        assert_eq!(entries(&whole).len() as u64, 2 * steps + 1);
        let audited = report(&whole);
        assert!(audited.holds(), "{audited}");
        assert_eq!(verdict(&audited, Level::Data), Verdict::Partly, "{audited}");
        // In the first epoch, and in the second.
        for pause in [1, steps + 1] {
            let (_place, run) = place();
            let config = || config(&run);
            trains(Action::Create, config(), sampling(), 0, Some(pause)).unwrap();
            assert_eq!(entries(&run).len() as u64, pause + 2);
            trains(Action::Resume, config(), sampling(), 2, None).unwrap();
            assert_eq!(entries(&run), entries(&whole));
        }
        for workers in [0, 1, 3] {
            let report = replayed(&whole, None, |action| {
                trains(action, config(&whole), sampling(), workers, None)
            });
            let exact = |outcome: &pow_audit::replay::SegmentOutcome| {
                matches!(outcome, pow_audit::replay::SegmentOutcome::BitExact { .. })
            };
            assert!(outcomes(&report).iter().all(exact), "{report:?}");
        }
    }
}

#[test]
fn the_number_of_workers_changes_nothing() {
    let _alone = alone();
    for (sampling, _) in CHOICES {
        let [none, one, five] = [0, 1, 5].map(|workers| {
            let (_place, run) = place();
            trains(Action::Create, config(&run), sampling(), workers, None).unwrap();
            entries(&run)
        });
        assert!(none == one && one == five);
    }
    // Without the changes the run is another one.
    let (_place, run) = place();
    trains(Action::Create, config(&run), None, 0, None).unwrap();
    let (plain_place, plain) = place();
    record(&plain_place, config(&plain));
    assert_eq!(entries(&run)[1].batch, entries(&plain)[1].batch);
    assert_ne!(entries(&run)[1].parameters, entries(&plain)[1].parameters);
}

#[test]
fn a_bound_order_has_workers_too() {
    let _alone = alone();
    let bound = |run: &RunDir| config(run).bound_order(number(1));
    let [without, with] = [0, 3].map(|workers| {
        let (_place, run) = place();
        trains(Action::Create, bound(&run), None, workers, None).unwrap();
        let audited = report(&run);
        assert!(audited.holds(), "{audited}");
        assert_eq!(verdict(&audited, Level::Data), Verdict::Partly, "{audited}");
        let report = replayed(&run, None, |action| {
            trains(action, bound(&run), None, workers, None)
        });
        assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
        entries(&run)
    });
    // The first segment depends on no block.
    assert_eq!(without[..4], with[..4]);
}

#[test]
fn seeds_differ_by_sample_epoch_and_draw() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (_place, dir) = place();
    let run = create(config(&dir));
    let draws = Sampling::with_replacement().draws(number(200));
    let notes = seen.clone();
    let train = LoaderBuilder::new(&run, Batches)
        .batch_size(BATCH as usize)
        .sampling(draws)
        .augment(move |item: Item, seed: SampleSeed| {
            notes.lock().unwrap().push((item.0, seed));
            item
        })
        .build(InMemDataset::new(items()))
        .unwrap();
    for _ in 0..2 {
        train.iter().for_each(|tracked| {
            tracked.unwrap();
            train.cursor().advance();
        });
    }
    let mut seeds: Vec<u64> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|(_, seed)| seed.0)
        .collect();
    assert_eq!(seeds.len(), 400);
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), 400);
}

#[test]
fn other_weights_are_another_run() {
    let _alone = alone();
    let (_place, run) = place();
    trains(
        Action::Create,
        config(&run),
        Some(weighted(1.0)),
        0,
        Some(2),
    )
    .unwrap();
    for sampling in [
        Some(weighted(2.0)),
        Some(Sampling::with_replacement()),
        None,
    ] {
        let refused = trains(Action::Resume, config(&run), sampling, 0, None).unwrap_err();
        let what = match &refused {
            PowError::Resume(why) => match why.as_ref() {
                ResumeError::OtherProgram { what, .. } => *what,
                _ => panic!("{refused}"),
            },
            _ => panic!("{refused}"),
        };
        assert!(what.contains("order"), "{refused}");
    }
    // Without its table the run goes on, and the order cannot be checked.
    std::fs::remove_file(run.order_table()).unwrap();
    trains(Action::Resume, config(&run), Some(weighted(1.0)), 0, None).unwrap();
    assert_eq!(verdict(&report(&run), Level::Data), Verdict::NotChecked);
}

#[test]
fn a_sampling_that_does_not_fit_is_refused() {
    let refused = |sampling: Sampling, bound: bool| {
        let (_place, dir) = place();
        let mut config = config(&dir);
        if bound {
            config = config.bound_order(number(1));
        }
        noisy_loader(&create(config), Some(sampling), 0)
            .err()
            .unwrap()
    };
    for sampling in [
        Sampling::weighted(&[1.0; 19]).unwrap(),
        Sampling::weighted(&[0.0; 20]).unwrap(),
        Sampling::bucketed(&[1; 21], number(1)),
    ] {
        let error = refused(sampling, false);
        assert!(
            matches!(error, PowError::Loader(LoaderError::Table(_))),
            "{error}"
        );
    }
    let error = refused(Sampling::with_replacement(), true);
    assert!(matches!(error, PowError::Config(_)), "{error}");
}

/// Adds noise to each batch, drawn from the device.
struct Drawing;

impl Batcher<Item, Batch> for Drawing {
    fn batch(&self, items: Vec<Item>, device: &Device) -> Batch {
        let batch = Batches.batch(items, device);
        let noise = Tensor::random(batch.inputs.shape(), Distribution::Default, device);
        Batch {
            inputs: batch.inputs + noise,
            ..batch
        }
    }
}

/// Fails in the second batch.
struct Failing;

impl Batcher<Item, Batch> for Failing {
    fn batch(&self, items: Vec<Item>, device: &Device) -> Batch {
        assert!(items.len() == BATCH as usize, "no batch of {}", items.len());
        Batches.batch(items, device)
    }
}

fn over(
    run: &PowRun,
    batcher: impl Batcher<Item, Batch> + 'static,
    workers: usize,
) -> Arc<SeededLoader<Item, Batch>> {
    let builder = LoaderBuilder::new(run, batcher).batch_size(BATCH as usize);
    let builder = builder.num_workers(workers);
    builder.build(InMemDataset::new(items())).unwrap()
}

#[test]
fn a_batcher_that_draws_has_no_workers() {
    let _alone = alone();
    let (_place, dir) = place();
    let run = create(config(&dir));
    let train = over(&run, Drawing, 2);
    let mut batches = train.iter();
    let error = batches.next().unwrap().err().unwrap().to_string();
    assert!(
        error.contains("the batcher draws random numbers"),
        "{error}"
    );
    assert!(batches.next().is_none());
}

#[test]
fn a_panic_of_a_worker_is_one_of_the_training() {
    let _alone = alone();
    for workers in [0, 2] {
        let (_place, dir) = place();
        let run = create(config(&dir));
        let train = over(&run, Failing, workers);
        let mut taken = 0;
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for tracked in train.iter() {
                tracked.unwrap();
                taken += 1;
            }
        }));
        let panic = panic.unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "no batch of 2");
        assert_eq!(taken, 3);
        // The threads live on.
        assert!(train.iter().next().unwrap().is_ok());
    }
}

#[test]
fn an_error_of_the_dataset_is_the_last_answer_with_workers() {
    let _alone = alone();
    let (_place, dir) = place();
    let run = create(config(&dir));
    let items = items();
    // Those for the root, the check of the batcher and one batch.
    let reads = 3 * items.len() + 2 * BATCH as usize;
    let reads_left = reads.into();
    let train = LoaderBuilder::new(&run, Batches)
        .batch_size(BATCH as usize)
        .num_workers(1)
        .build(Items { items, reads_left })
        .unwrap();
    let mut batches = train.iter();
    assert!(batches.next().unwrap().is_ok());
    let error = batches.next().unwrap().err().unwrap();
    assert!(error.to_string().contains("the disk is gone"), "{error}");
    assert!(batches.next().is_none());
}

#[test]
fn progress_counts_what_was_returned() {
    let _alone = alone();
    let (_place, dir) = place();
    let run = create(config(&dir));
    let train = over(&run, Batches, 3);
    let mut batches = train.iter();
    let mut seen = vec![batches.progress().items_processed];
    while let Some(batch) = batches.next() {
        batch.unwrap();
        seen.push(batches.progress().items_processed);
    }
    assert_eq!(seen, [0, 6, 12, 18, 20]);
}
