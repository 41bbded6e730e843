//! The replay report: its file, and what cannot stand in it.

use pow_audit::replay::{
    Amount, Decimal, EntryField, Fraction, Goal, Machine, ReplayReport, ReportError, SecurityBits,
    Segment, SegmentEnd, SegmentOutcome, SegmentResult, Shard,
};
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount};
use pow_core::hash::FileDigest;
use pow_tests::long_run::LongRun;
use serde_json::Value;
use std::time::Duration;

tests! {
    reads_what_was_written, says_what_the_document_says, says_the_same_of_equal_replays,
    has_one_result_for_each_segment_of_its_part, accuses_nobody_on_another_machine,
    has_machines_with_short_texts_alone, is_written_whole_and_over_an_older_one
}

/// A source and a goal other than the usual.
pub fn source() -> ChallengeSource {
    ChallengeSource::Verifier(ChallengeValue::new(vec![0xab, 0]).unwrap())
}

pub fn goal() -> Amount {
    Amount::Goal(Goal {
        fraction: Fraction::new(0.3).unwrap(),
        security: SecurityBits(2),
    })
}

/// A machine with another CPU than genesis's, and another executable.
pub fn other_machine(of: &Machine) -> Machine {
    let mut machine = of.clone();
    machine.executable = Some(FileDigest([9; 32]));
    machine.environment.cpu = "other".into();
    machine
}

/// Every kind of outcome, one after the other.
pub fn any_outcome(segment: Segment) -> SegmentOutcome {
    let text = || "because \"of\" this\n".to_owned();
    match segment.index.0 % 8 {
        0 => SegmentOutcome::BitExact {
            entries: segment.entries,
        },
        1 => SegmentOutcome::Differs {
            step: segment.to_step.0,
            field: EntryField::LearningRate,
            found: "00".into(),
            expected: "absent".into(),
        },
        2 => SegmentOutcome::CheckpointAbsent {
            which: SegmentEnd::Start,
        },
        3 => SegmentOutcome::CheckpointDamaged {
            which: SegmentEnd::End,
            why: text(),
        },
        4 => SegmentOutcome::NotComparable { why: text() },
        5 => SegmentOutcome::Tolerance {
            metric: "largest difference".into(),
            threshold: Decimal::new(1e-3).unwrap(),
            distance: Decimal::new(0.1 + 0.2).unwrap(),
        },
        6 => SegmentOutcome::Refused { why: text() },
        _ => SegmentOutcome::BitExact { entries: 1 },
    }
}

/// All outcomes on two machines.
pub fn varied(run: &LongRun, shard: Shard) -> ReplayReport {
    let challenge = run.challenge(source(), Amount::All);
    run.report(&challenge, shard, |segment| {
        let result = run.bit_exact(segment);
        let machine = match segment.index.0 {
            6.. => other_machine(&result.machine),
            _ => result.machine.clone(),
        };
        SegmentResult {
            outcome: any_outcome(segment),
            machine,
            ..result
        }
    })
    .unwrap()
}

fn reads_what_was_written() {
    let run = LongRun::record(9);
    let sources = [ChallengeSource::Head, source()];
    let amounts = [Amount::All, Amount::Count(SegmentCount(2)), goal()];
    let mut reports: Vec<ReplayReport> = Vec::new();
    for source in sources {
        for amount in amounts {
            let challenge = run.challenge(source.clone(), amount);
            for shard in ["1/1", "2/2", "9/40"] {
                reports.push(run.exact(&challenge, shard.parse().unwrap()));
            }
        }
    }
    reports.push(varied(&run, Shard::WHOLE));
    for report in reports {
        let json = report.to_json().unwrap();
        let read = ReplayReport::from_json(json.as_bytes()).unwrap();
        assert_eq!(read, report);
        assert_eq!(read.to_json().unwrap(), json);
    }
    // A chain without a segment has a report as well.
    let none = LongRun::record(0);
    let challenge = none.challenge(ChallengeSource::Head, Amount::default());
    let json = none.exact(&challenge, Shard::WHOLE).to_json().unwrap();
    assert!(ReplayReport::from_json(json.as_bytes()).is_ok());
}

