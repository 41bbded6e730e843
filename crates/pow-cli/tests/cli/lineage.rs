//! `pow verify --parent`, `pow verify --base` and `pow lineage`.

use crate::program::{Outcome, pow, verify};
use pow_core::extension::{Known, Parent};
use pow_core::hash::StateRoot;
use pow_tests::fixture::{First, Fixture, Plan};
use pow_tests::lineage::{BLOCKS, at, child, entry_of, names, plan};

const PARENT: u64 = 7;
const CHILD: u64 = 30;

fn path(fixture: &Fixture) -> &str {
    fixture.run.path().to_str().unwrap()
}

#[test]
fn a_parent_is_checked_and_then_required() {
    let parent = Fixture::default();
    let child = child("more", CHILD, First::optimizer(PARENT, 3), at(&parent, 3));
    let run = child.run.path();
    verify(run, &[]).expect(0, &[" ORIGIN     not checked", "(--parent)"]);
    let words = ["*ORIGIN     holds", "the weights and the optimizer's state"];
    verify(run, &["--parent", path(&parent)]).expect(0, &words);
    let json = verify(run, &["--parent", path(&parent), "--json"]).json();
    let link = &json["origin"]["parent"];
    assert_eq!(link["genesis"], parent.genesis.to_string());
    assert_eq!(link["verdict"], "holds");
    assert_eq!(link["start"]["took"], "optimizer");
    assert_eq!(json["levels"][9]["level"], "origin");
    // A chain file serves as a parent as far as it goes.
    let chain = parent.run.chain();
    let chain = chain.to_str().unwrap();
    let words = ["DOES NOT HOLD (origin)", "was not compared"];
    verify(run, &["--parent", chain]).expect(1, &words);
    verify(run, &["--parent", chain, "--require", "chain"]).expect(0, &[" ORIGIN "]);

    let other = Fixture::other();
    let words = ["DOES NOT HOLD (origin)", "is no ancestor of this run"];
    verify(run, &["--parent", path(&other)]).expect(1, &words);
    let both = ["--parent", path(&parent), "--parent", path(&parent)];
    verify(run, &both).expect(2, &["both have the genesis block"]);
    let missing = ["--parent", "no/such/run"];
    verify(run, &missing).expect(2, &["chain.pow"]);
    // A run from scratch has no such level, unless it is asked for.
    assert!(!verify(parent.run.path(), &[]).stdout.contains("ORIGIN"));
    let words = [
        "DOES NOT HOLD (origin)",
        "neither a parent nor a base model",
    ];
    verify(parent.run.path(), &["--require", "origin"]).expect(1, &words);
}

#[test]
fn a_base_model_is_checked_and_then_required() {
    let published = Fixture::default();
    let root = entry_of(&published.file(), 6).parameters;
    let tuned = Fixture::record_with(
        &plan("tuned", CHILD, First::weights(PARENT, 6)),
        names(Known::BaseModel(root)),
        |recorder| recorder.finish_after(BLOCKS),
    );
    let run = tuned.run.path();
    let artifact = published.run.artifact();
    let model = artifact.to_str().unwrap();
    verify(run, &[]).expect(0, &[" ORIGIN     not checked", "(--base)"]);
    verify(run, &["--base", model]).expect(0, &["*ORIGIN     holds", "genesis names it"]);
    let own = tuned.run.artifact();
    let words = ["DOES NOT HOLD (origin)", "but genesis names"];
    verify(run, &["--base", own.to_str().unwrap()]).expect(1, &words);
    let config = published.run.config();
    let words = ["pow: the base model: "];
    verify(run, &["--base", config.to_str().unwrap()]).expect(2, &words);
    verify(run, &["--base", "nothing"]).expect(2, &words);
}

#[test]
fn a_tree_has_an_exit_code() {
    let parent = Fixture::default();
    let good = child("more", CHILD, First::weights(PARENT, 3), at(&parent, 3));
    let all = [path(&good), path(&parent)];
    let lineage = |more: &[&str]| pow(&[&["lineage"], more].concat());
    let words = ["  step 3: ", "parent holds: ", "NOT SHOWN"];
    lineage(&all).expect(0, &words);
    let json = lineage(&[&all[..], &["--json"]].concat()).json();
    assert_eq!(json["holds"], true);
    assert_eq!(json["runs"][0]["link"]["run"], path(&parent));
    lineage(&[path(&good)]).expect(0, &["parent not checked", "was not given"]);
    lineage(&[]).expect(2, &["--help"]);
    lineage(&[path(&good), "no/such/run"]).expect(2, &["chain.pow"]);
    let twice = [path(&parent), path(&parent)];
    lineage(&twice).expect(2, &["both have the genesis block"]);

    let false_link = Parent {
        state: StateRoot([1; 32]),
        ..at(&parent, 3)
    };
    let bad = child("more", CHILD, First::weights(PARENT, 3), false_link);
    lineage(&[path(&parent), path(&bad)]).expect(1, &["parent FAILS"]);
    parent.write(b"nothing");
    lineage(&all).expect(1, &["DOES NOT HOLD: byte 0"]);
}

/// Nothing of a stranger's run writes a line of the tree.
#[test]
fn a_name_cannot_write_a_line_of_the_tree() {
    let name = "x\n  step 3: y\u{1b}[2J\u{202e}";
    let parent = Fixture::record(&Plan {
        name: name.into(),
        ..Plan::default()
    });
    let clean = |outcome: Outcome| {
        outcome.expect(0, &["x\\n  step 3: y"]);
        let control = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!outcome.stdout.contains(control), "{outcome:?}");
        assert!(!outcome.stdout.contains("\n  step 3: y"), "{outcome:?}");
    };
    clean(pow(&["lineage", path(&parent)]));
}
