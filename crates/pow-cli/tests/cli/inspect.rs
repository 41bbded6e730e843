//! `pow inspect`.

use crate::program::inspect;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{Fixture, Plan};
use serde_json::Value;

#[test]
fn lists_every_block_and_entry() {
    let fixture = Fixture::record(&Plan::default());
    let outcome = inspect(fixture.run.path(), &[]);
    outcome.expect(
        0,
        &["genesis", "7 blocks, 7 entries", "completed after 6 steps"],
    );
    let count = |word: &str| {
        let lines = outcome.stdout.lines();
        lines
            .filter(|line| line.trim_start().starts_with(word))
            .count()
    };
    assert_eq!((count("block "), count("step ")), (7, 7));
}

#[test]
fn json_is_one_object_a_line() {
    let fixture = Fixture::record(&Plan::default());
    let outcome = inspect(fixture.run.path(), &["--json"]);
    outcome.expect(0, &[]);
    let lines: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 8);
    assert!(
        lines
            .iter()
            .all(|line| line["schema"] == "burn-pow/inspect/v0")
    );
    assert_eq!(lines[0]["hash"], fixture.genesis.to_string());
    assert_eq!(lines[7]["blocks"], 7);
    assert_eq!(lines[7]["failure"], Value::Null);
    // Offsets are those of the file.
    let file = ChainFile::read(&fixture.run.chain());
    for (line, at) in lines.iter().zip(file.boundaries()).take(7) {
        assert_eq!(line["offset"], at);
    }
    // Entry 0 has no batch; steps 2, 4 and 6 were given no loss.
    assert_eq!(lines[1]["entries"][0]["batch"], Value::Null);
    assert_eq!(lines[2]["entries"][0]["loss"], 1.0);
    assert_eq!(lines[2]["entries"][1]["loss"], Value::Null);
}

#[test]
fn a_truncated_file_is_listed_up_to_the_cut() {
    let fixture = Fixture::record(&Plan::default());
    let boundaries = ChainFile::read(&fixture.run.chain()).boundaries();
    let bytes = std::fs::read(fixture.run.chain()).unwrap();
    for cut in [boundaries[3] + 1, boundaries[4] - 1] {
        std::fs::write(fixture.run.chain(), &bytes[..cut]).unwrap();
        let torn = format!("byte {}: the file ends inside a record", boundaries[3]);
        inspect(fixture.run.path(), &[]).expect(0, &["3 blocks, 3 entries", &torn]);
    }
    // Damage, other than a cut, is a failure.
    let mut bad = bytes.clone();
    bad[boundaries[3] + 20] ^= 1;
    std::fs::write(fixture.run.chain(), &bad).unwrap();
    let place = format!("byte {}: record checksum", boundaries[3]);
    inspect(fixture.run.path(), &[]).expect(1, &["3 blocks", &place]);
    inspect(fixture.run.path(), &["--json"]).expect(1, &[&place]);
}
