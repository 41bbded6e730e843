//! Resuming a run that was killed or paused.

use crate::at::at;
use crate::program::*;
use burn::data::dataloader::DataLoader;
use burn::optim::{AdamConfig, SgdConfig};
use burn::tensor::Device;
use burn::train::metric::store::EventStoreClient;
use burn::train::{EarlyStoppingStrategy, Interrupter, Learner, TrainStep};
use burn_pow::{
    Action, Ending, Finished, MachinePart, Outcome, PowConfig, PowError, PowRun, RecordedModel,
    ResumeError, Trained,
};
use pow_audit::replay::EntryField;
use pow_core::body::Entry;
use pow_ledger::{Durability, RunDir};
use std::num::NonZeroU64;
use std::path::Path;
use tempfile::TempDir;

fn learner(run: &PowRun) -> Learner<RecordedModel<Net>> {
    let model = run.wrap(Net::new());
    Learner::new(model, AdamConfig::new().init(), falling_rate(1e-2))
}

fn launch(action: Action, place: &TempDir, config: PowConfig) -> Result<Trained<Net>, PowError> {
    let run = PowRun::open(action, config)?;
    let train = loader(&run);
    let training = training(place.path(), train.clone());
    let learner = learner(&run);
    run.launch(training, learner, train).map(trained)
}

fn resumed_error(action: Action, place: &TempDir, config: PowConfig) -> String {
    match launch(action, place, config) {
        Err(error @ (PowError::Resume(_) | PowError::Config(_))) => error.to_string(),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it was resumed"),
    }
}

/// A finished run, and the bytes of its chain after each block.
struct Whole {
    place: TempDir,
    run: RunDir,
    config: PowConfig,
    chain: Vec<u8>,
    /// Where each block's record ends, from the file header's end on.
    ends: Vec<usize>,
    entries: Vec<Entry>,
}

fn whole(change: fn(PowConfig) -> PowConfig) -> Whole {
    let (place, run) = place();
    let config = change(config(&run));
    launch(Action::Create, &place, config.clone()).unwrap();
    let chain = std::fs::read(run.chain()).unwrap();
    let ends = block_ends(&chain);
    let entries = entries(&run);
    Whole {
        place,
        run,
        config,
        chain,
        ends,
        entries,
    }
}

impl Whole {
    /// Cuts the chain to its first `bytes` bytes, as a kill does. The other files may be
    /// newer.
    fn cut(&self, bytes: usize) {
        std::fs::write(self.run.chain(), &self.chain[..bytes]).unwrap();
        let _ = std::fs::remove_file(self.run.artifact());
    }

    fn resume(&self) -> Result<Trained<Net>, PowError> {
        launch(Action::Resume, &self.place, self.config.clone())
    }

    /// The run is complete, starts with the first `kept` bytes of the chain, and has the
    /// entries of the uninterrupted run.
    fn holds(&self, kept: usize) {
        let report = report(&self.run);
        assert!(report.holds(), "{report}");
        assert_eq!(entries(&self.run), self.entries);
        let chain = std::fs::read(self.run.chain()).unwrap();
        assert_eq!(chain[..kept], self.chain[..kept]);
    }
}

fn gate(config: PowConfig) -> PowConfig {
    config.mode(burn_pow::Mode::Gate)
}

#[test]
fn a_run_killed_after_any_block_is_resumed_to_the_same_end() {
    let _alone = alone();
    // In gate mode each step has a block.
    let whole = whole(gate);
    assert_eq!(whole.ends.len(), 1 + 1 + 9 + 1);
    for end in &whole.ends[1..whole.ends.len() - 1] {
        whole.cut(*end);
        let trained = whole.resume().unwrap();
        assert_eq!(trained.summary.steps.0, 2 * STEPS_PER_EPOCH);
        whole.holds(*end);
    }
}

