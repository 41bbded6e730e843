//! Pipelined and gate, intervals, accumulation and foreign loaders.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::data::dataloader::batcher::Batcher;
use burn::optim::AdamConfig;
use burn::tensor::Device;
use burn::train::TrainStep;
use burn_pow::loader::Tracked;
use burn_pow::tensors::parameter_root;
use burn_pow::{Action, Mode, PowConfig, PowError, PowRun};
use pow_audit::{Level, Verdict};
use pow_core::body::{Ending, OrderRule};
use std::num::NonZeroU64;
use std::time::Duration;

#[test]
fn a_launched_training_verifies_at_every_level() {
    let _alone = alone();
    let (place, run) = place();
    let trained = record(&place, config(&run));
    let report = report(&run);
    assert!(report.holds(), "{report}");
    for level in [Level::Chain, Level::Finished, Level::State, Level::Artifact] {
        assert_eq!(verdict(&report, level), Verdict::Holds, "{report}");
    }
    // The order holds. The auditor does not have the data.
    assert_eq!(verdict(&report, Level::Data), Verdict::Partly, "{report}");
    assert_eq!(steps(&run), (0..=8).collect::<Vec<_>>());
    assert_eq!(trained.summary.steps.0, 2 * STEPS_PER_EPOCH);
    let checkpoints: Vec<u64> = entries(&run)
        .iter()
        .filter(|entry| entry.rest.is_some())
        .map(|entry| entry.step.0)
        .collect();
    assert_eq!(checkpoints, [0, 3, 6, 8]);
}

#[test]
fn gate_seals_each_step_in_a_block_of_its_own() {
    let _alone = alone();
    let (place, run) = place();
    record(&place, config(&run).mode(Mode::Gate));
    let (genesis, blocks) = blocks(&run);
    assert_eq!(genesis.mode, Mode::Gate);
    assert!(blocks.iter().all(|entries| entries.len() == 1));
    assert_eq!(blocks.len(), 9);
    assert!(report(&run).holds());
}

#[test]
fn gate_and_pipelined_train_the_same_model() {
    let _alone = alone();
    let parameters = |mode| {
        let (place, run) = place();
        record(&place, config(&run).mode(mode));
        entries(&run)
            .iter()
            .map(|entry| entry.parameters)
            .collect::<Vec<_>>()
    };
    assert_eq!(parameters(Mode::Gate), parameters(Mode::Pipelined));
}

#[test]
fn a_commit_interval_commits_its_multiples_and_the_last_step() {
    let _alone = alone();
    let (place, run) = place();
    let every = NonZeroU64::new(3).unwrap();
    record(&place, config(&run).commit_every(every));
    assert_eq!(steps(&run), [0, 3, 6, 8]);
    assert!(report(&run).holds());
    assert_eq!(verdict(&report(&run), Level::Data), Verdict::Partly);
}

#[test]
fn checkpoints_come_about_every_100_steps_unless_told_otherwise() {
    let _alone = alone();
    let interval = |change: fn(PowConfig) -> PowConfig| {
        let (_place, run) = place();
        let open = PowRun::open(Action::Create, change(bare_config(&run)))?;
        open.start(Net::new(), AdamConfig::new().init())?;
        sealed(open.finish(&Net::new(), Ending::Stopped)?);
        Ok::<_, PowError>(blocks(&run).0.schedule.checkpoint_every)
    };
    fn commit_every<const N: u64>(config: PowConfig) -> PowConfig {
        config.commit_every(NonZeroU64::new(N).unwrap())
    }
    assert_eq!(interval(|config| config).unwrap(), 100);
    assert_eq!(interval(commit_every::<30>).unwrap(), 120);
    assert_eq!(interval(commit_every::<101>).unwrap(), 101);
    assert_eq!(
        interval(|c| commit_every::<30>(c).checkpoint_every(0)).unwrap(),
        0
    );
    let refused = interval(|c| commit_every::<30>(c).checkpoint_every(100)).unwrap_err();
    assert!(
        refused.to_string().contains("must be a multiple"),
        "{refused}"
    );
}

#[test]
fn difficulty_adapts_to_a_spacing() {
    let _alone = alone();
    let (place, run) = place();
    // Blocks of four zero bits take no time, so they get harder.
    let hour = Duration::from_secs(3600);
    let config = config(&run).spacing(hour, hour, 2).mode(Mode::Gate);
    record(&place, config);
    let mut bits = Vec::new();
    pow_audit::walk::walk(&run, None, &mut |row, _| bits.push(row.block.header().bits)).unwrap();
    let targets: Vec<_> = bits.iter().map(|bits| bits.decode().unwrap()).collect();
    assert!(targets.windows(2).all(|pair| pair[1] < pair[0]), "{bits:?}");
    assert!(report(&run).holds());
}

#[test]
fn accumulated_micro_batches_make_one_step() {
    let _alone = alone();
    let (place, run) = place();
    let config = config(&run).accumulation(3.try_into().unwrap());
    record_with(&place, config, |training| training.grads_accumulation(3)).unwrap();
    // Four micro-batches an epoch: a step of three and a step of one.
    assert_eq!(steps(&run), [0, 1, 2, 3, 4]);
    assert!(report(&run).holds());
    assert_eq!(verdict(&report(&run), Level::Data), Verdict::Partly);
}