/// The fields that `docs/replay.md` lists, and no others.
fn says_what_the_document_says() {
    let run = LongRun::record(9);
    let report = varied(&run, Shard::WHOLE);
    let json: Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/replay.md");
    let document = std::fs::read_to_string(document).unwrap();
    let (_, section) = document.split_once("## The report file").unwrap();
    let mut names = Vec::new();
    collect(&json, &mut names);
    let goal = run.exact(&run.challenge(source(), goal()), Shard::WHOLE);
    let goal = serde_json::from_str(&goal.to_json().unwrap()).unwrap();
    collect(&goal, &mut names);
    names.sort();
    names.dedup();
    assert!(names.len() > 50, "{names:?}");
    for name in names {
        assert!(section.contains(&format!("`{name}`")), "{name}");
    }
    assert_eq!(json["schema"], "burn-pow/replay-report/v1");
    let head = run.segments.chain().head_hash().to_string();
    assert_eq!(json["chain"]["head"], head);
    assert_eq!(json["challenge"]["source"], "verifier");
    assert_eq!(json["challenge"]["value"], "ab00");
    // In the order of their digests.
    assert_eq!(json["replayed"][0]["matches"]["cpu"], false);
    assert_eq!(json["replayed"][0]["matches"]["executable"], false);
    assert_eq!(json["replayed"][1]["matches"]["cpu"], true);
    assert_eq!(json["results"][6]["machine"], 0);
    let distance = &json["results"][5]["outcome"]["distance"];
    assert_eq!(distance, "0.30000000000000004");
}

