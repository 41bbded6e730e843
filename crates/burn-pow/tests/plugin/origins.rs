//! Runs that go on from another run.

use crate::parts::{gan_config, trained};
use crate::program::*;
use burn::optim::AdamConfig;
use burn::train::Learner;
use burn_pow::{Action, Origin, PowConfig, PowError, PowRun};
use pow_audit::source::SharedRun;
use pow_audit::{AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::body::Genesis;
use pow_core::hash::{FileDigest, ParameterRoot};
use pow_ledger::RunDir;
use tempfile::TempDir;

/// A parent that has ended, and a place for its child.
fn family(place: &TempDir) -> (RunDir, RunDir) {
    let run = |name| RunDir::new(place.path().join(name));
    let (parent, child) = (run("parent"), run("child"));
    sealed(
        CustomLoop::HONEST
            .run(Action::Create, config(&parent))
            .unwrap(),
    );
    (parent, child)
}

fn from(parent: &RunDir) -> Origin {
    Origin::run(parent.path())
}

/// The report on a child, with its parent at hand.
fn with_parent(child: &RunDir, parent: &RunDir) -> AuditReport {
    let options = AuditOptions {
        parents: vec![SharedRun::new(parent.clone())],
        require: [Level::Chain, Level::Origin].into(),
        ..AuditOptions::default()
    };
    audit(child, &options, &mut |_| {}).unwrap()
}

fn lines(report: &AuditReport) -> String {
    let level = report.levels.iter();
    let level = level.filter(|line| line.level == Level::Origin);
    level.map(|line| line.lines.join("\n")).collect()
}

fn genesis(run: &RunDir) -> Genesis {
    blocks(run).0
}

fn first_and_last(run: &RunDir) -> [ParameterRoot; 2] {
    let entries = entries(run);
    [entries[0].parameters, entries[entries.len() - 1].parameters]
}

#[test]
fn a_run_goes_on_from_the_weights_and_the_optimizer_of_another() {
    let _alone = alone();
    let place = TempDir::new().unwrap();
    let (parent, child) = family(&place);
    let settings = || {
        config(&child)
            .initial_weights_from_seed()
            .origin(from(&parent))
    };
    let finished = CustomLoop::HONEST.run(Action::CreateOrResume, settings());
    sealed(finished.unwrap());
    assert_eq!(first_and_last(&child)[0], first_and_last(&parent)[1]);
    assert!(!genesis(&child).initial.regenerable);

    let report = with_parent(&child, &parent);
    assert_eq!(verdict(&report, Level::Origin), Verdict::Holds, "{report}");
    assert!(lines(&report).contains("optimizer"), "{report}");
    // The parent of another run does not pass for it.
    let stranger = RunDir::new(place.path().join("stranger"));
    let other = config(&stranger).seed(6);
    sealed(CustomLoop::HONEST.run(Action::Create, other).unwrap());
    let report = with_parent(&child, &stranger);
    assert_ne!(verdict(&report, Level::Origin), Verdict::Holds);

    // It is replayed without its parent.
    std::fs::remove_dir_all(parent.path()).unwrap();
    let report = replayed(&child, None, |action| {
        CustomLoop::HONEST.run(action, settings()).map(drop)
    });
    assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
}

fn learned(action: Action, config: PowConfig) -> Result<(), PowError> {
    let place = TempDir::new().unwrap();
    let run = PowRun::open(action, config)?;
    let train = loader(&run);
    let training = training(place.path(), train.clone());
    let learner = Learner::new(run.wrap(Net::new()), AdamConfig::new().init(), 1e-2);
    run.launch(training, learner, train).map(drop)
}

#[test]
fn a_learner_goes_on_from_an_earlier_checkpoint_or_with_the_weights_alone() {
    let _alone = alone();
    type Change = fn(Origin) -> Origin;
    let cases: [(Change, usize, &str); 2] = [
        (|origin| origin.at_step(3), 3, "optimizer"),
        (Origin::weights_only, 8, "fresh"),
    ];
    for (change, step, says) in cases {
        let place = TempDir::new().unwrap();
        let (parent, child) = family(&place);
        let settings = || config(&child).origin(change(from(&parent)));
        learned(Action::Create, settings()).unwrap();
        assert_eq!(first_and_last(&child)[0], entries(&parent)[step].parameters);
        let report = with_parent(&child, &parent);
        assert_eq!(verdict(&report, Level::Origin), Verdict::Holds, "{report}");
        assert!(lines(&report).contains(says), "{report}");
        let report = replayed(&child, None, |action| learned(action, settings()));
        assert_eq!(outcomes(&report), exact(&[3, 3, 2]));
    }
}

#[test]
fn several_parts_go_on_from_another_run() {
    let _alone = alone();
    let place = TempDir::new().unwrap();
    let run = |name| RunDir::new(place.path().join(name));
    let (parent, child) = (run("parent"), run("child"));
    trained(Action::Create, gan_config(&parent), 4).unwrap();
    for change in [|origin| origin, Origin::weights_only] {
        let settings = gan_config(&child).origin(change(from(&parent)));
        let opened = PowRun::open(Action::Create, settings).unwrap();
        loader(&opened);
        let gan = opened.training_loop(crate::parts::Gan::new()).unwrap();
        // The parent's newest checkpoint is of step 3.
        let taken = matches!(gan.taken_steps(), 3);
        assert_eq!(taken, change(from(&parent)) == from(&parent));
        let critic = entries(&parent)[3].parameters;
        drop(gan);
        assert_eq!(first_and_last(&child)[0], critic);
        std::fs::remove_dir_all(child.path()).unwrap();
    }
}

#[test]
fn an_origin_that_has_no_such_state_is_refused_and_leaves_nothing() {
    let _alone = alone();
    let place = TempDir::new().unwrap();
    let (parent, child) = family(&place);
    let error = |origin| {
        let opened = PowRun::open(Action::Create, config(&child).origin(origin));
        assert!(!child.path().exists());
        opened.err().unwrap().to_string()
    };
    assert!(error(from(&parent).at_step(4)).contains("it has no checkpoint of step 4"));
    assert!(error(Origin::run(place.path().join("nowhere"))).contains("nowhere"));
    std::fs::remove_dir_all(parent.checkpoints()).unwrap();
    assert!(error(from(&parent)).contains("none of its checkpoints exists"));
    edit_last_byte(&parent.chain());
    assert!(error(from(&parent)).contains("byte "));
}

#[test]
fn a_base_model_a_bitcoin_block_and_a_declaration_are_named_in_genesis() {
    let _alone = alone();
    let (_place, run) = place();
    let base = root_of(&Net::new());
    let settings = config(&run).initial_weights_from_seed().base_model(base);
    let settings = settings.after_bitcoin_block(800_000, [7; 80]);
    let declaration = FileDigest::of(b"a plan");
    let settings = settings.declared(declaration);
    sealed(CustomLoop::HONEST.run(Action::Create, settings).unwrap());
    let genesis = genesis(&run);
    assert_eq!(genesis.base_model().unwrap(), Some(base));
    let block = genesis.bitcoin_block().unwrap().unwrap();
    assert_eq!((block.height, block.header.to_bytes()), (800_000, [7; 80]));
    assert_eq!(genesis.declaration().unwrap(), Some(declaration));
    assert!(!genesis.initial.regenerable);
}