#[test]
fn accumulation_that_the_config_does_not_know_is_an_error() {
    let _alone = alone();
    let (place, run) = place();
    let error = record_with(&place, config(&run), |training| {
        training.grads_accumulation(3)
    });
    let error = error.err().unwrap().to_string();
    assert!(error.contains("has 3 micro-batches"), "{error}");
    assert!(error.contains("order has 1"), "{error}");
}

#[test]
fn more_steps_than_planned_are_an_error() {
    let _alone = alone();
    let (place, run) = place();
    let error = record_with(&place, config(&run).epochs(1), |training| training);
    let error = error.err().unwrap().to_string();
    assert!(error.contains("all 4 planned steps were taken"), "{error}");
}

#[test]
fn a_loop_that_forgets_its_micro_batches_is_an_error() {
    let _alone = alone();
    let (_place, run) = place();
    let open = create(config(&run));
    let train = loader(&open).to_device(&Device::flex().autodiff());
    let (model, mut optimizer) = begin(&open);
    let tracked = train.iter().next().unwrap().unwrap();
    let output = TrainStep::step(&model, tracked.batch);
    let error = open.step(model, &mut optimizer, 1e-2, output.grads, None);
    assert!(matches!(error, Err(PowError::Config(_))));
}

#[test]
fn retention_keeps_the_first_the_last_and_the_newest() {
    let _alone = alone();
    let (place, run) = place();
    let config = config(&run).checkpoint_every(1).keep_checkpoints(2);
    record(&place, config);
    let present: Vec<u64> = entries(&run)
        .iter()
        .filter(|entry| run.checkpoint(entry.state_root().unwrap()).dir().exists())
        .map(|entry| entry.step.0)
        .collect();
    assert_eq!(present, [0, 6, 7, 8]);
    assert_eq!(verdict(&report(&run), Level::State), Verdict::Holds);
}

#[test]
fn a_foreign_loader_is_recorded_and_its_order_not_claimed() {
    let _alone = alone();
    let (place, run) = place();
    let config = PowConfig::planned_steps(config(&run), 8);
    let open = create(config);
    let train = open.adapt(foreign_loader());
    launch(&place, open, train, |training| training).unwrap();
    let (genesis, _) = blocks(&run);
    assert_eq!(genesis.order, OrderRule::Foreign);
    assert_eq!(genesis.dataset, None);
    assert!(entries(&run).iter().all(|entry| entry.batch.is_none()));
    assert_eq!(verdict(&report(&run), Level::Data), Verdict::NotChecked);
    assert!(report(&run).holds());
}

#[test]
fn a_foreign_batch_in_a_declared_order_stops_the_run() {
    let _alone = alone();
    let (_place, run) = place();
    let open = create(config(&run));
    loader(&open);
    let (model, mut optimizer) = begin(&open);
    let tracked = Tracked {
        batch: Batches.batch(items(), &Device::flex().autodiff()),
        indices: None,
    };
    let output = TrainStep::step(&model, open.micro_batch(&model, tracked));
    let error = open.step(model, &mut optimizer, 1e-2, output.grads, None);
    let error = error.err().unwrap().to_string();
    assert!(error.contains("without its sample indices"), "{error}");
}

#[test]
fn a_run_of_unknown_length_completes() {
    let _alone = alone();
    let (place, run) = place();
    record(&place, bare_config(&run));
    let report = report(&run);
    assert!(report.holds(), "{report}");
    let end = report.chain.unwrap();
    assert_eq!(end.ending, Some(Ending::Completed.name()));
}

#[test]
fn every_committed_step_is_shown_in_order() {
    let _alone = alone();
    let (place, run) = place();
    let open = create(config(&run).commit_every(NonZeroU64::new(3).unwrap()));
    let shown = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = shown.clone();
    open.on_commit(move |step| {
        assert_eq!(parameter_root(step.model).unwrap(), step.root);
        assert!(!step.repeated);
        let samples = step.samples.map(<[u32]>::to_vec);
        let mut seen = seen.lock().unwrap();
        seen.push((
            step.step,
            step.root,
            step.state,
            step.batch,
            step.learning_rate,
            samples,
        ));
    });
    let train = loader(&open);
    launch(&place, open, train.clone(), |training| training).unwrap();
    let shown = shown.lock().unwrap();
    let committed: Vec<_> = entries(&run)
        .iter()
        .map(|entry| {
            let rate = entry.learning_rate.map(f64::from_bits);
            (
                entry.step,
                entry.parameters,
                entry.state_root(),
                entry.batch,
                rate,
            )
        })
        .collect();
    let told: Vec<_> = shown.iter().map(|s| (s.0, s.1, s.2, s.3, s.4)).collect();
    assert_eq!(told, committed);
    // Two epochs of twenty samples, in the declared order.
    assert_eq!(shown[0].5, None);
    let samples: Vec<u32> = shown.iter().filter_map(|s| s.5.clone()).flatten().collect();
    let expected = [train.order().epoch(0), train.order().epoch(1)].concat();
    assert_eq!(samples, expected);
}
