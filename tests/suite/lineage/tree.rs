//! The tree of several runs.

use super::{CHILD, PARENT};
use pow_audit::Verdict;
use pow_audit::lineage::{Lineage, LineageError, LineageRun};
use pow_audit::source::RunSource;
use pow_core::extension::{Known, Parent};
use pow_core::hash::{ParameterRoot, PlainSha2, StateRoot};
use pow_tests::fixture::{First, Fixture};
use pow_tests::lineage::{at, child, names, plan};

tests! {
    runs_stand_under_their_parents, a_link_that_fails_spoils_the_tree,
        a_chain_that_fails_spoils_it_too, a_long_line_of_runs_is_printed,
        a_genesis_that_stands_twice_is_refused
}

fn tree(runs: &[&Fixture]) -> Result<Lineage, LineageError> {
    let read = runs.iter().map(|fixture| {
        let source: &dyn RunSource = &fixture.run;
        LineageRun::read(source, &mut |_| {}).unwrap()
    });
    Lineage::of(&read.collect::<Vec<_>>(), &PlainSha2)
}

/// The lines of the tree, with names in place of paths.
fn text(lineage: &Lineage, runs: &[(&str, &Fixture)]) -> Vec<String> {
    let mut text = lineage.to_string();
    for (name, fixture) in runs {
        text = text.replace(&fixture.run.path().display().to_string(), name);
        text = text.replace(&fixture.genesis.to_string(), &format!("<{name}>"));
    }
    let lines = text.lines().map(String::from);
    lines.take_while(|line| line != "NOT SHOWN").collect()
}

fn runs_stand_under_their_parents() {
    let a = Fixture::default();
    let b = child("b", CHILD, First::weights(PARENT, 6), at(&a, 6));
    let c = child("c", CHILD + 1, First::optimizer(PARENT, 3), at(&a, 3));
    let d = child("d", CHILD + 2, First::weights(CHILD, 6), at(&b, 6));
    let lost = Fixture::other();
    let e = child("e", CHILD + 3, First::weights(8, 3), at(&lost, 3));
    let given = [&d, &b, &e, &a, &c];
    let lineage = tree(&given).unwrap();
    assert!(lineage.holds);
    assert!(!lineage.could_not_check());
    let named = [
        ("A", &a),
        ("B", &b),
        ("C", &c),
        ("D", &d),
        ("E", &e),
        ("L", &lost),
    ];
    let expected = [
        "E (e): completed after 6 steps",
        "    genesis <E>",
        "    parent not checked: genesis names step 3 of the run with genesis <L>: the trainer's own word, because that run was not given",
        "A (fixture): completed after 6 steps",
        "    genesis <A>",
        "  step 3: C (c): completed after 6 steps",
        "      genesis <C>",
        "      parent holds: step 3 of A: starts with the weights and the optimizer's state",
        "  step 6: B (b): completed after 6 steps",
        "      genesis <B>",
        "      parent holds: step 6 of A: starts with the weights, and a fresh optimizer",
        "    step 6: D (d): completed after 6 steps",
        "        genesis <D>",
        "        parent holds: step 6 of B: starts with the weights, and a fresh optimizer",
    ];
    assert_eq!(text(&lineage, &named), expected);
    let words =
        |lineage: &Lineage, words: &str| lineage.not_shown.iter().any(|line| line.contains(words));
    assert!(words(&lineage, "a parent that was not given"));
    // In JSON, runs keep the order in which they were given.
    let json = serde_json::to_value(&lineage).unwrap();
    assert_eq!(json["schema"], "burn-pow/lineage/v0");
    let names: Vec<_> = json["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| &run["name"])
        .collect();
    assert_eq!(names, ["d", "b", "e", "fixture", "c"]);
    assert_eq!(json["runs"][0]["link"]["genesis"], b.genesis.to_string());
    assert_eq!(json["runs"][0]["link"]["start"]["took"], "weights");
    assert!(json["runs"][3]["link"].is_null());
    assert!(json["runs"][2]["link"]["run"].is_null());
    // Alone, a run from scratch is a tree.
    let alone = tree(&[&a]).unwrap();
    assert!(!words(&alone, "parent"), "{alone}");
}

fn a_link_that_fails_spoils_the_tree() {
    let a = Fixture::default();
    let named = Parent {
        state: StateRoot([3; 32]),
        ..at(&a, 3)
    };
    let b = child("b", CHILD, First::weights(PARENT, 3), named);
    let lineage = tree(&[&b, &a]).unwrap();
    assert!(!lineage.holds);
    let link = lineage.runs[0].link.as_ref().unwrap();
    assert_eq!(link.verdict, Verdict::Fails);
    let text = lineage.to_string();
    assert!(text.contains("      parent FAILS: step 3 of"), "{text}");
    // A link that holds in part, or an extension that cannot be read, does not.
    let c = child(
        "c",
        CHILD,
        First {
            optimizer: Some((9, 9)),
            ..First::weights(PARENT, 3)
        },
        at(&a, 3),
    );
    let d = Fixture::record_with(
        &plan("d", CHILD, First::default()),
        |genesis| {
            names(Known::Parent(at(&a, 3)))(genesis);
            genesis.extensions[0].data.pop();
            genesis
                .extensions
                .push(Known::BaseModel(ParameterRoot([5; 32])).to_extension());
        },
        |recorder| recorder.steps(&[0]),
    );
    let lineage = tree(&[&a, &c, &d]).unwrap();
    assert!(lineage.holds);
    let text = lineage.to_string();
    for words in [
        "parent holds in part: step 3 of",
        "origin unusable: its data cannot be read",
        "base model 0505050505",
        "(d): unfinished at step 0",
        "whose a base model is",
    ] {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
}

fn a_chain_that_fails_spoils_it_too() {
    let a = Fixture::default();
    let b = child("b", CHILD, First::weights(PARENT, 3), at(&a, 3));
    let end = b.file().boundaries()[2];
    let mut bytes = b.file().to_bytes();
    bytes[end - 10] ^= 1;
    b.write(bytes);
    let lineage = tree(&[&a, &b]).unwrap();
    assert!(!lineage.holds);
    assert!(
        lineage.to_string().contains("(b): DOES NOT HOLD: byte "),
        "{lineage}"
    );
    // Without a genesis block it has no place, and is said.
    b.write(b"POWCHAIN");
    let lineage = tree(&[&a, &b]).unwrap();
    assert!(!lineage.holds);
    assert!(lineage.runs[1].genesis.is_none());
    assert!(
        lineage.to_string().contains(": DOES NOT HOLD: byte 8"),
        "{lineage}"
    );
}

fn a_long_line_of_runs_is_printed() {
    let mut runs = vec![Fixture::default()];
    for seed in 0..40 {
        let (last, from) = (
            &runs[seed as usize],
            if seed == 0 { PARENT } else { 99 + seed },
        );
        runs.push(child(
            "next",
            100 + seed,
            First::weights(from, 3),
            at(last, 3),
        ));
    }
    let lineage = tree(&runs.iter().rev().collect::<Vec<_>>()).unwrap();
    assert!(lineage.holds);
    assert_eq!(lineage.to_string().matches("parent holds").count(), 40);
}

fn a_genesis_that_stands_twice_is_refused() {
    let a = Fixture::default();
    let b = Fixture::other();
    let error = tree(&[&a, &b, &a]).unwrap_err();
    let LineageError::Twice { genesis, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(genesis, a.genesis);
}
