//! A chain of several ancestors.

use super::{CHILD, PARENT, is_not_shown, options, with_parents};
use pow_audit::source::SharedRun;
use pow_audit::{AuditError, AuditOptions, Level, Verdict, audit};
use pow_core::body::StepNumber;
use pow_core::extension::Parent;
use pow_tests::audits::{expect, lines};
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{First, Fixture};
use pow_tests::lineage::{at, child};

tests! {
    every_ancestor_that_is_given_is_checked, an_ancestor_that_does_not_fit_fails,
        an_ancestor_only_makes_it_worse, two_runs_of_one_genesis_are_refused
}

/// Three runs, each going on from the one before.
fn three() -> [Fixture; 3] {
    let first = Fixture::default();
    let second = child("second", CHILD, First::optimizer(PARENT, 6), at(&first, 6));
    let third = child("third", CHILD + 1, First::weights(CHILD, 3), at(&second, 3));
    [first, second, third]
}

fn every_ancestor_that_is_given_is_checked() {
    let [first, second, third] = three();
    let third_s = "step 3 of ";
    let second_s = format!("step 6 of {}", first.run.path().display());
    // In any order.
    for parents in [[&first, &second], [&second, &first]] {
        let report = with_parents(&third.run, &parents);
        let words = [
            third_s,
            &second_s,
            "and a fresh optimizer",
            "the weights and the optimizer's state\n",
        ];
        expect(&report, Level::Origin, Verdict::Holds, &words);
        assert!(report.holds(), "{report}");
        let json = serde_json::to_value(&report).unwrap();
        let ancestors = json["origin"]["ancestors"].as_array().unwrap();
        assert_eq!(ancestors.len(), 1);
        assert_eq!(ancestors[0]["genesis"], first.genesis.to_string());
    }
    // The parent alone: what it names in turn is said, and is its own affair.
    let report = with_parents(&third.run, &[&second]);
    let words = [
        "and a fresh optimizer",
        "genesis names step 6 of the run",
        "was not given",
    ];
    expect(&report, Level::Origin, Verdict::Holds, &words);
    // The grandparent alone is no link from this run.
    let report = with_parents(&third.run, &[&first]);
    expect(
        &report,
        Level::Origin,
        Verdict::Fails,
        &["is no ancestor of this run"],
    );
    assert!(is_not_shown(
        &report,
        "goes on from the one that genesis names"
    ));
}

fn an_ancestor_that_does_not_fit_fails() {
    let first = Fixture::default();
    let named = Parent {
        step: StepNumber(3),
        ..at(&first, 6)
    };
    let second = child("second", CHILD, First::weights(PARENT, 6), named);
    let third = child("third", CHILD + 1, First::weights(CHILD, 3), at(&second, 3));
    let report = with_parents(&third.run, &[&first, &second]);
    let words = ["the parent commits to the state", "and a fresh optimizer"];
    expect(&report, Level::Origin, Verdict::Fails, &words);
    // What fails comes first.
    let lines = lines(&report, Level::Origin);
    assert!(lines.starts_with("step 3 of "), "{lines}");
    assert!(
        lines
            .lines()
            .next()
            .unwrap()
            .contains("commits to the state"),
        "{lines}"
    );
}

fn an_ancestor_only_makes_it_worse() {
    // The parent has weights of its own parent, and an optimizer's state from elsewhere.
    let first = Fixture::default();
    let another = First {
        optimizer: Some((99, 6)),
        ..First::weights(PARENT, 6)
    };
    let second = child("second", CHILD, another, at(&first, 6));
    let third = child("third", CHILD + 1, First::weights(CHILD, 3), at(&second, 3));
    let report = with_parents(&third.run, &[&second]);
    expect(&report, Level::Origin, Verdict::Holds, &[]);
    let report = with_parents(&third.run, &[&first, &second]);
    let words = ["an optimizer's state from somewhere else"];
    expect(&report, Level::Origin, Verdict::Partly, &words);
    // A parent that is too short shows nothing, however good its own link is.
    let [first, second, third] = three();
    let whole = second.file();
    let short = ChainFile {
        header: whole.header.clone(),
        records: whole.records[..2].to_vec(),
    };
    second.write(short.to_bytes());
    let report = with_parents(&third.run, &[&first, &second]);
    let words = [
        "this copy of the parent is unfinished",
        "the weights and the optimizer's state\n",
    ];
    expect(&report, Level::Origin, Verdict::NotChecked, &words);
}

fn two_runs_of_one_genesis_are_refused() {
    let [first, second, third] = three();
    let copy = second.run.path().with_extension("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(second.run.chain(), copy.join("chain.pow")).unwrap();
    let parents = [
        SharedRun::new(second.run.clone()),
        SharedRun::new(first.run.clone()),
        SharedRun::new(pow_ledger::RunDir::new(&copy)),
    ];
    let options = AuditOptions {
        parents: parents.into(),
        ..options()
    };
    let error = audit(&third.run, &options, &mut |_| {}).unwrap_err();
    assert!(matches!(error, AuditError::Lineage(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains(&second.genesis.to_string()), "{text}");
    assert!(text.contains("both have the genesis block"), "{text}");
}