fn collect(json: &Value, names: &mut Vec<String>) {
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                names.push(name.clone());
                if let (true, Value::String(kind)) = (name == "kind" || name == "why", value)
                    && !kind.contains(' ')
                {
                    names.push(kind.clone());
                }
                collect(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

fn says_the_same_of_equal_replays() {
    let run = LongRun::record(6);
    let challenge = run.challenge(source(), goal());
    let report = |times: u64, reversed: bool| {
        let mut results: Vec<SegmentResult> = challenge
            .challenged()
            .into_iter()
            .map(|index| SegmentResult {
                spent: Duration::from_micros(times * (index.0 + 1)),
                ..run.bit_exact(run.segments.get(index).unwrap())
            })
            .collect();
        if reversed {
            results.reverse();
        }
        ReplayReport::new(&run.segments, challenge.clone(), Shard::WHOLE, results).unwrap()
    };
    let (slow, fast) = (report(9_000_700, true), report(2_000, false));
    assert_ne!(slow, fast);
    // Parts of a millisecond are gone at once, not only in the file.
    let written = slow.to_json().unwrap();
    assert_eq!(ReplayReport::from_json(written.as_bytes()).unwrap(), slow);
    let json = |report: ReplayReport| report.without_times().to_json().unwrap();
    assert_eq!(json(slow.clone()), json(fast.clone()));
    // Only `timing` differs, and it stands at the end.
    let (slow, fast) = (slow.to_json().unwrap(), fast.to_json().unwrap());
    let before = |text: &str| text.split_once("\"timing\"").unwrap().0.to_owned();
    assert_eq!(before(&slow), before(&fast));
    assert_ne!(slow, fast);
}

#[track_caller]
fn refused(result: Result<ReplayReport, ReportError>, words: &str) {
    let error = result.unwrap_err().to_string();
    assert!(error.contains(words), "{words:?} is not in {error:?}");
}

fn has_one_result_for_each_segment_of_its_part() {
    let run = LongRun::record(6);
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let all = || -> Vec<SegmentResult> { run.segments.iter().map(|s| run.bit_exact(s)).collect() };
    let report =
        |results| ReplayReport::new(&run.segments, challenge.clone(), Shard::WHOLE, results);
    assert!(report(all()).is_ok());
    refused(
        report(all().split_off(1)),
        "segment 1 where part 1/1 of the challenge has segment 0",
    );
    let mut results = all();
    results.pop();
    refused(
        report(results),
        "no more where part 1/1 of the challenge has segment 5",
    );
    let mut results = all();
    results.push(results[5].clone());
    refused(
        report(results),
        "segment 5 where part 1/1 of the challenge has no more",
    );
    let part = |text: &str| {
        ReplayReport::new(
            &run.segments,
            challenge.clone(),
            text.parse().unwrap(),
            all(),
        )
    };
    refused(
        part("1/2"),
        "segment 1 where part 1/2 of the challenge has segment 2",
    );

    let mut results = all();
    results[2].outcome = SegmentOutcome::BitExact { entries: 2 };
    refused(
        report(results),
        "segment 2: bit-exact in 2 entries, but it has 1",
    );
    let mut results = all();
    results[3].segment.from_state.0[0] ^= 1;
    refused(report(results), "segment 3: the chain has another one");
    let mut results = all();
    let last = results.len() - 1;
    results[last].segment.to_state = None;
    let words = format!("segment {last}: the chain has another one");
    refused(report(results), &words);
    let mut results = all();
    results[3].segment.to_state = None;
    refused(
        report(results),
        "segment 3: it ends without a checkpoint, and is not the last",
    );
    let mut results = all();
    results[3].segment.to_step = results[3].segment.from_step;
    refused(report(results), "segment 3: it ends where it begins");
}

fn accuses_nobody_on_another_machine() {
    let run = LongRun::record(3);
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let differing = |field, change: fn(&mut Machine)| {
        run.report(&challenge, Shard::WHOLE, |segment| {
            let mut result = run.bit_exact(segment);
            change(&mut result.machine);
            result.outcome = SegmentOutcome::Differs {
                step: 1,
                field,
                found: "00".into(),
                expected: "01".into(),
            };
            result
        })
    };
    let comparable: [fn(&mut Machine); 3] = [
        |_| {},
        |machine| machine.executable = None,
        |machine| machine.environment.threads = 99,
    ];
    let others: [fn(&mut Machine); 4] = [
        |machine| machine.environment.burn.push('1'),
        |machine| machine.environment.backend.push('1'),
        |machine| machine.environment.device.push('1'),
        |machine| machine.environment.cpu.push('1'),
    ];
    for change in comparable {
        assert!(differing(EntryField::Parameters, change).is_ok());
    }
    for change in others {
        for field in [
            EntryField::InitialState,
            EntryField::Parameters,
            EntryField::Loss,
            EntryField::LearningRate,
            EntryField::State,
        ] {
            refused(differing(field, change), "cannot be said to differ");
        }
        // Which samples a step saw follows from hashes alone.
        assert!(differing(EntryField::Batch, change).is_ok());
        assert!(differing(EntryField::Step, change).is_ok());
    }
}

/// A file names a machine once, and each of its results gets a copy: long texts
/// would be a way to ask for memory.
fn has_machines_with_short_texts_alone() {
    let run = LongRun::record(3);
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let texts: [fn(&mut Machine) -> &mut String; 4] = [
        |machine| &mut machine.environment.burn,
        |machine| &mut machine.environment.backend,
        |machine| &mut machine.environment.device,
        |machine| &mut machine.environment.cpu,
    ];
    for text in texts {
        let report = |len| {
            run.report(&challenge, Shard::WHOLE, |segment| {
                let mut result = run.bit_exact(segment);
                *text(&mut result.machine) = "x".repeat(len);
                result
            })
        };
        refused(report(1025), "a text of 1025 bytes, at most 1024");
        let json = report(1024).unwrap().to_json().unwrap();
        let longer = json.replacen(&"x".repeat(1024), &"x".repeat(1025), 1);
        let read = ReplayReport::from_json(longer.as_bytes());
        refused(read, "a text of 1025 bytes, at most 1024");
    }
    // The machine that recorded, too, which stands in the file first.
    let json = run.exact(&challenge, Shard::WHOLE).to_json().unwrap();
    let long = format!("\"burn\": \"{}\"", "x".repeat(1025));
    let longer = json.replacen("\"burn\": \"none\"", &long, 1);
    let read = ReplayReport::from_json(longer.as_bytes());
    refused(read, "machine.burn: a text of 1025 bytes");
}

fn is_written_whole_and_over_an_older_one() {
    let run = LongRun::record(3);
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("replay.json");
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let report = run.exact(&challenge, Shard::WHOLE);
    std::fs::write(&path, "half").unwrap();
    let error = ReplayReport::read(&path).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");
    report.write(&path).unwrap();
    report.write(&path).unwrap();
    assert_eq!(ReplayReport::read(&path).unwrap(), report);
    // Nothing is left beside it.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let nowhere = dir.path().join("none/replay.json");
    for error in [
        report.write(&nowhere).unwrap_err(),
        ReplayReport::read(&nowhere).unwrap_err(),
        ReplayReport::read(dir.path()).unwrap_err(),
    ] {
        assert!(matches!(error, ReportError::Io { .. }), "{error}");
    }
}