#[test]
fn a_torn_block_is_put_aside() {
    let _alone = alone();
    let whole = whole(gate);
    let end = whole.ends[6];
    whole.cut(end + 100);
    let run = PowRun::open(Action::Resume, whole.config.clone()).unwrap();
    let resumed = run.resumed().unwrap().clone();
    // A checkpoint is due at every third step, and block 1 holds step 0.
    assert_eq!((resumed.step.0, resumed.chain_step.0), (3, 4));
    let torn = std::fs::read(resumed.torn.unwrap()).unwrap();
    assert_eq!(torn, whole.chain[end..end + 100]);
    drop(run);
    whole.resume().unwrap();
    whole.holds(end);
}

#[test]
fn another_machine_is_known_before_the_run_is_resumed() {
    let _alone = alone();
    let whole = whole(gate);
    whole.cut(whole.ends[6]);
    let config = whole.config.clone();
    let run = PowRun::open(Action::Resume, config.clone()).unwrap();
    assert_eq!(run.differences(&Net::new()), []);
    drop(run);
    let run = PowRun::open(Action::Resume, config.adapter("another machine's")).unwrap();
    let changed = run.differences(&Net::new());
    let parts: Vec<_> = changed.iter().map(|changed| changed.part).collect();
    assert_eq!(parts, [MachinePart::Device]);
    assert_eq!(
        changed[0].found,
        format!("another machine's; {}", changed[0].expected)
    );
    // A new run cannot differ.
    let (_place, dir) = place();
    let run = PowRun::open(Action::Create, self::config(&dir)).unwrap();
    assert_eq!(run.differences(&Net::new()), []);
}

/// A training that is stopped at its sixth batch.
fn stopped(place: &TempDir, config: PowConfig) -> Outcome<Net> {
    let run = PowRun::open(Action::Create, config).unwrap();
    let interrupter = Interrupter::new();
    let stop = interrupter.clone();
    let train = at(loader(&run), 6, move || stop.stop(Some("enough")));
    let training = training(place.path(), train.clone()).with_interrupter(interrupter);
    let learner = learner(&run);
    run.launch(training, learner, train).unwrap()
}

#[test]
fn a_paused_run_is_resumed_to_the_same_end() {
    let _alone = alone();
    for mode in [|config| config, gate] {
        let whole = whole(mode);
        let (place, run) = place();
        let config = mode(self::config(&run)).name("run");
        let Outcome::Paused(paused) = stopped(&place, config.clone().pause_when_stopped()) else {
            panic!("it ended");
        };
        assert_eq!(paused.chain.unsealed, 0);
        assert!(paused.interrupted.is_some());
        assert!(!run.artifact().exists());
        let sealed = entries(&run);
        assert_eq!(sealed, whole.entries[..sealed.len()]);
        assert!((5..=7).contains(&sealed.len()), "{}", sealed.len());
        // Genesis does not contain the setting.
        launch(Action::Resume, &place, config).unwrap();
        assert_eq!(entries(&run), whole.entries);
        assert!(report(&run).holds());
    }
    // Without the setting, a stop ends the run.
    let (place, run) = place();
    trained(stopped(&place, config(&run)));
    let refused = resumed_error(Action::Resume, &place, config(&run));
    assert!(refused.contains("stopped"), "{refused}");
}

/// Stops the training after its first epoch.
#[derive(Clone)]
struct AfterOne;

impl EarlyStoppingStrategy for AfterOne {
    fn should_stop(&mut self, epoch: usize, _store: &EventStoreClient) -> bool {
        epoch == 1
    }
}

#[test]
fn a_training_that_ends_early_by_itself_does_not_pause() {
    let _alone = alone();
    let (place, run) = place();
    let config = config(&run).pause_when_stopped();
    let trained = record_with(&place, config, |training| training.early_stopping(AfterOne));
    assert_eq!(trained.unwrap().summary.steps.0, STEPS_PER_EPOCH);
    assert_eq!(report(&run).chain.unwrap().ending, Some("stopped"));
}

