//! Runs that are stopped while they wait for blocks that are never found.

use crate::program::*;
use crate::renderer::Silent;
use burn::data::dataset::{Dataset, DatasetError};
use burn::optim::AdamConfig;
use burn::train::{Interrupter, Learner};
use burn_pow::loader::LoaderError;
use burn_pow::{Ending, Finished, LoaderBuilder, Mode, Outcome, PowConfig, PowError, Stopped};
use pow_audit::{Level, Verdict};
use pow_ledger::{RunDir, TensorFile};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// No computer will find such a block.
const NEVER: u32 = 200;

/// Stops again and again after `when` is true, until `done` is set.
fn impatient(
    interrupter: Interrupter,
    done: Arc<AtomicBool>,
    when: impl Fn() -> bool + Send + 'static,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        while !done.load(Ordering::SeqCst) {
            if when() {
                interrupter.stop(Some("enough"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    })
}

/// Trains, and stops as soon as `when` is true.
fn interrupted(
    place: &tempfile::TempDir,
    config: PowConfig,
    when: impl Fn() -> bool + Send + 'static,
    change: impl FnOnce(Training) -> Training,
) -> Stopped<Net> {
    let (interrupter, done) = (Interrupter::new(), Arc::new(AtomicBool::new(false)));
    let somebody = impatient(interrupter.clone(), done.clone(), when);
    let run = create(config);
    let train: TrainLoader = loader(&run);
    let training = training(place.path(), train.clone()).with_interrupter(interrupter);
    let learner = Learner::new(run.wrap(Net::new()), AdamConfig::new().init(), 1e-2);
    let outcome = run.launch(change(training), learner, train);
    done.store(true, Ordering::SeqCst);
    somebody.join().unwrap();
    match outcome.unwrap() {
        Outcome::Interrupted(interrupted) => interrupted,
        _ => panic!("a block was found"),
    }
}

/// Entries in the chain so far, which is being written.
fn sealed_entries(run: &RunDir) -> u64 {
    pow_audit::walk::walk(run, None, &mut |_, _| {}).map_or(0, |end| end.entries)
}

/// The chain holds up to its last block, and its end is missing.
fn lacks_only_its_end(run: &RunDir) {
    holds_unfinished(run);
    assert_eq!(verdict(&report(run), Level::Finished), Verdict::Fails);
}

#[test]
fn a_stop_while_the_final_block_is_mined_keeps_the_others() {
    let _alone = alone();
    let (place, run) = place();
    let config = config(&run).final_zero_bits(NEVER);
    let all = 2 * STEPS_PER_EPOCH + 1;
    let looked_at = run.clone();
    let left = interrupted(
        &place,
        config,
        move || sealed_entries(&looked_at) == all,
        |t| t,
    );
    assert_eq!(left.chain.unsealed, 0);
    assert_eq!(left.interrupted, None);
    assert_eq!(steps(&run), (0..all).collect::<Vec<_>>());
    lacks_only_its_end(&run);
    // The training is not lost with the final block.
    let artifact = TensorFile::open(&run.artifact()).unwrap().root().unwrap();
    assert_eq!(artifact, entries(&run).last().unwrap().parameters);
}

#[test]
fn a_stop_while_genesis_is_mined_leaves_a_chain_without_blocks() {
    let _alone = alone();
    for mode in [Mode::Pipelined, Mode::Gate] {
        let (place, run) = place();
        let left = interrupted(
            &place,
            config(&run).zero_bits(NEVER).mode(mode),
            || true,
            |t| t,
        );
        assert_eq!(left.chain.blocks, 0);
        assert!(left.chain.unsealed > 0);
        assert_eq!(sealed_entries(&run), 0);
        assert!(run.artifact().exists());
    }
}

#[test]
fn gate_stops_while_it_waits_for_a_block() {
    let _alone = alone();
    let (place, run) = place();
    let checkpoints = run.checkpoints();
    // The initial state was sent, and training waits for its block.
    let waits = move || {
        checkpoints
            .read_dir()
            .is_ok_and(|mut files| files.next().is_some())
    };
    let config = config(&run).zero_bits(NEVER).mode(Mode::Gate);
    let left = interrupted(&place, config, waits, |t| t);
    assert_eq!(left.chain.unsealed, 1);
    assert!(left.interrupted.is_some());
}

#[test]
fn the_renderer_is_closed_before_the_last_blocks_are_waited_for() {
    let _alone = alone();
    let (place, run) = place();
    let closed = Arc::new(AtomicBool::new(false));
    let seen = Arc::new(AtomicBool::new(false));
    let artifact = run.artifact();
    let when = {
        let (closed, seen) = (closed.clone(), seen.clone());
        move || {
            // The artifact is the last thing before the wait.
            let waits = artifact.exists();
            if waits && closed.load(Ordering::SeqCst) {
                seen.store(true, Ordering::SeqCst);
            }
            waits
        }
    };
    let config = config(&run).final_zero_bits(NEVER);
    interrupted(&place, config, when, |training| {
        training.renderer(Box::new(Silent {
            at_end: Box::new(|| {}),
            at_drop: Box::new(move || closed.store(true, Ordering::SeqCst)),
        }))
    });
    assert!(seen.load(Ordering::SeqCst));
}

#[test]
fn a_custom_loop_is_stopped_while_it_finishes() {
    let _alone = alone();
    let (_place, run) = place();
    let open = create(config(&run).final_zero_bits(NEVER));
    loader(&open);
    let (interrupter, done) = (Interrupter::new(), Arc::new(AtomicBool::new(false)));
    open.stop_with(interrupter.clone());
    let (model, _) = begin(&open);
    let looked_at = run.clone();
    let somebody = impatient(interrupter, done.clone(), move || {
        sealed_entries(&looked_at) == 1
    });
    let finished = open.finish(&model, Ending::Stopped).unwrap();
    done.store(true, Ordering::SeqCst);
    somebody.join().unwrap();
    let Finished::Interrupted(chain) = finished else {
        panic!("{finished:?}");
    };
    assert_eq!((chain.blocks, chain.unsealed), (2, 0));
    lacks_only_its_end(&run);
}

#[test]
fn a_stop_that_ended_the_training_does_not_end_the_mining() {
    let _alone = alone();
    let (_place, run) = place();
    let open = create(config(&run));
    loader(&open);
    let interrupter = Interrupter::new();
    open.stop_with(interrupter.clone());
    let (model, _) = begin(&open);
    interrupter.stop(None);
    sealed(open.finish(&model, Ending::Stopped).unwrap());
    assert_eq!(verdict(&report(&run), Level::Finished), Verdict::Holds);
}

/// Data that take minutes to read.
struct Slow;

impl Dataset<Item> for Slow {
    fn get(&self, index: usize) -> Result<Item, DatasetError> {
        // Those that are read to see whether they stay the same come at once.
        if !index.is_multiple_of(self.len() / 64) {
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Item([index as u8; 5]))
    }

    fn len(&self) -> usize {
        64_000
    }
}

#[test]
fn the_reading_of_large_data_is_stopped_and_leaves_no_run() {
    let (_place, dir) = place();
    let run = create(config(&dir));
    let interrupter = Interrupter::new();
    run.stop_with(interrupter.clone());
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(50));
        interrupter.stop(Some("enough"));
    });
    let loader = LoaderBuilder::new(&run, Batches).build(Slow);
    let error = loader.err().unwrap();
    assert!(
        matches!(error, PowError::Loader(LoaderError::Stopped)),
        "{error}"
    );
    stopper.join().unwrap();
    drop(run);
    assert!(!dir.path().exists());
}
