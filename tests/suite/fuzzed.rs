//! The properties that are fuzzed, on what the fuzzer has found so far (the
//! committed corpora), on what a recorder writes, and on that damaged.

mod damage;
mod values;

use crate::requirements::Test;
use pow_tests::properties::{ALL, Property, seeds};
use std::path::Path;

pub fn tests() -> Vec<Test> {
    let known = ALL.into_iter().flat_map(|property| {
        let (name, _) = property;
        [
            Test::new(format!("fuzzed/corpus/{name}"), move || corpus(property)),
            Test::new(format!("fuzzed/seeds/{name}"), move || own_seeds(property)),
        ]
    });
    let damaged = damage::tests().map(|(name, run)| Test::new(format!("fuzzed/{name}"), run));
    known.chain(damaged).chain(values::tests()).collect()
}

fn corpus((name, property): Property) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut inputs = 0;
    for file in std::fs::read_dir(dir.join(name)).unwrap() {
        property(&std::fs::read(file.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "no corpus for {name}");
}

fn own_seeds((name, property): Property) {
    let mut inputs = 0;
    for seed in seeds() {
        if seed.property == name {
            property(&seed.bytes);
            inputs += 1;
        }
    }
    assert!(inputs > 0, "no seeds for {name}");
}
