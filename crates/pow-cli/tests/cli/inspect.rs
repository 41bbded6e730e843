//! `pow inspect`.

use crate::program::inspect;
use pow_core::body::{Genesis, OrderRule};
use pow_core::difficulty::{Asert, Millis, Policy};
use pow_core::hash::FileDigest;
use pow_tests::fixture::{Fixture, Plan};
use serde_json::Value;
use std::path::Path;

#[test]
fn lists_every_block_and_entry() {
    let fixture = Fixture::default();
    let outcome = inspect(fixture.run.path(), &[]);
    let words = ["genesis", "7 blocks, 7 entries", "completed after 6 steps"];
    outcome.expect(0, &words);
    let count = |word: &str| {
        let lines = outcome.stdout.lines().map(str::trim_start);
        lines.filter(|line| line.starts_with(word)).count()
    };
    assert_eq!((count("block "), count("step ")), (7, 7));
}

#[test]
fn json_is_one_object_a_line() {
    let fixture = Fixture::default();
    let outcome = inspect(fixture.run.path(), &["--json"]);
    outcome.expect(0, &[]);
    let lines = outcome.stdout.lines();
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 8);
    for line in &lines {
        assert_eq!(line["schema"], "burn-pow/inspect/v0");
    }
    assert_eq!(lines[0]["hash"], fixture.genesis.to_string());
    assert_eq!(lines[7]["blocks"], 7);
    assert_eq!(lines[7]["failure"], Value::Null);
    // Offsets are those of the file.
    for (line, at) in lines.iter().zip(fixture.file().boundaries()).take(7) {
        assert_eq!(line["offset"], at);
    }
    // Entry 0 has no batch; steps 2, 4 and 6 were given no loss.
    assert_eq!(lines[1]["entries"][0]["batch"], Value::Null);
    assert_eq!(lines[2]["entries"][0]["loss"], 1.0);
    assert_eq!(lines[2]["entries"][1]["loss"], Value::Null);
}

#[test]
fn a_truncated_file_is_listed_up_to_the_cut() {
    let fixture = Fixture::default();
    let boundaries = fixture.file().boundaries();
    let bytes = std::fs::read(fixture.run.chain()).unwrap();
    for cut in [boundaries[3] + 1, boundaries[4] - 1] {
        fixture.write(&bytes[..cut]);
        let torn = format!("byte {}: the file ends inside a record", boundaries[3]);
        inspect(fixture.run.path(), &[]).expect(0, &["3 blocks, 3 entries", &torn]);
    }
    // Damage, other than a cut, is a failure.
    let mut bad = bytes.clone();
    bad[boundaries[3] + 20] ^= 1;
    fixture.write(&bad);
    let place = format!("byte {}: record checksum", boundaries[3]);
    inspect(fixture.run.path(), &[]).expect(1, &["3 blocks", &place]);
    inspect(fixture.run.path(), &["--json"]).expect(1, &[&place]);
}

#[test]
fn genesis_is_shown_field_by_field() {
    let fixture = Fixture::default();
    let shown = |run: &Path| -> (Value, String) {
        let json = inspect(run, &["--json"]).stdout;
        let first = json.lines().next().unwrap().to_owned();
        let text = inspect(run, &[]).stdout;
        (serde_json::from_str(&first).unwrap(), text)
    };
    let (json, text) = shown(fixture.run.path());
    let expected = [
        ("name", "\"fixture\""),
        ("seed", "7"),
        ("regenerable", "true"),
        ("planned_steps", "6"),
        ("commit_every", "1"),
        ("checkpoint_every", "3"),
        ("keep_checkpoints", "null"),
        ("mode", "\"pipelined\""),
        ("order", "\"seeded\""),
        ("items", "10"),
        ("batch_size", "4"),
        ("accumulation", "1"),
        ("lockfile", "null"),
        ("revision", "\"unknown\""),
        ("burn", "\"none\""),
        ("backend", "\"none\""),
        ("device", "\"none\""),
        ("cpu", "\"any\""),
        ("threads", "0"),
        ("difficulty", "\"fixed\""),
        ("reference_bits", "\"0x2000ffff\""),
        ("spacing_ms", "null"),
        ("half_life_ms", "null"),
        ("floor_bits", "\"0x2000ffff\""),
        ("final_bits", "\"0x1f00ffff\""),
    ];
    for (name, value) in expected {
        assert_eq!(json[name].to_string(), value, "{name}");
        let value = match value {
            "null" => "absent",
            value => value.trim_matches('"'),
        };
        let line = format!("    {:<17} {value}\n", name.replace('_', " "));
        assert!(text.contains(&line), "{line:?} is not in {text}");
    }
    for name in ["initial_state", "dataset", "config", "executable"] {
        let root = json[name].as_str().unwrap();
        assert_eq!(root.len(), 64, "{name}");
        let line = format!("    {:<17} {root}\n", name.replace('_', " "));
        assert!(text.contains(&line), "{line:?} is not in {text}");
    }
    assert_eq!(json["extensions"][0]["type"], 1);
    let extension = "extension         type 1, 28 bytes";
    assert!(text.contains(extension), "{text}");

    // The other policy and the other order.
    let edit = |genesis: &mut Genesis| {
        genesis.order = OrderRule::Foreign;
        let Policy::Fixed(reference) = genesis.difficulty.policy else {
            panic!("the plan's difficulty is fixed");
        };
        genesis.difficulty.policy = Policy::Asert(Asert {
            reference,
            spacing: Millis(1500),
            half_life: Millis(60_000),
        });
        genesis.code.lockfile = Some(FileDigest::of(b"lock"));
        genesis.schedule.keep_checkpoints = Some(2);
    };
    let other = Fixture::record_with(&Plan::default(), edit, |_| {});
    let (json, text) = shown(other.run.path());
    assert_eq!(json["order"], "foreign");
    assert_eq!(json["items"], Value::Null);
    assert_eq!(json["difficulty"], "asert");
    assert_eq!(json["spacing_ms"], 1500);
    assert_eq!(json["half_life_ms"], 60_000);
    assert_eq!(json["keep_checkpoints"], 2);
    let lockfile = json["lockfile"].as_str().unwrap();
    assert!(text.contains(&format!("lockfile          {lockfile}")));
}
