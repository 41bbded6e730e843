//! `pow bench`.

use crate::program::{Outcome, pow};
use serde_json::Value;
use std::process::Command;

const TINY: [&str; 5] = ["bench", "--rounds", "2", "--seconds", "0.01"];

fn bench(more: &[&str]) -> Outcome {
    pow(&[&TINY, more].concat())
}

/// The report as JSON, and what stands on stderr. Measurements this short may
/// well find an engine slow.
fn measured() -> (Value, String) {
    let outcome = bench(&["--cpu", "--json"]);
    outcome.expect(0, &[]);
    (
        serde_json::from_str(&outcome.stdout).unwrap(),
        outcome.stderr,
    )
}

#[test]
fn json_lists_every_engine_of_the_cpu() {
    let (report, _) = measured();
    assert_eq!(report["schema"], "burn-pow/bench/v0");
    assert_eq!(report["rounds"], 2);
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    // Only a GPU hashes weights in place.
    assert_eq!(report["weights"], serde_json::json!([]));
    let engines = report["engines"].as_array().unwrap();
    let portable = &engines[0];
    assert_eq!(portable["name"], "portable");
    assert_eq!(portable["threads"], 1);
    assert_eq!(portable["ratio_to_sha2"], 1.0);
    assert_eq!(portable["mhs"], report["sha2_mhs"]);
    for engine in engines {
        let number = |name: &str| engine[name].as_f64().unwrap();
        assert_eq!(engine["kind"], "cpu");
        assert!(number("mhs") > 0.0, "{engine}");
        assert!(number("mhs_min") <= number("mhs") && number("mhs") <= number("mhs_max"));
        assert!(number("ratio_to_sha2") > 0.0, "{engine}");
        assert!(number("dispatch_latency_ms") > 0.0, "{engine}");
        assert!(number("cancel_latency_ms") >= 0.0, "{engine}");
    }
    // One thread for each kernel, and the best on all threads where there are several.
    let cores = report["machine"]["cores"].as_u64().unwrap();
    let on_all = engines.last().unwrap()["threads"].as_u64().unwrap();
    assert_eq!(on_all, cores);
}

#[test]
fn engines_below_sha2_get_a_warning() {
    let (report, warnings) = measured();
    let engines = report["engines"].as_array().unwrap().iter();
    let slow = engines.filter(|engine| engine["ratio_to_sha2"].as_f64().unwrap() < 1.0);
    let slow: Vec<&str> = slow
        .map(|engine| engine["name"].as_str().unwrap())
        .collect();
    let warning = |line: &'_ str| {
        let name = line.strip_prefix("pow: warning: ").unwrap();
        name.split_once(" searches slower than sha2")
            .unwrap()
            .0
            .to_owned()
    };
    assert_eq!(warnings.lines().map(warning).collect::<Vec<_>>(), slow);
}

#[test]
fn a_table_for_people() {
    let outcome = bench(&["--cpu"]);
    outcome.expect(0, &["x sha2", "portable", "medians of 2 rounds of 5 ms"]);
    let mut lines = outcome.stdout.lines();
    let portable = lines.find(|line| line.starts_with("portable"));
    assert!(portable.unwrap().contains("  1.00  "), "{outcome:?}");
}

#[test]
fn gpus_alone_must_be_there() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pow"));
    command.args(TINY).args(["--gpu", "--json"]);
    command.env("POW_GPU_ADAPTER", "no such adapter");
    let outcome = Outcome::of(command.output().unwrap());
    outcome.expect(2, &["--gpu: asked for an adapter named"]);
    assert!(outcome.stdout.is_empty());
}

#[test]
fn wrong_settings_are_refused() {
    for settings in [
        &["--rounds", "0"][..],
        &["--seconds", "0"],
        &["--seconds", "nan"],
        &["--seconds", "1e9"],
        &["--cpu", "--gpu"],
        &["--cpu", "--parameters", "1"],
        &["--parameters", "1,many"],
    ] {
        pow(&[&["bench"], settings].concat()).expect(2, &["--help"]);
    }
}
