//! The attack corpus, `tests/attacks/`: that it is what the attacks here make,
//! and that each gets its verdict, for its own reason.

mod difficulty;
mod edits;
mod encodings;
mod endings;
mod entries;
mod files;
mod honest;
mod judge;
mod lengths;
mod order;
mod rebuilt;
mod remined;
mod seal;

use crate::requirements::Test;
use honest::{Case, Honest, plan};
use pow_tests::attack_file::{Attack, committed, corpus};
use std::collections::{BTreeMap, BTreeSet};

pub fn tests() -> Vec<Test> {
    let judged = committed()
        .into_iter()
        .map(|(name, text)| Test::new(format!("attacks/{name}"), move || judge::judge(&text)));
    let regenerated = Test::new("attacks/the_corpus_is_what_is_made_here", regenerate);
    let complete = Test::new("attacks/every_rule_is_broken", every_rule_is_broken);
    judged.chain([regenerated, complete]).collect()
}

fn every_rule_is_broken() {
    let attacks = committed();
    let attacks = attacks.values().map(|text| Attack::parse(text));
    let broken: BTreeSet<u8> = attacks
        .filter_map(|attack| Some(attack.breaks?.1))
        .collect();
    assert_eq!(broken, (1..=20).collect());
}

/// With `POW_BLESS=1`, writes the corpus instead.
fn regenerate() {
    let made: BTreeMap<String, String> = all()
        .into_iter()
        .map(|case| (case.name.to_owned(), case.attack.to_text()))
        .collect();
    if std::env::var("POW_BLESS").is_ok_and(|value| value == "1") {
        let file = |name: &str| corpus().join(format!("{name}.attack"));
        for name in committed().keys() {
            std::fs::remove_file(file(name)).unwrap();
        }
        for (name, text) in made {
            std::fs::write(file(&name), text).unwrap();
        }
        return;
    }
    let committed = committed();
    let names = |of: &BTreeMap<String, String>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&made));
    for (name, text) in made {
        assert!(committed[&name] == text, "{name}.attack differs");
    }
}

fn all() -> Vec<Case> {
    let honest = Honest::record(&plan(), |_| {});
    let cases: Vec<Case> = [
        vec![honest.attack(
            "honest",
            "Nothing was done: this is the run that the others attack.",
            "So that a verifier which refuses everything fails too.",
        )],
        edits::cases(&honest),
        remined::cases(&honest),
        order::cases(&honest),
        entries::cases(&honest),
        endings::cases(&honest),
        difficulty::cases(&honest),
        encodings::cases(&honest),
        lengths::cases(&honest),
        files::cases(&honest),
        rebuilt::cases(&honest),
    ]
    .into_iter()
    .flatten()
    .collect();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "two attacks of one name");
    cases
}