#[test]
fn an_optimizer_without_a_state_is_resumed_in_a_later_epoch() {
    let _alone = alone();
    let train = |action, place: &TempDir, config: PowConfig| {
        let run = PowRun::open(action, config).unwrap();
        let train = loader(&run);
        let training = training(place.path(), train.clone());
        let learner = Learner::new(
            run.wrap(Net::new()),
            SgdConfig::new().init(),
            falling_rate(1e-2),
        );
        trained(run.launch(training, learner, train).unwrap());
    };
    let (place, run) = place();
    let config = gate(config(&run));
    train(Action::Create, &place, config.clone());
    let (chain, whole) = (std::fs::read(run.chain()).unwrap(), entries(&run));
    // The chain now ends with step 7 of 8, and step 6 has a checkpoint.
    std::fs::write(run.chain(), &chain[..block_ends(&chain)[1 + 1 + 7]]).unwrap();
    std::fs::remove_file(run.artifact()).unwrap();
    train(Action::Resume, &place, config);
    assert_eq!(entries(&run), whole);
}

#[test]
fn a_paused_loop_is_resumed_to_the_same_end() {
    let _alone = alone();
    let whole = whole(|config| config);
    let (place, run) = place();
    let config = self::config(&run);
    let paused = CustomLoop {
        epochs: 1,
        ..CustomLoop::HONEST
    };
    let open = PowRun::open(Action::Create, config.clone().pause_when_stopped()).unwrap();
    let (model, _) = paused.train(&open).unwrap();
    let finished = open.finish(&model, Ending::Stopped).unwrap();
    assert!(
        matches!(&finished, Finished::Paused(chain) if chain.unsealed == 0),
        "{finished:?}"
    );
    launch(Action::Resume, &place, config).unwrap();
    assert_eq!(entries(&run), whole.entries);
    // A run that never started leaves nothing.
    let (_place, dir) = self::place();
    let idle = PowRun::open(Action::Create, self::config(&dir).pause_when_stopped()).unwrap();
    let error = idle.finish(&Net::new(), Ending::Stopped).unwrap_err();
    assert!(matches!(error, PowError::NotStarted), "{error}");
    assert!(!dir.path().exists());
}

#[test]
fn a_run_that_was_moved_is_resumed() {
    let _alone = alone();
    let whole = whole(gate);
    whole.cut(whole.ends[6]);
    let (place, elsewhere) = place();
    let moved = RunDir::new(elsewhere.path().with_file_name("moved"));
    std::fs::rename(whole.run.path(), moved.path()).unwrap();
    launch(Action::Resume, &place, gate(config(&moved))).unwrap();
    assert_eq!(entries(&moved), whole.entries);
}

#[test]
fn it_starts_from_the_newest_checkpoint_that_is_there() {
    let _alone = alone();
    let whole = whole(gate);
    // The checkpoint of step 6 is lost, and all later blocks with it.
    whole.cut(whole.ends[1 + 1 + 7]);
    let lost = whole.entries[6].state_root().unwrap();
    std::fs::remove_dir_all(whole.run.checkpoint(lost).dir()).unwrap();
    let run = PowRun::open(Action::Resume, whole.config.clone()).unwrap();
    assert_eq!(run.resumed().unwrap().step.0, 3);
    drop(run);
    whole.resume().unwrap();
    whole.holds(whole.ends[1]);
    assert!(whole.run.checkpoint(lost).dir().exists());
}

#[test]
fn a_damaged_checkpoint_is_put_aside_and_the_one_before_used() {
    type Damage = fn(&Path);
    let damages: [Damage; 4] = [
        |model| std::fs::write(model, "").unwrap(),
        |model| std::fs::remove_file(model).unwrap(),
        |model| {
            // One bit of the last weight.
            let mut bytes = std::fs::read(model).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            std::fs::write(model, bytes).unwrap();
        },
        |model| std::fs::write(model.with_file_name("state.json"), "{").unwrap(),
    ];
    let _alone = alone();
    let whole = whole(gate);
    let newest = whole.run.checkpoint(whole.entries[6].state_root().unwrap());
    for damage in damages {
        whole.cut(whole.ends[1 + 1 + 7]);
        damage(&newest.model());
        let run = PowRun::open(Action::Resume, whole.config.clone()).unwrap();
        let resumed = run.resumed().unwrap().clone();
        assert_eq!((resumed.step.0, resumed.chain_step.0), (3, 7));
        let [damaged] = &*resumed.damaged else {
            panic!("{resumed:?}");
        };
        assert_eq!(damaged.step.0, 6);
        assert!(damaged.moved_to.is_dir() && !newest.dir().exists());
        assert!(
            damaged.to_string().contains("of step 6 is damaged ("),
            "{damaged}"
        );
        drop(run);
        whole.resume().unwrap();
        whole.holds(whole.ends[1 + 1 + 7]);
        assert_eq!(newest.recompute().unwrap().1.0, 6);
    }
}

