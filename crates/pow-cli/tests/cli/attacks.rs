//! The attack corpus, through the program.

use crate::program::verify;
use pow_tests::attack_file::{Attack, committed};
use std::path::PathBuf;
use tempfile::TempDir;

#[test]
fn every_attack_gets_its_verdict() {
    let corpus = committed();
    assert!(corpus.len() > 100, "{} attacks", corpus.len());
    for (name, text) in corpus {
        let attack = Attack::parse(&text);
        let dir = TempDir::new().unwrap();
        attack.write(dir.path());
        let require = attack.require();
        let mut arguments = vec!["--require", &require];
        let parents = attack.parents.iter().map(|parent| dir.path().join(parent));
        let parents: Vec<PathBuf> = parents.collect();
        for parent in &parents {
            arguments.extend(["--parent", parent.to_str().unwrap()]);
        }
        if let Some(pin) = &attack.pin {
            arguments.extend(["--genesis", pin]);
        }
        println!("{name}");
        let mut words: Vec<&str> = attack.says.iter().map(String::as_str).collect();
        words.push(&attack.headline);
        verify(dir.path(), &arguments).expect(i32::from(!attack.passes()), &words);
    }
}
