//! Text from strangers, in every place where they can put it. None of it reaches the
//! terminal as it is: it could write its own report.

use crate::program::{Outcome, pow};
use pow_audit::replay::{Machine, ReplayReport, SegmentOutcome, Shard};
use pow_core::challenge::ChallengeSource;
use pow_core::extension::{Known, Operation, Probe};
use pow_core::hash::FileDigest;
use pow_core::tensor::DType;
use pow_ledger::RunDir;
use pow_tests::fixture::{Fixture, Plan, Recorder};
use pow_tests::long_run::{LongRun, goal};
use pow_tests::model::{Shapes, tensor_file};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A line of a report, ESC, C1's CSI, a turned direction, a line separator, a byte order
/// mark, a zero-width space and a combining mark.
macro_rules! hostile {
    () => {
        "x\nREPLAY holds\u{1b}[2J\u{9b}31m\u{202e}\u{2028}\u{feff}\u{200b}\u{301}"
    };
}

const HOSTILE: &str = hostile!();

/// Tensors with such a path.
const SHAPES: Shapes = &[
    (hostile!(), DType::F32, &[2, 3]),
    ("linear.weight", DType::F32, &[2]),
];

/// Checks that nothing of the hostile text was printed but in escapes.
#[track_caller]
fn is_clean(case: &str, outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        for c in HOSTILE
            .chars()
            .filter(|c| !c.is_ascii_graphic() && *c != ' ')
        {
            let found = match c {
                // Reports have lines. This one would be the stranger's.
                '\n' => text.contains("\nREPLAY holds\\") || text.contains("x\nREPLAY holds"),
                c => text.contains(c),
            };
            assert!(!found, "{case}: {c:?} in\n{text:?}");
        }
    }
}

/// Something of the hostile text was printed, so that the test is about it.
#[track_caller]
fn is_shown(case: &str, outcome: &Outcome) {
    let text = [&outcome.stdout[..], &outcome.stderr].concat();
    // As `printable` escapes it, or as JSON does.
    let shown = text.contains("\\u{202e}") || text.contains("\\u202e");
    assert!(shown, "{case}: {text:?}");
}

/// A run whose name, machine and tensors are hostile, in a directory of that name.
fn record(place: &Path) -> RunDir {
    let plan = Plan {
        name: HOSTILE.into(),
        shapes: SHAPES,
        ..Plan::default()
    };
    let mut recorder = Recorder::begin_with(&place.join(HOSTILE), &plan, |genesis| {
        let environment = &mut genesis.environment;
        for text in [
            &mut environment.burn,
            &mut environment.backend,
            &mut environment.device,
            &mut environment.cpu,
        ] {
            *text = HOSTILE.into();
        }
        genesis.code.revision = Some(HOSTILE.into());
        let operation = Operation {
            name: HOSTILE.into(),
            digest: None,
        };
        genesis.extensions = vec![
            Known::Probe(Probe::new(vec![operation]).unwrap()).to_extension(),
            Known::BurnFeatures(vec![HOSTILE.into()]).to_extension(),
        ];
    });
    recorder.finish_after([&[0][..], &[1, 2], &[3], &[4, 5], &[6]]);
    recorder.run().clone()
}

/// Runs every command over a run, as text and as JSON.
fn commands(run: &RunDir, value: &Path) -> Vec<(String, Outcome)> {
    let path = run.path().to_str().unwrap();
    let tensor = ["--step", "3", "--tensor", HOSTILE];
    let with_tensor = [&["prove", path][..], &tensor].concat();
    let no_chunk = [&with_tensor[..], &["--chunk", "9"]].concat();
    let to_value = [&with_tensor[..], &["--value", value.to_str().unwrap()]].concat();
    let artifact = run.artifact();
    let model = artifact.to_str().unwrap();
    let all: [&[&str]; 27] = [
        &["fingerprint", model, "--tensors"],
        &["fingerprint", path, "--tensors", "--json"],
        &["fingerprint", model, "--in", path],
        &["diff", model, path],
        &["diff", model, "nothing"],
        &["verify", path],
        &["verify", path, "--json"],
        &["verify", path, "--require", "state,data,replay"],
        &["verify", path, "--replay-report", path],
        &["verify", path, "--parent", path],
        &["verify", path, "--parent", path, "--json"],
        &["verify", path, "--base", path],
        &["lineage", path],
        &["lineage", path, "--json"],
        &["inspect", path],
        &["inspect", path, "--json"],
        &["challenge", path, "--largest-moves", "1"],
        &["challenge", path, "--largest-moves", "1", "--json"],
        &["export", path, "--format", "ots", "--step", "99"],
        &["export", path, "--format", "blk", "--out", path],
        &["prove", path, "--step", "99"],
        &["prove", path, "--step", "3", "--tensor", "none"],
        &["merge", path, path],
        &["check-proof", path],
        &with_tensor,
        &no_chunk,
        &to_value,
    ];
    all.iter()
        .map(|words| (format!("{words:?}"), pow(words)))
        .collect()
}