#[test]
fn a_run_without_a_whole_checkpoint_is_left_as_it_is() {
    let _alone = alone();
    let whole = whole(gate);
    whole.cut(whole.ends[1 + 1 + 7]);
    let models: Vec<_> = (whole.run.checkpoint_roots().unwrap().into_iter())
        .map(|root| whole.run.checkpoint(root).model())
        .collect();
    for model in &models {
        std::fs::write(model, "").unwrap();
    }
    let error = whole.resume().err().unwrap().to_string();
    // The error is that of the newest one that the chain has.
    let newest = whole.entries[6].state_root().unwrap().to_string();
    assert!(error.contains(&newest), "{error}");
    assert!(models.iter().all(|model| model.exists()));
}

#[test]
fn one_command_creates_a_run_and_resumes_it() {
    let _alone = alone();
    let whole = whole(gate);
    let (place, run) = place();
    let config = gate(config(&run)).name("run");
    let go = || launch(Action::CreateOrResume, &place, config.clone());
    // Killed before its first block, after the checkpoint of the initial state.
    let (files, chain) = run.create(b"{}", Durability::Grouped).unwrap();
    drop((files, chain));
    std::fs::create_dir(run.checkpoints().join("a".repeat(64))).unwrap();
    go().unwrap();
    assert_eq!(entries(&run), whole.entries);
    // Killed within a block.
    let bytes = std::fs::read(run.chain()).unwrap();
    let kept = block_ends(&bytes)[6];
    std::fs::write(run.chain(), &bytes[..kept + 100]).unwrap();
    std::fs::remove_file(run.artifact()).unwrap();
    go().unwrap();
    assert_eq!(entries(&run), whole.entries);
    assert_eq!(std::fs::read(run.chain()).unwrap()[..kept], bytes[..kept]);
    // Ended.
    let ended = go().err().unwrap();
    assert!(
        matches!(&ended, PowError::Resume(why) if matches!(**why, ResumeError::Ended { .. })),
        "{ended}"
    );
    // In the way of files that no run has.
    let (place, other) = self::place();
    std::fs::create_dir(other.path()).unwrap();
    std::fs::write(other.path().join("thesis.tex"), "mine").unwrap();
    let refused = launch(Action::CreateOrResume, &place, gate(self::config(&other)));
    assert!(matches!(refused, Err(PowError::Ledger(_))));
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1);
}

#[test]
fn a_run_with_retention_is_resumed() {
    let _alone = alone();
    let whole = whole(|config| {
        config
            .mode(burn_pow::Mode::Gate)
            .checkpoint_every(1)
            .keep_checkpoints(1)
    });
    whole.cut(whole.ends[6]);
    // The remaining checkpoints are of steps 0, 7 and 8. This chain has only the first of
    // these steps.
    whole.resume().unwrap();
    whole.holds(whole.ends[6]);
    let kept = std::fs::read_dir(whole.run.checkpoints()).unwrap().count();
    assert_eq!(kept, 3);
}

#[test]
fn steps_between_commitments_are_repeated() {
    let _alone = alone();
    let whole = whole(|config| {
        config
            .commit_every(NonZeroU64::new(2).unwrap())
            .checkpoint_every(4)
    });
    for end in &whole.ends[1..whole.ends.len() - 1] {
        whole.cut(*end);
        whole.resume().unwrap();
        whole.holds(*end);
    }
}

#[test]
fn a_custom_loop_is_resumed() {
    let _alone = alone();
    let whole = whole(gate);
    // The loop is another program than the learner, and takes the same steps.
    for end in [whole.ends[1], whole.ends[4], whole.ends[8]] {
        whole.cut(end);
        let resumed = CustomLoop::HONEST.run(Action::Resume, whole.config.clone());
        sealed(resumed.unwrap());
        whole.holds(end);
    }
}

