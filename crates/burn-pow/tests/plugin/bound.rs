//! An order of samples that is bound to the chain.

use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use burn::train::{Interrupter, Learner};
use burn_pow::{Action, Finished, Mode, PowConfig, PowError, PowRun};
use pow_audit::{Level, Verdict};
use pow_ledger::RunDir;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

fn lag(segments: u32) -> NonZeroU32 {
    NonZeroU32::new(segments).unwrap()
}

/// A checkpoint after every second step. An epoch has four steps, so two segments.
fn bound(run: &RunDir, segments: u32) -> PowConfig {
    config(run).checkpoint_every(2).bound_order(lag(segments))
}

fn launch(
    place: &TempDir,
    action: Action,
    config: PowConfig,
    seen: &Arc<Mutex<BTreeMap<u64, Vec<u32>>>>,
) -> Result<Finished, PowError> {
    let run = PowRun::open(action, config)?;
    let seen = seen.clone();
    run.on_commit(move |committed| {
        if let Some(samples) = committed.samples {
            let mut seen = seen.lock().unwrap();
            seen.insert(committed.step.0, samples.to_vec());
        }
    });
    let train = loader(&run);
    let training = training(place.path(), train.clone());
    let model = run.wrap(Net::new());
    let learner = Learner::new(model, AdamConfig::new().init(), falling_rate(1e-2));
    Ok(run.launch(training, learner, train)?.finished())
}

/// The run holds at every level, and every segment can be replayed.
fn holds(place: &TempDir, run: &RunDir, config: &PowConfig) {
    let report = report(run);
    assert!(report.holds(), "{report}");
    assert_eq!(verdict(&report, Level::Data), Verdict::Partly, "{report}");
    let text = report.to_string();
    assert!(
        text.contains("all 8 batch digests follow from genesis and the hashes of blocks"),
        "{text}"
    );
    let report = replayed(run, None, |action| {
        let finished = launch(place, action, config.clone(), &Arc::default())?;
        assert!(matches!(finished, Finished::Replayed), "{finished:?}");
        Ok::<_, PowError>(())
    });
    assert_eq!(outcomes(&report), exact(&[2, 2, 2, 2]));
}

#[test]
fn every_epoch_sees_every_sample_once_and_the_run_is_replayed_exactly() {
    let _alone = alone();
    for (segments, mode) in [(1, Mode::Pipelined), (2, Mode::Pipelined), (1, Mode::Gate)] {
        let (place, run) = place();
        let config = bound(&run, segments).mode(mode);
        let seen = Arc::default();
        sealed(launch(&place, Action::Create, config.clone(), &seen).unwrap());
        let seen = seen.lock().unwrap();
        for epoch in [1..=4, 5..=8] {
            let mut samples: Vec<u32> = epoch.flat_map(|step| seen[&step].clone()).collect();
            samples.sort_unstable();
            assert_eq!(samples, (0..20).collect::<Vec<u32>>());
        }
        holds(&place, &run, &config);
    }
}

#[test]
fn two_runs_see_the_same_first_segments_and_then_other_orders() {
    let _alone = alone();
    for segments in [1, 2] {
        let orders = [(); 2].map(|()| {
            let (place, run) = place();
            let seen = Arc::default();
            sealed(launch(&place, Action::Create, bound(&run, segments), &seen).unwrap());
            let seen = std::mem::take(&mut *seen.lock().unwrap());
            let mut steps = seen.into_values();
            let first: Vec<_> = steps.by_ref().take(2 * segments as usize).collect();
            (first, steps.collect::<Vec<_>>())
        });
        assert_eq!(orders[0].0, orders[1].0);
        assert_ne!(orders[0].1, orders[1].1);
    }
}

#[test]
fn a_run_killed_after_any_block_is_resumed_in_the_order_of_its_own_blocks() {
    let _alone = alone();
    let (place, run) = place();
    let config = bound(&run, 1).mode(Mode::Gate);
    sealed(launch(&place, Action::Create, config.clone(), &Arc::default()).unwrap());
    let chain = std::fs::read(run.chain()).unwrap();
    let ends = block_ends(&chain);
    // Genesis, the initial state, eight steps and the end.
    assert_eq!(ends.len(), 1 + 11);
    for end in &ends[1..ends.len() - 1] {
        std::fs::write(run.chain(), &chain[..*end]).unwrap();
        let _ = std::fs::remove_file(run.artifact());
        sealed(launch(&place, Action::Resume, config.clone(), &Arc::default()).unwrap());
        assert_eq!(std::fs::read(run.chain()).unwrap()[..*end], chain[..*end]);
        holds(&place, &run, &config);
    }
}

#[test]
fn a_stop_ends_the_wait_for_a_block() {
    let _alone = alone();
    let (_place, run) = place();
    // No such block is ever found. Only genesis is easy.
    let config = bound(&run, 1).zero_bits(4).spacing(
        Duration::from_secs(1_000_000),
        Duration::from_millis(1),
        1,
    );
    let recorded = create(config);
    let interrupter = Interrupter::new();
    recorded.stop_with(interrupter.clone());
    let train = loader(&recorded).to_device(&Device::flex().autodiff());
    let (mut model, mut optimizer) = begin(&recorded);
    // One stop ends the training, and the next ends the mining of its last blocks.
    let done = Arc::new(AtomicBool::new(false));
    let stopper = std::thread::spawn({
        let (interrupter, done) = (interrupter.clone(), done.clone());
        move || {
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(300));
                interrupter.stop(None);
            }
        }
    });
    let mut steps = 0;
    for tracked in train.iter() {
        let batch = recorded.micro_batch(&model, tracked.unwrap());
        let grads = model.classify(batch).loss.backward();
        let grads = GradientsParams::from_grads(grads, &model);
        let taken = recorded.step(model, &mut optimizer, 1e-2, grads, None);
        model = taken.unwrap_or_else(|error| panic!("{error}"));
        steps += 1;
    }
    // The second segment never started.
    assert_eq!(steps, 2);
    drop(recorded);
    done.store(true, Ordering::Relaxed);
    stopper.join().unwrap();
}

#[test]
fn an_order_without_checkpoints_to_bind_it_to_is_refused() {
    let (_place, run) = place();
    let refused = PowRun::open(Action::Create, bound(&run, 1).checkpoint_every(0));
    let error = refused.err().unwrap().to_string();
    assert!(error.contains("needs a checkpoint interval"), "{error}");
    assert!(!run.path().exists());
}
