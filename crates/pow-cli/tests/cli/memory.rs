//! Memory is bounded by what a file holds, at a small factor, however its content is made
//! up. The program runs under a limit of the system, so that no peak is missed.

use crate::program::Outcome;
use pow_core::tensor::DType;
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::model::{Shapes, tensor_file};
use std::ffi::OsStr;
use std::fmt::Write;
use std::process::Command;
use tempfile::TempDir;

/// What the program takes without any input: its own code, its stack and its allocator.
const OWN: u64 = 96 << 20;

/// Runs `pow` with at most this many bytes of address space.
fn pow_within<A: AsRef<OsStr>>(bytes: u64, arguments: &[A]) -> Outcome {
    let script = format!("ulimit -v {} && exec \"$@\"", bytes.div_ceil(1024));
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_pow")]);
    // Each further arena would reserve address space that nobody uses.
    command.env("MALLOC_ARENA_MAX", "1");
    Outcome::of(command.args(arguments).output().unwrap())
}

/// The longest header of a tensor file. It is as long as the format allows.
const HEADER: usize = 99_000_000;

/// What the threads take that hash a model: a stack and a piece for each.
fn threads() -> u64 {
    let threads = std::thread::available_parallelism().unwrap().get() as u64;
    threads * (6 << 20)
}

fn repeated(start: &str, end: &str, each: impl Fn(&mut String, usize)) -> String {
    let mut header = String::with_capacity(HEADER);
    header.push_str(start);
    for i in 0.. {
        if header.len() + 200 > HEADER {
            break;
        }
        if i > 0 {
            header.push(',');
        }
        each(&mut header, i);
    }
    header.push_str(end);
    header
}

#[test]
fn a_long_header_takes_at_most_eight_times_its_length() {
    const EMPTY: &str = r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
    let headers = [
        repeated("{", "}", |out, i| write!(out, "\"{i:x}\":{EMPTY}").unwrap()),
        repeated(
            r#"{"a":{"dtype":"U8","data_offsets":[0,0],"shape":[0,"#,
            "]}}",
            |out, _| out.push('1'),
        ),
        repeated(r#"{"__metadata__":{"#, "}}", |out, i| {
            write!(out, "\"{i:x}\":\"\"").unwrap();
        }),
        format!("{{\"{}\":{EMPTY}}}", "n".repeat(HEADER - 200)),
    ];
    let fixture = Fixture::default();
    let run = fixture.run.path().to_str().unwrap();
    let limit = OWN + 8 * HEADER as u64;
    for header in headers {
        std::fs::write(fixture.run.artifact(), tensor_file(&header, &[])).unwrap();
        let words = ["model.safetensors has root", "DOES NOT HOLD (artifact)"];
        pow_within(limit, &["verify", run]).expect(1, &words);
        // As a base model it is read twice, and kept at no time.
        let base = fixture.run.artifact();
        let words = ["ORIGIN     ", "DOES NOT HOLD (artifact)"];
        pow_within(limit, &["verify", run, "--base", base.to_str().unwrap()]).expect(1, &words);
        // The roots of the tensors take memory as well.
        let limit = OWN + threads() + 12 * HEADER as u64;
        pow_within(limit, &["fingerprint", run]).expect(0, &["root "]);
    }
}

/// A tensor of 192 MiB, and a chunk in it.
const LARGE: Shapes = &[("w", DType::U8, &[192 << 20])];

/// The limit is one: the program runs within its own memory, and not within less.
#[test]
fn the_limit_is_kept() {
    let fixture = Fixture::default();
    let run = fixture.run.path().to_str().unwrap();
    pow_within(OWN, &["verify", run]).expect(0, &[]);
    assert_ne!(pow_within(1 << 20, &["verify", run]).code, Some(0));
}

#[test]
fn a_tensor_of_any_size_takes_none() {
    let fixture = Fixture::record_with(
        &Plan {
            planned: Some(0),
            checkpoint_every: 0,
            shapes: LARGE,
            ..Plan::default()
        },
        |_| {},
        |recorder| recorder.finish_after([&[0][..]]),
    );
    let run = fixture.run.path().to_str().unwrap();
    let require = "chain,finished,state,artifact";
    pow_within(OWN, &["verify", run, "--require", require]).expect(0, &[]);
    pow_within(OWN + threads(), &["fingerprint", run]).expect(0, &["root "]);
    pow_within(OWN + threads(), &["diff", run, run]).expect(0, &["EQUAL: 1 tensor"]);
    let place = TempDir::new().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let tensor = ["prove", run, "--step", "0", "--tensor", "w"];
    for chunk in [&[][..], &["--chunk", "49151"]] {
        let (value, proof) = (path("value"), path("proof.json"));
        let made = pow_within(OWN, &[&tensor[..], chunk, &["--value", &value]].concat());
        made.expect(0, &[]);
        std::fs::write(&proof, &made.stdout).unwrap();
        let checked = pow_within(OWN, &["check-proof", &proof, "--value", &value]);
        checked.expect(0, &["the bytes given are those proved"]);
        std::fs::remove_file(value).unwrap();
    }
    // A config.json of the same size.
    let config = std::fs::File::create(fixture.run.config()).unwrap();
    config.set_len(192 << 20).unwrap();
    let words = "config.json has digest";
    pow_within(OWN, &["verify", run, "--require", "state"]).expect(1, &[words]);
}

