//! `pow challenge`, `pow merge` and `pow verify --replay-report`.

use crate::program::{Outcome, challenge, pow, verify};
use pow_audit::replay::{Amount, Challenge, ReplayReport, Shard};
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount, SegmentIndex};
use pow_tests::fixture::{Plan, Recorder};
use pow_tests::long_run::LongRun;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn value(bytes: &[u8]) -> ChallengeValue {
    ChallengeValue::new(bytes.to_vec()).unwrap()
}

/// The segments that a challenge lists, and why each is in it.
fn listed(report: &Value) -> Vec<(u64, String)> {
    let rows = report["challenged"].as_array().unwrap().iter();
    rows.map(|row| {
        let why = row["why"].as_str().unwrap().to_owned();
        (row["segment"].as_u64().unwrap(), why)
    })
    .collect()
}

#[test]
fn a_challenge_lists_what_the_library_draws() {
    let run = LongRun::record(12);
    let two = value(&[0, 255]);
    let sources: [(&[&str], ChallengeSource); 3] = [
        (&[], ChallengeSource::Head),
        (
            &["--seed", "0x00ff"],
            ChallengeSource::Verifier(two.clone()),
        ),
        (&["--beacon", "00ff"], ChallengeSource::Beacon(two)),
    ];
    for (arguments, source) in sources {
        let more = ["--count", "3", "--segment", "5,7", "--json"];
        let report = challenge(run.run.path(), &[arguments, &more].concat()).json();
        let named = [SegmentIndex(5), SegmentIndex(7)];
        let amount = Amount::Count(SegmentCount(3));
        let drawn = Challenge::draw(&run.segments, source, amount, named).unwrap();
        let why = |index: &SegmentIndex| match index.0 {
            0 => (0, "first".to_owned()),
            11 => (11, "last".to_owned()),
            index @ (5 | 7) => (index, "named".to_owned()),
            index => (index, "picked".to_owned()),
        };
        let expected: Vec<(u64, String)> = drawn.challenged().iter().map(why).collect();
        assert_eq!(listed(&report), expected);
        assert_eq!(expected.len(), 7);
        assert_eq!(report["source"], drawn.source().name());
        for (name, count) in [("segments", 12), ("remaining", 8), ("picks", 3)] {
            assert_eq!(report[name], count, "{name}");
        }
        let row = &report["challenged"][0];
        let first = run.segments.get(SegmentIndex(0)).unwrap();
        assert_eq!(row["to_state"], first.to_state.unwrap().to_string());
        assert_eq!(row["block"], first.block.get());
        // A chain file alone will do.
        let file = run.run.chain();
        let of_file = challenge(&file, &[arguments, &more].concat()).json();
        assert_eq!(of_file["challenged"], report["challenged"]);
    }
}

#[test]
fn a_challenge_says_what_it_would_show() {
    let run = LongRun::record(12);
    let run = run.run.path();
    let goal = ["--fraction", "0.3", "--security", "2"];
    let head = challenge(run, &goal);
    let words = [
        "challenge  from the head alone",
        "12: 4 picked of 10, 2 always checked; 6 steps to execute",
        // 3 of 10 bad, 4 picked: C(7, 4) / C(10, 4) = 1 / 6.
        "       1 bad     0.4000   missed: 2^-0.7",
        "       3 bad     0.8333   missed: 2^-2.6",
        "       3 bad     2^2.6 expected heads, 2^18.6 expected hashes: 13 ms on a CPU core",
        "only the last block has to be mined that often, and no other block again",
    ];
    head.expect(0, &words);
    let seeded = challenge(run, &[&goal[..], &["--seed", "07"]].concat());
    let words = [
        "challenge  verifier 07",
        "0.8333",
        "before the head was known",
    ];
    seeded.expect(0, &words);
    assert!(!seeded.stdout.contains("forger"), "{seeded:?}");
    let more = ["--seed", "07", "--json"];
    let seeded = challenge(run, &[&goal[..], &more].concat()).json();
    assert_eq!(seeded["forging"], Value::Array(Vec::new()));
    let report = challenge(run, &[&goal[..], &["--json"]].concat()).json();
    assert_eq!(report["schema"], "burn-pow/challenge/v0");
    assert_eq!(report["fraction"], 0.3);
    let figures = report["detection"].as_array().unwrap();
    let of_three = figures.iter().find(|figure| figure["bad"] == 3).unwrap();
    assert!((of_three["caught"].as_f64().unwrap() - 5.0 / 6.0).abs() < 1e-12);
    let costs = report["forging"].as_array().unwrap();
    let of_three = costs.iter().find(|cost| cost["bad"] == 3).unwrap();
    assert!((of_three["log2_heads"].as_f64().unwrap() - 6.0f64.log2()).abs() < 1e-12);
    let asic = &of_three["cost"][2];
    assert!(asic["on"].as_str().unwrap().contains("ASIC"), "{asic}");
    // 6 · 2^16 hashes, the target being rounded, at 2·10^14 a second.
    let seconds = asic["seconds"].as_f64().unwrap();
    let of_expected = seconds * 2e14 / (6.0 * 65536.0);
    assert!((of_expected - 1.0).abs() < 1e-3, "{seconds}");

    let all = challenge(run, &["--all"]);
    all.expect(0, &["every segment is executed: nothing is left to chance"]);
    let all = challenge(run, &["--all", "--json"]).json();
    assert_eq!(listed(&all).len(), 12);
    // It was not for a goal.
    assert_eq!(all["fraction"], Value::Null);
    assert_eq!(all["security"], Value::Null);
}

