//! The attack corpus, `tests/attacks/`. The head of each file says what was
//! done and what the verdict must be; it is written by hand. The files of the
//! attacked run, below it, are made here.

mod difficulty;
mod edits;
mod encodings;
mod endings;
mod entries;
mod extensions;
mod files;
mod honest;
mod judge;
mod lengths;
mod order;
mod parents;
mod rebuilt;
mod remined;

use crate::requirements::Test;
use honest::{Attacked, Honest, plan};
use pow_core::header::Header;
use pow_tests::attack_file::{Attack, committed, corpus};
use std::collections::BTreeSet;

pub fn tests() -> Vec<Test> {
    let judged = committed()
        .into_iter()
        .map(|(name, text)| Test::new(format!("attacks/{name}"), move || judge::judge(&text)));
    let all: [(&str, fn()); 2] = [
        (
            "the_corpus_is_what_is_made_here",
            the_corpus_is_what_is_made_here,
        ),
        ("every_rule_is_broken", every_rule_is_broken),
    ];
    let all = all.map(|(name, run)| Test::new(format!("attacks/{name}"), run));
    judged.chain(all).collect()
}

fn every_rule_is_broken() {
    let attacks = committed();
    let attacks = attacks.values().map(|text| Attack::parse(text));
    let broken: BTreeSet<u8> = attacks
        .filter_map(|attack| Some(attack.breaks?.1))
        .collect();
    assert_eq!(broken, (1..=20).collect());
}

/// With `POW_BLESS=1`, writes the files below the heads again instead. A new
/// attack begins with a file that has only a head.
fn the_corpus_is_what_is_made_here() {
    let bless = std::env::var("POW_BLESS").is_ok_and(|value| value == "1");
    let honest = Honest::record(&plan(), |_| {});
    let genesis = Header::from_bytes(honest.chain.records[0].block.first_chunk().unwrap()).hash();
    let mut committed = committed();
    for Attacked { name, files } in all(&honest) {
        let text = committed
            .remove(name)
            .unwrap_or_else(|| panic!("{name} has no file, or two"));
        let attack = Attack::parse(&text);
        if let Some(pin) = &attack.pin {
            assert_eq!(*pin, genesis.to_string(), "{name}");
        }
        let made = Attack { files, ..attack }.to_text();
        if bless {
            std::fs::write(corpus().join(format!("{name}.attack")), made).unwrap();
        } else {
            assert!(text == made, "{name}.attack differs");
        }
    }
    assert!(
        committed.is_empty(),
        "not made here: {:?}",
        committed.keys()
    );
}

fn all(honest: &Honest) -> impl Iterator<Item = Attacked> {
    let attacks = [
        vec![honest.unchanged("honest")],
        edits::attacks(honest),
        remined::attacks(honest),
        order::attacks(honest),
        entries::attacks(honest),
        extensions::attacks(honest),
        parents::attacks(),
        endings::attacks(honest),
        difficulty::attacks(honest),
        encodings::attacks(honest),
        lengths::attacks(honest),
        files::attacks(honest),
        rebuilt::attacks(honest),
    ];
    attacks.into_iter().flatten()
}