#[test]
fn a_step_that_differs_stops_the_run() {
    let _alone = alone();
    let whole = whole(gate);
    let end = whole.ends[1 + 1 + 5];
    whole.cut(end);
    // Another rate from the checkpoint on.
    let run = PowRun::open(Action::Resume, whole.config.clone()).unwrap();
    let train = loader(&run);
    let training = training(whole.place.path(), train.clone());
    let learner = Learner::new(run.wrap(Net::new()), AdamConfig::new().init(), 1e-3);
    let Err(PowError::Resume(error)) = run.launch(training, learner, train) else {
        panic!("it was resumed");
    };
    let ResumeError::Diverged(difference) = &*error else {
        panic!("{error}");
    };
    let (step, field) = (difference.step.0, difference.field);
    assert_eq!((step, field), (4, EntryField::LearningRate));
    // Nothing was appended.
    assert_eq!(
        std::fs::read(whole.run.chain()).unwrap(),
        whole.chain[..end]
    );
}

#[test]
fn a_run_that_cannot_be_resumed_says_why() {
    let _alone = alone();
    let whole = whole(gate);
    let error = |change: fn(PowConfig) -> PowConfig| {
        resumed_error(Action::Resume, &whole.place, change(whole.config.clone()))
    };
    assert!(error(|config| config).contains("the run has ended: completed after 8 steps"));
    whole.cut(whole.ends[6]);
    assert!(error(|config| config.seed(6)).contains("seed is 6, but the run was started with 5"));
    let epochs = error(|config| config.epochs(3));
    assert!(
        epochs.contains("epochs is 3, but the run was started with 2"),
        "{epochs}"
    );
    // If it is not resumed, the torn record stays.
    whole.cut(whole.ends[6] + 30);
    error(|config| config.seed(6));
    let left = std::fs::read(whole.run.chain()).unwrap();
    assert_eq!(left, whole.chain[..whole.ends[6] + 30]);
    whole.cut(16);
    assert!(error(|config| config).contains("holds no block yet"));
    // A chain that was edited.
    let mut bytes = whole.chain[..whole.ends[6]].to_vec();
    bytes.truncate(whole.ends[5]);
    bytes.extend(&whole.chain[whole.ends[6]..whole.ends[7]]);
    std::fs::write(whole.run.chain(), bytes).unwrap();
    assert!(error(|config| config).contains("block 5: names "));
    // A directory that is not a run.
    let (_place, nothing) = place();
    let opened = PowRun::open(Action::Resume, config(&nothing));
    assert!(matches!(opened, Err(PowError::Ledger(_))));
    assert!(!nothing.path().exists());
}

#[test]
fn a_loop_that_does_not_restore_its_state_is_an_error() {
    let _alone = alone();
    let whole = whole(gate);
    whole.cut(whole.ends[6]);
    let run = PowRun::open(Action::Resume, whole.config.clone()).unwrap();
    let train = loader(&run).to_device(&Device::flex().autodiff());
    let (model, mut optimizer) = (Net::new(), AdamConfig::new().init());
    let tracked = train.iter().next().unwrap().unwrap();
    let output = TrainStep::step(&model, run.micro_batch(&model, tracked));
    let error = run.step(model, &mut optimizer, 1e-2, output.grads, None);
    let error = error.err().unwrap().to_string();
    assert!(error.contains("call PowRun::start"), "{error}");
}

#[test]
fn a_training_stopped_before_it_reached_the_chain_changes_nothing() {
    let _alone = alone();
    let whole = whole(gate);
    let end = whole.ends[1 + 1 + 5];
    whole.cut(end);
    let run = PowRun::open(Action::Resume, whole.config.clone()).unwrap();
    loader(&run);
    let (model, _) = begin(&run);
    let finished = run.finish(&model, Ending::Stopped).unwrap();
    assert!(matches!(finished, Finished::Interrupted(_)), "{finished:?}");
    assert_eq!(
        std::fs::read(whole.run.chain()).unwrap(),
        whole.chain[..end]
    );
}
