//! Runs that are paused from outside, between two checkpoints.

use crate::at::at;
use crate::program::*;
use burn::optim::AdamConfig;
use burn::train::Learner;
use burn_pow::{Action, Ending, Finished, Outcome, PowConfig, PowRun};
use pow_core::body::Entry;
use pow_core::hash::StateRoot;
use pow_ledger::RunDir;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// A batch that does not come.
const NEVER: u64 = 99;

/// A training that is asked to pause when its `batch`-th batch is taken.
fn launched(place: &TempDir, run: PowRun, batch: u64) -> Outcome<Net> {
    let pauser = run.pauser();
    let train = at(loader(&run), batch, move || pauser.pause());
    let training = training(place.path(), train.clone());
    let model = run.wrap(Net::new());
    let learner = Learner::new(model, AdamConfig::new().init(), falling_rate(1e-2));
    run.launch(training, learner, train).unwrap()
}

fn paused(place: &TempDir, action: Action, config: PowConfig, batch: u64) {
    let run = PowRun::open(action, config).unwrap();
    let Outcome::Paused(paused) = launched(place, run, batch) else {
        panic!("it ended");
    };
    assert_eq!(paused.chain.unsealed, 0);
}

/// Resumes a run to its end. Returns the step that it started from.
fn ended(place: &TempDir, config: PowConfig) -> u64 {
    let run = PowRun::open(Action::Resume, config).unwrap();
    let step = run.resumed().unwrap().step.0;
    trained(launched(place, run, NEVER));
    step
}

fn whole(change: impl Fn(PowConfig) -> PowConfig) -> (Vec<Entry>, Vec<u8>) {
    let (place, run) = place();
    trained(launched(&place, create(change(config(&run))), NEVER));
    (entries(&run), artifact(&run))
}

/// The states on disk that no entry commits to.
fn uncommitted(run: &RunDir) -> BTreeSet<StateRoot> {
    let mut roots = run.checkpoint_roots().unwrap();
    for entry in entries(run) {
        roots.retain(|root| Some(*root) != entry.state_root());
    }
    roots
}

#[test]
fn a_run_goes_on_from_the_step_at_which_it_was_paused() {
    let _alone = alone();
    for mode in [burn_pow::Mode::Pipelined, burn_pow::Mode::Gate] {
        let change = |config: PowConfig| config.mode(mode).keep_checkpoints(1);
        let whole = whole(change);
        let (place, run) = place();
        let config = change(config(&run)).name("run");
        paused(&place, Action::Create, config.clone(), 5);
        assert_eq!(entries(&run), whole.0[..6]);
        assert_eq!(uncommitted(&run).len(), 1);
        holds_unfinished(&run);
        assert_eq!(ended(&place, config), 5);
        assert!((entries(&run), artifact(&run)) == whole);
        // The checkpoint of step 6 has taken its place.
        assert!(uncommitted(&run).is_empty());
        let report = report(&run);
        assert!(report.holds(), "{report}");
    }
}

#[test]
fn a_run_that_is_paused_again_and_again_keeps_one_state() {
    let _alone = alone();
    let change = |config: PowConfig| config.checkpoint_every(100);
    let whole = whole(change);
    let (place, run) = place();
    let config = change(config(&run)).name("run");
    paused(&place, Action::Create, config.clone(), 2);
    for _ in 0..3 {
        let first = uncommitted(&run);
        // The first batch since the start of this process.
        paused(&place, Action::Resume, config.clone(), 1);
        assert_eq!(uncommitted(&run).len(), 1);
        assert_ne!(uncommitted(&run), first);
    }
    assert_eq!(ended(&place, config), 5);
    assert!((entries(&run), artifact(&run)) == whole);
}

#[test]
fn a_pause_at_a_checkpoint_keeps_nothing_else() {
    let _alone = alone();
    let (place, run) = place();
    let config = config(&run);
    paused(&place, Action::Create, config.clone(), 3);
    assert!(uncommitted(&run).is_empty());
    assert_eq!(ended(&place, config), 3);
}

#[test]
fn a_state_that_the_chain_does_not_reach_is_removed() {
    let _alone = alone();
    let change = |config: PowConfig| config.mode(burn_pow::Mode::Gate).name("run");
    let whole = whole(change);
    let (place, run) = place();
    let config = change(config(&run));
    paused(&place, Action::Create, config.clone(), 5);
    // Killed after the state was written and before the block of its step was.
    let chain = std::fs::read(run.chain()).unwrap();
    let ends = block_ends(&chain);
    std::fs::write(run.chain(), &chain[..ends[ends.len() - 2]]).unwrap();
    assert_eq!(steps(&run).last(), Some(&4));
    assert_eq!(ended(&place, config), 3);
    assert!(uncommitted(&run).is_empty());
    assert!((entries(&run), artifact(&run)) == whole);
}

#[test]
fn a_pause_waits_for_the_next_committed_step() {
    let _alone = alone();
    let change = |config: PowConfig| {
        config
            .commit_every(2.try_into().unwrap())
            .checkpoint_every(4)
    };
    let whole = whole(change);
    let (place, run) = place();
    let config = change(config(&run)).name("run");
    paused(&place, Action::Create, config.clone(), 5);
    assert_eq!(ended(&place, config), 6);
    assert!((entries(&run), artifact(&run)) == whole);
}