#[test]
fn a_challenge_to_a_run_that_goes_on_says_so() {
    let dir = TempDir::new().unwrap();
    let mut recorder = Recorder::begin(&dir.path().join("run"), &Plan::default());
    let run = recorder.run().path().to_owned();
    challenge(&run, &[]).expect(0, &["UNFINISHED", "segments   0: 0 picked of 0"]);
    recorder.steps(&[0]);
    recorder.steps(&[1, 2, 3, 4]);
    let last = "3-4               2         last    no checkpoint";
    challenge(&run, &[]).expect(0, &["segments   2:", last]);
    let last = &challenge(&run, &["--json"]).json()["challenged"][1];
    assert_eq!(last["to_step"], 4);
    assert_eq!(last["to_state"], Value::Null);
}

#[test]
fn what_is_no_challenge_is_exit_code_2() {
    let run = LongRun::record(5);
    let path = run.run.path();
    let long = "00".repeat(1025);
    let cases: [(&[&str], &str); 11] = [
        (&["--count", "4"], "4 segments to pick, but only 3"),
        (
            &["--segment", "5"],
            "there is no segment 5: the chain has 5",
        ),
        (&["--seed", ""], "1 to 1024 bytes, found 0"),
        (&["--seed", &long], "1 to 1024 bytes, found 1025"),
        (&["--seed", "abc"], "an odd number of hex digits"),
        (&["--seed", "xy"], "not hex digits"),
        (&["--seed", "00", "--beacon", "00"], "cannot be used with"),
        (&["--count", "1", "--security", "9"], "cannot be used with"),
        (&["--all", "--fraction", "0.5"], "cannot be used with"),
        (&["--fraction", "0"], "above 0 and at most 1"),
        (&["--security", "0"], "0 is not in 1..=256"),
    ];
    for (arguments, words) in cases {
        let outcome = challenge(path, arguments);
        outcome.expect(2, &[words]);
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
    let nowhere = path.join("none");
    challenge(&nowhere, &[]).expect(2, &["none"]);
}

#[test]
fn a_bad_chain_gets_no_challenge() {
    let run = LongRun::record(5);
    let other = "07".repeat(32);
    let outcome = challenge(run.run.path(), &["--genesis", &other]);
    outcome.expect(1, &["the chain does not hold"]);
    let mut bytes = std::fs::read(run.run.chain()).unwrap();
    bytes[900] ^= 1;
    std::fs::write(run.run.chain(), bytes).unwrap();
    let outcome = challenge(run.run.path(), &[]);
    outcome.expect(1, &["the chain does not hold: byte "]);
    assert!(outcome.stdout.is_empty(), "{outcome:?}");
}

/// A run and the reports of three parts of a challenge to it.
struct Parts {
    run: LongRun,
    dir: TempDir,
    challenge: Challenge,
}

impl Parts {
    fn new() -> Self {
        let run = LongRun::record(12);
        let source = ChallengeSource::Verifier(value(&[7]));
        let parts = Parts {
            challenge: run.challenge(source, Amount::Count(SegmentCount(4))),
            run,
            dir: TempDir::new().unwrap(),
        };
        for index in 1..=3 {
            let shard = Shard::new(index, 3).unwrap();
            let report = parts.run.exact(&parts.challenge, shard);
            report.write(&parts.path(index)).unwrap();
        }
        parts
    }

    fn path(&self, index: u32) -> PathBuf {
        self.dir.path().join(format!("shard-{index}.json"))
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("replay.json")
    }

    fn merge(&self, out: &Path, parts: &[u32]) -> Outcome {
        let mut arguments = vec![PathBuf::from("merge"), out.to_owned()];
        arguments.extend(parts.iter().map(|index| self.path(*index)));
        pow(&arguments)
    }
}

#[test]
fn parts_are_merged_and_verified() {
    let parts = Parts::new();
    let whole = parts.run.exact(&parts.challenge, Shard::WHOLE);
    let expected = whole.to_json().unwrap();
    let outcome = parts.merge(&parts.out(), &[2, 3, 1, 2]);
    outcome.expect(0, &[]);
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""));
    assert_eq!(std::fs::read_to_string(parts.out()).unwrap(), expected);
    assert_eq!(parts.merge(Path::new("-"), &[1, 2, 3]).stdout, expected);

    let run = parts.run.run.path();
    let report = parts.out();
    let report = ["--replay-report", report.to_str().unwrap()];
    verify(run, &report).expect(0, &["REPLAY     holds", "DETECTION  not checked"]);
    let head = parts.run.segments.chain().head_hash().to_string();
    let required = ["--require", "chain,replay,detection"];
    let pinned = [&report[..], &["--head", &head], &required].concat();
    let words = [
        "CONSISTENT WITH THE PINNED HEAD",
        "*REPLAY     holds",
        "according to ",
        "*DETECTION  holds",
    ];
    verify(run, &pinned).expect(0, &words);
    let unpinned = [&report[..], &required].concat();
    verify(run, &unpinned).expect(1, &["DOES NOT HOLD (detection)"]);
    // A chain file alone will do; the report is about no other file.
    verify(&parts.run.run.chain(), &pinned).expect(0, &[]);

    // A part alone is not the whole.
    let part = parts.path(2);
    let part = ["--replay-report", part.to_str().unwrap()];
    verify(run, &[&part[..], &["--require", "replay"]].concat())
        .expect(1, &["*REPLAY     holds in part", "only part 2/3"]);
    let other = "07".repeat(32);
    verify(run, &["--head", &other]).expect(1, &["DOES NOT HOLD (chain)", "the pinned head"]);
}