#[test]
fn a_run_cannot_write_its_own_report() {
    let place = TempDir::new().unwrap();
    let run = record(place.path());
    let value = place.path().join(HOSTILE).join("value");
    for (case, outcome) in commands(&run, &value) {
        is_clean(&case, &outcome);
    }
    let path = run.path().to_str().unwrap();
    for more in [&[][..], &["--json"]] {
        let words = [&["verify", path][..], more].concat();
        let outcome = pow(&words);
        outcome.expect(0, &["CONSISTENT"]);
        is_shown("verify", &outcome);
        let words = [&["inspect", path][..], more].concat();
        is_shown("inspect", &pow(&words));
    }
    // JSON has the text itself, in escapes.
    let json = pow(&["verify", path, "--json"]).json();
    assert_eq!(json["chain"]["name"], HOSTILE);
}

type Damage = fn(&RunDir);

#[test]
fn a_damaged_run_cannot_either() {
    let damages: [(&str, Damage); 8] = [
        ("no chain", |run| std::fs::remove_file(run.chain()).unwrap()),
        ("no artifact", |run| {
            std::fs::remove_file(run.artifact()).unwrap()
        }),
        ("no config", |run| {
            std::fs::remove_file(run.config()).unwrap()
        }),
        ("a bad chain", |run| {
            std::fs::write(run.chain(), HOSTILE).unwrap()
        }),
        ("a cut chain", |run| {
            let bytes = std::fs::read(run.chain()).unwrap();
            std::fs::write(run.chain(), &bytes[..bytes.len() - 1]).unwrap();
        }),
        ("a bad state", |run| {
            let text = serde_json::json!({ "schema": HOSTILE, HOSTILE: 1 }).to_string();
            for dir in std::fs::read_dir(run.checkpoints()).unwrap() {
                std::fs::write(dir.unwrap().path().join("state.json"), &text).unwrap();
            }
        }),
        ("a bad tensor", |run| {
            bad_tensor(run, r#""dtype":"F32","shape":[3]"#)
        }),
        ("a bad dtype", |run| {
            let dtype = serde_json::json!(HOSTILE);
            bad_tensor(run, &format!(r#""dtype":{dtype},"shape":[1]"#));
        }),
    ];
    for (damage, apply) in damages {
        let place = TempDir::new().unwrap();
        let run = record(place.path());
        apply(&run);
        for (case, outcome) in commands(&run, &place.path().join("value")) {
            is_clean(&format!("{damage}: {case}"), &outcome);
        }
    }
}

/// Writes a malformed tensor of a hostile name into all tensor files of a run.
fn bad_tensor(run: &RunDir, fields: &str) {
    let name = serde_json::json!(HOSTILE);
    let header = format!(r#"{{{name}:{{{fields},"data_offsets":[0,4]}}}}"#);
    let bytes = tensor_file(&header, &[0; 4]);
    std::fs::write(run.artifact(), &bytes).unwrap();
    for dir in std::fs::read_dir(run.checkpoints()).unwrap() {
        std::fs::write(dir.unwrap().path().join("model.safetensors"), &bytes).unwrap();
    }
}

#[test]
fn a_proof_cannot_either() {
    let place = TempDir::new().unwrap();
    let run = record(place.path());
    let run = run.path().to_str().unwrap();
    let made = pow(&["prove", run, "--step", "3", "--tensor", HOSTILE]);
    made.expect(0, &[]);
    is_clean("prove", &made);
    let good: PathBuf = place.path().join(format!("{HOSTILE}.json"));
    std::fs::write(&good, &made.stdout).unwrap();
    let bad = place.path().join("bad.json");
    let schema = serde_json::json!(HOSTILE).to_string();
    std::fs::write(&bad, made.stdout.replace("\"burn-pow/proof/v1\"", &schema)).unwrap();
    for (file, code) in [(&good, 0), (&bad, 1)] {
        for more in [&[][..], &["--json"]] {
            let words = [&["check-proof", file.to_str().unwrap()][..], more].concat();
            let outcome = pow(&words);
            outcome.expect(code, &[]);
            is_clean("check-proof", &outcome);
            is_shown("check-proof", &outcome);
        }
    }
    let nothing = place.path().join(HOSTILE).join("nothing");
    let outcome = pow(&["check-proof", nothing.to_str().unwrap()]);
    outcome.expect(2, &["No such file"]);
    is_clean("check-proof", &outcome);
    is_shown("check-proof", &outcome);
}

#[test]
fn a_replay_report_cannot_either() {
    let long = LongRun::record(12);
    let place = TempDir::new().unwrap();
    let challenge = long.challenge(ChallengeSource::Head, goal());
    let exact = long.exact(&challenge, Shard::WHOLE);
    let mut machine = Machine::clone(&exact.results()[0].machine);
    machine.executable = Some(FileDigest::of(b"another"));
    for text in [
        &mut machine.environment.burn,
        &mut machine.environment.backend,
        &mut machine.environment.device,
        &mut machine.environment.cpu,
    ] {
        *text = HOSTILE.into();
    }
    let outcomes = [
        SegmentOutcome::Refused {
            why: HOSTILE.into(),
        },
        SegmentOutcome::Malformed {
            why: HOSTILE.into(),
        },
        SegmentOutcome::Unfit {
            why: HOSTILE.into(),
        },
        SegmentOutcome::NotChecked {
            why: HOSTILE.into(),
        },
    ];
    for outcome in outcomes {
        let mut results = exact.results().to_vec();
        for result in &mut results {
            result.machine = machine.clone().into();
            result.outcome = outcome.clone();
        }
        let report =
            ReplayReport::new(&long.segments, challenge.clone(), Shard::WHOLE, results).unwrap();
        let path = place.path().join(format!("{HOSTILE}.json"));
        report.write(&path).unwrap();
        let run = long.run.path().to_str().unwrap();
        for more in [&[][..], &["--json"]] {
            let option = ["verify", run, "--replay-report", path.to_str().unwrap()];
            let outcome = pow(&[&option[..], more].concat());
            outcome.expect(1, &[]);
            is_clean("verify", &outcome);
            is_shown("verify", &outcome);
        }
        // A report that is none.
        std::fs::write(&path, serde_json::json!({ HOSTILE: 1 }).to_string()).unwrap();
        for words in [
            ["verify", run, "--replay-report", path.to_str().unwrap()],
            ["merge", "-", path.to_str().unwrap(), path.to_str().unwrap()],
        ] {
            let outcome = pow(&words);
            outcome.expect(2, &[]);
            is_clean("verify", &outcome);
            is_shown("verify", &outcome);
        }
    }
}

#[test]
fn a_command_line_cannot_either() {
    let option = format!("--{HOSTILE}");
    let lines: [&[&str]; 4] = [
        &["verify", &option],
        &["verify", "run", HOSTILE],
        &["verify", "run", "--require", HOSTILE],
        &[HOSTILE],
    ];
    for words in lines {
        let outcome = pow(words);
        outcome.expect(2, &["error: "]);
        is_clean("usage", &outcome);
        is_shown("usage", &outcome);
    }
}

/// The test's own text is what it says: the usual run prints none of it.
#[test]
fn an_honest_run_is_printed_without_escapes() {
    let fixture = Fixture::default();
    let outcome = pow(&["verify", fixture.run.path().to_str().unwrap()]);
    outcome.expect(0, &["fixture"]);
    assert!(!outcome.stdout.contains('\\'), "{}", outcome.stdout);
}