#[test]
fn a_custom_loop_is_paused_in_the_same_way() {
    let _alone = alone();
    let whole = whole(|config| config.name("run"));
    let (place, run) = place();
    let config = config(&run).name("run");
    let opened = create(config.clone());
    opened.pauser().pause();
    let custom = CustomLoop::HONEST;
    let (model, _) = custom.train(&opened).unwrap();
    let finished = opened.finish(&model, Ending::Stopped).unwrap();
    assert!(matches!(finished, Finished::Paused(_)), "{finished:?}");
    assert_eq!(ended(&place, config), 1);
    assert!((entries(&run), artifact(&run)) == whole);
}

#[test]
fn the_last_planned_step_ends_the_run() {
    let _alone = alone();
    let (place, run) = place();
    trained(launched(&place, create(config(&run)), 2 * STEPS_PER_EPOCH));
    assert!(report(&run).holds());
}

/// The chain does not commit to the state of a pause, so its name and its parameters are
/// checked.
#[test]
fn a_state_that_is_not_that_of_the_pause_is_put_aside() {
    let _alone = alone();
    let whole = whole(|config| config);
    let (elsewhere, other) = place();
    paused(
        &elsewhere,
        Action::Create,
        config(&other).seed(6).name("run"),
        5,
    );
    let foreign = *uncommitted(&other).first().unwrap();
    type Damage<'a> = &'a dyn Fn(&RunDir, StateRoot);
    let damages: [Damage<'_>; 2] = [
        &|run, root| std::fs::write(run.checkpoint(root).optimizer(), "half").unwrap(),
        &|run, root| {
            // Whole, of the same step, but of another training.
            std::fs::remove_dir_all(run.checkpoint(root).dir()).unwrap();
            let from = other.checkpoint(foreign);
            let to = run.checkpoint(foreign);
            std::fs::create_dir(to.dir()).unwrap();
            std::fs::copy(from.model(), to.model()).unwrap();
            std::fs::copy(from.optimizer(), to.optimizer()).unwrap();
            std::fs::copy(from.state(), to.state()).unwrap();
        },
    ];
    for damage in damages {
        let (place, run) = place();
        let config = config(&run).name("run");
        paused(&place, Action::Create, config.clone(), 5);
        damage(&run, *uncommitted(&run).first().unwrap());
        let opened = PowRun::open(Action::Resume, config).unwrap();
        let resumed = opened.resumed().unwrap().clone();
        assert_eq!((resumed.step.0, resumed.chain_step.0), (3, 5));
        assert_eq!(resumed.damaged[0].step.0, 5);
        trained(launched(&place, opened, NEVER));
        assert!((entries(&run), artifact(&run)) == whole);
    }
}

/// Copies what is in a run's directory while the run goes on: first the states, then the
/// chain, which may only be newer. What is removed meanwhile is not in the copy.
fn copied(from: &RunDir, to: &RunDir) {
    std::fs::create_dir_all(to.checkpoints()).unwrap();
    for root in from.checkpoint_roots().unwrap() {
        let [from, to] = [from, to].map(|run| run.checkpoint(root).dir().to_owned());
        if copied_files(&from, &to).is_err() {
            std::fs::remove_dir_all(to).unwrap();
        }
    }
    for file in [from.config(), from.chain()] {
        std::fs::copy(&file, to.path().join(file.file_name().unwrap())).unwrap();
    }
    std::fs::write(to.lock(), "").unwrap();
}

fn copied_files(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        std::fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

#[test]
fn a_state_that_is_kept_by_time_spares_steps_after_a_kill() {
    let _alone = alone();
    for mode in [burn_pow::Mode::Gate, burn_pow::Mode::Pipelined] {
        let change = |config: PowConfig| {
            let config = config.mode(mode).checkpoint_every(100).name("run");
            config.keep_state_every(Duration::ZERO)
        };
        let (place, run) = place();
        let killed = tempfile::tempdir().unwrap();
        let recorded = create(change(config(&run)));
        let (from, to) = (run.clone(), killed.path().to_owned());
        // As the files are when a kill comes after this step.
        recorded.on_commit(move |committed| {
            if committed.step.0 > 0 {
                let to = to.join(committed.step.to_string());
                copied(&from, &RunDir::new(to));
            }
        });
        trained(launched(&place, recorded, NEVER));
        assert!(uncommitted(&run).is_empty());
        for step in 1..2 * STEPS_PER_EPOCH {
            let copy = RunDir::new(killed.path().join(step.to_string()));
            let last = steps(&copy).last().copied().unwrap_or(0);
            let place = tempfile::tempdir().unwrap();
            let from = ended(&place, change(config(&copy)));
            // The newest step that is in the chain: its state stayed until a newer one was.
            assert_eq!(from, last.min(step), "killed after step {step}");
            if mode == burn_pow::Mode::Gate {
                assert!(last + 1 >= step);
            }
            assert!((entries(&copy), artifact(&copy)) == (entries(&run), artifact(&run)));
            assert!(uncommitted(&copy).is_empty());
        }
    }
}