#[test]
fn parts_that_do_not_fit_are_not_merged() {
    let parts = Parts::new();
    let refused = |list: &[u32], code, words: &str| {
        let outcome = parts.merge(&parts.out(), list);
        outcome.expect(code, &[words]);
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
        assert!(!parts.out().exists());
    };
    refused(&[1, 3], 1, "part 2/3 is missing");
    refused(&[], 2, "required arguments");
    refused(&[1, 2, 3, 9], 2, "shard-9.json");
    let other = LongRun::record(13);
    let source = ChallengeSource::Verifier(value(&[7]));
    let foreign = other.challenge(source, Amount::Count(SegmentCount(4)));
    let report = other.exact(&foreign, Shard::new(2, 3).unwrap());
    report.write(&parts.path(4)).unwrap();
    let words = "report 2: its genesis is not that of report 1";
    refused(&[1, 4, 3], 1, words);
    let good = std::fs::read_to_string(parts.path(2)).unwrap();
    let bad = good.replacen("\"entries\": 1,", "\"entries\": 1, \"\\u001b[2J\": 1,", 1);
    std::fs::write(parts.path(5), bad).unwrap();
    let words = "shard-5.json: malformed replay report: unknown field";
    refused(&[1, 5, 3], 2, words);
    let slower = good.replacen("millis\": 1", "millis\": 2", 1);
    std::fs::write(parts.path(5), slower).unwrap();
    parts.merge(&parts.out(), &[1, 2, 3, 5]).expect(0, &[]);
    // What exists is not overwritten.
    let before = std::fs::read(parts.out()).unwrap();
    let again = parts.merge(&parts.out(), &[1, 2, 3]);
    again.expect(2, &["exists already"]);
    assert_eq!(std::fs::read(parts.out()).unwrap(), before);
}

#[test]
fn a_report_cannot_write_another() {
    let parts = Parts::new();
    let run = parts.run.run.path();
    let head = parts.run.segments.chain().head_hash();
    let whole = parts.run.exact(&parts.challenge, Shard::WHOLE);
    let json = whole.to_json().unwrap();
    let refused = "\"kind\": \"refused\",\n        \"why\": \"x\\n*CHAIN holds\\u001b[2J\"";
    let exact = "\"kind\": \"bit-exact\",\n        \"entries\": 1";
    let bad = json.replacen(exact, refused, 1);
    assert!(ReplayReport::from_json(bad.as_bytes()).is_ok(), "{bad}");
    std::fs::write(parts.out(), &bad).unwrap();
    let report = parts.out();
    let report = ["--replay-report", report.to_str().unwrap()];
    let outcome = verify(run, &report);
    outcome.expect(1, &["holds in part", "x\\n*CHAIN holds\\u{1b}[2J"]);
    assert!(!outcome.stdout.contains('\u{1b}'), "{outcome:?}");
    // A file that is not a report gives no verdict on the run.
    std::fs::write(parts.out(), "{\"\\u001b[2J\": 0}").unwrap();
    let outcome = verify(run, &report);
    outcome.expect(2, &["malformed replay report: unknown field `\\u{1b}[2J`"]);
    assert!(outcome.stdout.is_empty() && !outcome.stderr.contains('\u{1b}'));
    // A report in the run directory is not looked at.
    std::fs::write(run.join("replay.json"), &json).unwrap();
    verify(run, &["--head", &head.to_string()]).expect(0, &["REPLAY     not checked"]);
}
