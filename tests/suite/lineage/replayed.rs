//! What a replay of the child shows, with and without its parent.

use super::{CHILD, PARENT, is_not_shown};
use pow_audit::replay::{Amount, Shard};
use pow_audit::source::SharedRun;
use pow_audit::{AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::challenge::ChallengeSource;
use pow_core::extension::{Known, Parent};
use pow_tests::audits::expect;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{First, Plan};
use pow_tests::lineage::{entry_of, names};
use pow_tests::long_run::LongRun;

tests! { a_replay_and_a_parent_each_show_their_part }

const UNKNOWN: &str = "where the initial state came from";
const HAPPENED: &str = "that the trainings before this run happened";

fn run(seed: u64, first: First, parent: Option<Parent>) -> LongRun {
    let plan = Plan {
        seed,
        first,
        planned: Some(4),
        checkpoint_every: 1,
        ..Plan::default()
    };
    LongRun::record_plan(plan, 4, |genesis| {
        if let Some(parent) = parent {
            names(Known::Parent(parent))(genesis);
        }
    })
}

fn a_replay_and_a_parent_each_show_their_part() {
    let parent = run(PARENT, First::default(), None);
    let genesis = parent.segments.chain().genesis_hash();
    let entry = entry_of(&ChainFile::read(&parent.run.chain()), 3);
    let link = Parent::at(genesis, &entry).unwrap();
    let other_optimizer = First {
        optimizer: Some((99, 3)),
        ..First::weights(PARENT, 3)
    };
    let of = |what: &str| format!("ORIGIN traces {what} of the first checkpoint to step 3 of ");
    for (first, verdict, traced) in [
        (First::state(PARENT, 3), Verdict::Holds, of("the state")),
        (
            First::optimizer(PARENT, 3),
            Verdict::Holds,
            of("the weights and the optimizer's state"),
        ),
        (First::weights(PARENT, 3), Verdict::Holds, of("the weights")),
        (other_optimizer, Verdict::Partly, "taken on trust: ".into()),
    ] {
        let child = run(CHILD, first, Some(link));
        let challenge = child.challenge(ChallengeSource::Head, Amount::All);
        let exact = child.exact(&challenge, Shard::WHOLE);
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("replay.json");
        std::fs::write(&file, exact.to_json().unwrap()).unwrap();
        let report = |given: bool| -> AuditReport {
            let given = given.then(|| SharedRun::new(parent.run.clone()));
            let options = AuditOptions {
                replay_reports: vec![file.clone()],
                parents: given.into_iter().collect(),
                ..AuditOptions::default()
            };
            audit(&child.run, &options, &mut |_| {}).unwrap()
        };
        let alone = report(false);
        let words = ["taken on trust: the weights, the optimizer's state"];
        expect(&alone, Level::Detection, Verdict::Partly, &words);
        assert!(is_not_shown(&alone, UNKNOWN), "{alone}");
        assert!(!is_not_shown(&alone, HAPPENED), "{alone}");

        let with = report(true);
        expect(&with, Level::Replay, Verdict::Holds, &[]);
        expect(&with, Level::Origin, verdict, &[]);
        // DETECTION never holds: the training of the parent was not executed.
        expect(&with, Level::Detection, Verdict::Partly, &[&traced]);
        let is_traced = verdict == Verdict::Holds;
        assert_eq!(is_not_shown(&with, UNKNOWN), !is_traced, "{with}");
        assert!(is_not_shown(&with, HAPPENED), "{with}");
    }
}