#[test]
fn a_replay_report_takes_at_most_four_times_its_length() {
    let fixture = Fixture::default();
    let run = fixture.run.path().to_str().unwrap();
    let place = TempDir::new().unwrap();
    for (case, json) in [
        ("many results", report(100_000, 1)),
        ("many picks", report(3_000_000, u32::MAX)),
    ] {
        let path = place.path().join("replay.json");
        std::fs::write(&path, &json).unwrap();
        let limit = OWN + 4 * json.len() as u64;
        let arguments = ["verify", run, "--replay-report", path.to_str().unwrap()];
        let outcome = pow_within(limit, &arguments);
        outcome.expect(1, &["is not a report on this chain"]);
        assert!(json.len() > 40_000_000, "{case}: {}", json.len());
    }
}

/// A report, as `docs/replay.md` describes it, on part 1 of `of` of all of these segments.
/// The texts of its machine are as long as they may be.
fn report(segments: u64, of: u32) -> String {
    let (hash, text) = ("0f".repeat(32), "m".repeat(1024));
    let last = segments - 1;
    let results: Vec<u64> = (0..segments).step_by(of as usize).collect();
    let list = |numbers: &[u64], each: &dyn Fn(u64) -> String| {
        let all: Vec<String> = numbers.iter().map(|number| each(*number)).collect();
        all.join(",\n")
    };
    let machine = |indent: &str| {
        ["burn", "backend", "device", "cpu"]
            .map(|field| format!("{indent}\"{field}\": \"{text}\",\n"))
            .concat()
            + &format!("{indent}\"threads\": 1\n")
    };
    let matches: String = ["burn", "backend", "device", "cpu"]
        .map(|field| format!("        \"{field}\": true,\n"))
        .concat();
    let picked: Vec<u64> = (1..last).collect();
    let picks = picked.len();
    let picked = list(&picked, &|segment| format!("      {segment}"));
    let timing = list(&results, &|segment| {
        format!("    {{\n      \"segment\": {segment},\n      \"millis\": 0\n    }}")
    });
    let results = list(&results, &|segment| {
        format!(
            "    {{\n      \"segment\": {segment},\n      \"from_step\": {segment},\n      \
             \"to_step\": {},\n      \"from_state\": \"{hash}\",\n      \
             \"to_state\": \"{hash}\",\n      \"block\": 1,\n      \"entries\": 1,\n      \
             \"machine\": 0,\n      \"outcome\": {{\n        \"kind\": \"refused\",\n        \
             \"why\": \"\"\n      }}\n    }}",
            segment + 1
        )
    });
    format!(
        "{{\n  \"schema\": \"burn-pow/replay-report/v1\",\n  \"chain\": {{\n    \
         \"genesis\": \"{hash}\",\n    \"head\": \"{hash}\",\n    \"height\": 1,\n    \
         \"finished\": true\n  }},\n  \"challenge\": {{\n    \"source\": \"head\",\n    \
         \"value\": \"\",\n    \"segments\": {segments},\n    \"remaining\": {picks},\n    \
         \"picks\": {picks},\n    \"always\": [\n      {{\n        \"segment\": 0,\n        \
         \"why\": \"first\"\n      }},\n      {{\n        \"segment\": {last},\n        \
         \"why\": \"last\"\n      }}\n    ],\n    \"picked\": [\n{picked}\n    ]\n  }},\n  \
         \"shard\": {{\n    \"index\": 1,\n    \"of\": {of}\n  }},\n  \"recorded\": {{\n{}  }},\n  \
         \"replayed\": [\n    {{\n      \"machine\": {{\n{}      }},\n      \"matches\": {{\n{matches}        \
         \"threads\": true\n      }}\n    }}\n  ],\n  \"results\": [\n{results}\n  ],\n  \
         \"timing\": [\n{timing}\n  ]\n}}\n",
        machine("    "),
        machine("        ")
    )
}
