//! Chains in which there is nothing to check. A verdict over nothing is no verdict.

use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_tests::audits::{expect, unfinished_report};
use pow_tests::fixture::{Fixture, Plan};

tests! {
    genesis_alone, no_step_yet
}

fn recorded(steps: &'static [&'static [u64]]) -> Fixture {
    let plan = Plan {
        planned: None,
        ..Plan::default()
    };
    Fixture::record_with(
        &plan,
        |_| {},
        |recorder| steps.iter().for_each(|steps| recorder.steps(steps)),
    )
}

fn genesis_alone() {
    let fixture = recorded(&[]);
    let report = unfinished_report(&fixture.run);
    expect(
        &report,
        Level::Chain,
        Verdict::Holds,
        &["1 block, 0 entries"],
    );
    let words = "the chain commits to no checkpoint";
    expect(&report, Level::State, Verdict::NotChecked, &[words]);
    let words = "no entry has a batch digest to compare";
    expect(&report, Level::Data, Verdict::NotChecked, &[words]);
    for level in [
        Level::Replay,
        Level::Detection,
        Level::Artifact,
        Level::Time,
    ] {
        expect(&report, level, Verdict::NotChecked, &[]);
    }
    // Whoever requires such a level does not get it, and nothing could not be read.
    for level in [Level::State, Level::Data] {
        let options = AuditOptions {
            require: [level].into(),
            ..AuditOptions::default()
        };
        let report = audit(&fixture.run, &options, &mut |_| {}).unwrap();
        assert_eq!(report.headline, format!("DOES NOT HOLD ({})", level.name()));
        assert!(!report.could_not_check());
    }
    // But config.json is compared.
    std::fs::write(fixture.run.config(), "[]").unwrap();
    let report = unfinished_report(&fixture.run);
    expect(&report, Level::State, Verdict::Fails, &["config.json"]);
}

fn no_step_yet() {
    let report = unfinished_report(&recorded(&[&[0]]).run);
    expect(
        &report,
        Level::State,
        Verdict::Holds,
        &["1 of 1 checkpoint present"],
    );
    let words = "no entry has a batch digest to compare";
    expect(&report, Level::Data, Verdict::NotChecked, &[words]);
}
