//! Links to parents as `scripts/lineage.py` checks them.

use crate::python::script;
use pow_audit::source::{ChainFile as Chain, SharedRun};
use pow_audit::{AuditOptions, Level, audit};
use pow_core::body::StepNumber;
use pow_core::extension::Parent;
use pow_core::hash::StateRoot;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{First, Fixture};
use pow_tests::lineage::{at, child};

tests! { Python: every_link_is_judged_alike, a_chain_that_does_not_hang_together_is_none }

/// What the library says of the two chain files, in the script's words.
fn ours(child: &Fixture, parent: &Fixture) -> String {
    let options = AuditOptions {
        parents: vec![SharedRun::new(Chain::new(parent.run.chain()))],
        ..AuditOptions::default()
    };
    let report = audit(&Chain::new(child.run.chain()), &options, &mut |_| {}).unwrap();
    let lines = report.level(Level::Origin).unwrap().lines.join("\n");
    let link = report.origin.unwrap().parent;
    let step = link.map_or(0, |link| link.step);
    let words = [
        (
            "genesis names no parent",
            "does not hold: genesis names no parent".into(),
        ),
        (
            "is unusable",
            "does not hold: the extension that names a parent is unusable".into(),
        ),
        (
            "is no ancestor",
            "does not hold: the parent has another genesis block".into(),
        ),
        (
            "has no checkpoint of that step",
            "does not hold: the parent has no checkpoint of that step".into(),
        ),
        (
            "commits to the state",
            "does not hold: the parent commits to another state there".into(),
        ),
        (
            "copy of the parent is unfinished",
            "not checked: this copy of the parent ends before that step".into(),
        ),
        ("the whole state", format!("step {step}: the whole state")),
        (
            "and a fresh optimizer",
            format!("step {step}: the weights, and a fresh optimizer"),
        ),
        (
            "was not compared",
            format!("step {step}: the weights, and another rest of the state"),
        ),
        (
            "starts with other weights",
            format!("step {step}: other weights"),
        ),
        (
            "no entry yet",
            format!("step {step}: no entry yet to compare"),
        ),
    ];
    let mut found = words.into_iter().filter(|(ours, _)| lines.contains(ours));
    found.next().unwrap_or_else(|| panic!("{lines}")).1
}

fn theirs(child: &Fixture, parent: &Fixture) -> String {
    let output = script("lineage.py", &[child.run.chain(), parent.run.chain()]);
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        output.status.code(),
        Some(i32::from(!text.contains(": the w"))),
        "{text}"
    );
    text.trim_end().into()
}

fn every_link_is_judged_alike() {
    let parent = Fixture::default();
    let link = at(&parent, 3);
    let named = |step, state| Parent {
        step: StepNumber(step),
        state,
        ..link
    };
    let weights = First::weights(7, 3);
    let positions = First {
        position: 1,
        ..weights
    };
    let cases = [
        (First::state(7, 3), link),
        (First::optimizer(7, 3), link),
        (weights, link),
        (positions, link),
        (First::default(), link),
        (weights, named(6, link.state)),
        (weights, named(4, link.state)),
        (weights, named(9, link.state)),
        (weights, named(3, StateRoot([1; 32]))),
    ];
    let children: Vec<Fixture> = cases
        .iter()
        .map(|(first, link)| child("more", 30, *first, *link))
        .collect();
    let compare = |parent: &Fixture| {
        for child in &children {
            assert_eq!(theirs(child, parent), ours(child, parent));
        }
    };
    compare(&parent);
    let other = Fixture::other();
    compare(&other);
    assert_eq!(theirs(&other, &parent), ours(&other, &parent));
    // Copies of the parent from when it was still being recorded, the last one torn.
    let whole = parent.file();
    for blocks in 1..7 {
        let records = whole.records[..blocks].to_vec();
        let header = whole.header.clone();
        parent.write(ChainFile { header, records }.to_bytes());
        compare(&parent);
    }
    parent.write(&whole.to_bytes()[..whole.to_bytes().len() - 5]);
    compare(&parent);
}

fn a_chain_that_does_not_hang_together_is_none() {
    let parent = Fixture::default();
    let child = child("more", 30, First::weights(7, 3), at(&parent, 3));
    let whole = parent.file();
    // The place in the second block that is changed, with checksums that fit.
    type Edit = fn(&mut ChainFile);
    let edits: [Edit; 4] = [
        |file| file.records[2].block[10] ^= 1,
        |file| file.records[2].block[90] ^= 1,
        |file| file.records[2].body[70] ^= 1,
        |file| drop(file.records.remove(2)),
    ];
    for edit in edits {
        let mut edited = whole.clone();
        edit(&mut edited);
        parent.write(edited.to_bytes());
        let output = script("lineage.py", &[child.run.chain(), parent.run.chain()]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}
