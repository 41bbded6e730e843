//! The replay report: its file, and what it cannot contain.

use pow_audit::replay::{
    Again, Amount, EntryField, Executed, Judgement, Machine, ReplayReport, ReportError,
    ReportVersion, SegmentOutcome, SegmentResult, Shard,
};
use pow_core::challenge::{ChallengeSource, SegmentCount, SegmentIndex};
use pow_tests::long_run::{LongRun, goal, source};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

tests! {
    reads_what_was_written, says_what_the_document_says, says_the_same_of_equal_replays,
    has_one_result_for_each_segment_of_its_part, accuses_nobody_on_another_machine,
    has_the_outcomes_of_its_version, has_machines_with_short_texts_alone, is_written_whole_and_over_an_older_one
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
    reports.push(run.varied(Shard::WHOLE));
    reports.push(LongRun::record_probed(9).varied(Shard::WHOLE));
    for report in reports {
        let json = report.to_json().unwrap();
        let read = ReplayReport::from_json(json.as_bytes()).unwrap();
        assert_eq!(read, report);
        assert_eq!(read.to_json().unwrap(), json);
        // So is what a child process tells of one execution.
        for result in report.results() {
            let executed = Executed {
                outcome: result.outcome.clone(),
                machine: Machine::clone(&result.machine),
            };
            let json = executed.to_json().unwrap();
            assert_eq!(Executed::from_json(json.as_bytes()).unwrap(), executed);
        }
    }
    // A chain without a segment has a report as well.
    let none = LongRun::record(0);
    let challenge = none.challenge(ChallengeSource::Head, Amount::default());
    let json = none.exact(&challenge, Shard::WHOLE).to_json().unwrap();
    assert!(ReplayReport::from_json(json.as_bytes()).is_ok());
}

/// The fields that `docs/replay.md` lists, and no others.
fn says_what_the_document_says() {
    let run = LongRun::record_probed(9);
    let report = run.varied(Shard::WHOLE);
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
    assert_eq!(json["schema"], "burn-pow/replay-report/v2");
    let head = run.segments.chain().head_hash().to_string();
    assert_eq!(json["chain"]["head"], head);
    assert_eq!(json["challenge"]["source"], "verifier");
    assert_eq!(json["challenge"]["value"], "ab00");
    // In the order of their digests.
    assert_eq!(json["replayed"][0]["matches"]["cpu"], false);
    assert_eq!(json["replayed"][0]["matches"]["probe"], false);
    assert_eq!(json["results"][7]["control"], 0);
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
    // Only `timing` differs, and it comes last.
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
    type Edit<'a> = &'a dyn Fn(&mut Vec<SegmentResult>);
    let part = |shard: &str, edit: Edit| {
        let mut results = run
            .segments
            .iter()
            .map(|segment| run.bit_exact(segment))
            .collect();
        edit(&mut results);
        ReplayReport::new(
            &run.segments,
            challenge.clone(),
            shard.parse().unwrap(),
            results,
        )
    };
    assert!(part("1/1", &|_| {}).is_ok());
    #[rustfmt::skip]
    let cases: [(&str, Edit, &str); 9] = [
        ("1/1", &|all| drop(all.remove(0)), "segment 1 where part 1/1 of the challenge has segment 0"),
        ("1/1", &|all| drop(all.pop()), "no more where part 1/1 of the challenge has segment 5"),
        ("1/1", &|all| all.push(all[5].clone()), "segment 5 where part 1/1 of the challenge has no more"),
        ("1/2", &|_| {}, "segment 1 where part 1/2 of the challenge has segment 2"),
        ("1/1", &|all| all[2].outcome = SegmentOutcome::BitExact { entries: 2 },
            "segment 2: bit-exact in 2 entries, but it has 1"),
        ("1/1", &|all| all[3].segment.from_state.0[0] ^= 1, "segment 3: the chain has another one"),
        ("1/1", &|all| all[5].segment.to_state = None, "segment 5: the chain has another one"),
        ("1/1", &|all| all[3].segment.to_state = None,
            "segment 3: it ends without a checkpoint, and is not the last"),
        ("1/1", &|all| all[3].segment.to_step = all[3].segment.from_step,
            "segment 3: it does not end after its start"),
    ];
    for (shard, edit, words) in cases {
        refused(part(shard, edit), words);
    }
}

fn accuses_nobody_on_another_machine() {
    let run = LongRun::record(3);
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let differing = |field, change: fn(&mut Machine)| {
        let report = run.report(&challenge, Shard::WHOLE, |result| {
            change(Arc::make_mut(&mut result.machine));
            result.outcome = SegmentOutcome::Differs {
                step: 1,
                field,
                found: "00".into(),
                expected: "01".into(),
                again: None,
            };
        });
        report.unwrap()
    };
    let judged = |report: &ReplayReport| report.judge(&report.results()[0]);
    // Version 1 judged by itself, and has no report on what it could not judge.
    let in_v1 = |report: &ReplayReport| {
        let json = report.to_json().unwrap().replacen("/v2\"", "/v1\"", 1);
        ReplayReport::from_json(json.as_bytes())
    };
    let comparable: [fn(&mut Machine); 3] = [
        |_| {},
        |machine| machine.executable = None,
        |machine| machine.environment.threads = 99,
    ];
    for change in comparable {
        let report = differing(EntryField::Parameters, change);
        assert_eq!(judged(&report), Judgement::Fails);
        let old = in_v1(&report).unwrap();
        assert_eq!(old.version(), ReportVersion::V1);
        assert_eq!(judged(&old), Judgement::Fails);
        assert!(old.to_json().unwrap().contains("replay-report/v1"));
    }
    let others: [fn(&mut Machine); 4] = [
        |machine| machine.environment.burn.push('1'),
        |machine| machine.environment.backend.push('1'),
        |machine| machine.environment.device.push('1'),
        |machine| machine.environment.cpu.push('1'),
    ];
    for change in others {
        for field in [
            EntryField::InitialState,
            EntryField::Parameters,
            EntryField::Loss,
            EntryField::LearningRateRounding,
            EntryField::State,
        ] {
            let report = differing(field, change);
            let found = judged(&report);
            assert!(matches!(found, Judgement::NotComparable(_)), "{found:?}");
            refused(in_v1(&report), "cannot be said to differ");
        }
        // Which samples a step saw follows from hashes alone.
        for field in [EntryField::Batch, EntryField::Step] {
            let report = differing(field, change);
            assert_eq!(judged(&report), Judgement::Fails);
            assert!(in_v1(&report).is_ok());
        }
    }
}

/// What only one of the two versions has.
fn has_the_outcomes_of_its_version() {
    let run = LongRun::record(3);
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let why = String::from("x");
    let report = |change: &dyn Fn(&mut SegmentResult)| {
        run.report(&challenge, Shard::WHOLE, |result| change(result))
    };
    let new = |result: &mut SegmentResult| {
        result.outcome = SegmentOutcome::NotComparable { why: why.clone() };
    };
    refused(
        report(&new),
        "only version 1 of the report has this outcome",
    );
    let own = |result: &mut SegmentResult| result.control = Some(result.segment.index);
    refused(report(&own), "it is its own control");
    let differs = SegmentOutcome::Differs {
        step: 1,
        field: EntryField::Batch,
        found: "00".into(),
        expected: "01".into(),
        again: Some(Again::Same),
    };
    let outcomes = [
        differs,
        SegmentOutcome::Malformed { why: why.clone() },
        SegmentOutcome::Unfit { why: why.clone() },
        SegmentOutcome::NotChecked { why: why.clone() },
    ];
    let v1 = |report: ReplayReport| {
        let json = report.to_json().unwrap().replacen("/v2\"", "/v1\"", 1);
        ReplayReport::from_json(json.as_bytes())
    };
    for outcome in outcomes {
        let change = |result: &mut SegmentResult| result.outcome = outcome.clone();
        let words = "its outcome is not one of version 1 of the report";
        refused(v1(report(&change).unwrap()), words);
    }
    let controlled = |result: &mut SegmentResult| {
        if result.segment.index.0 == 0 {
            result.control = Some(SegmentIndex(1));
        }
    };
    let words = "version 1 of the report has no controls and no probes";
    refused(v1(report(&controlled).unwrap()), words);
}

/// A file names a machine once, and each of its results gets a copy. Long texts
/// would let a file ask for much memory.
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
            run.report(&challenge, Shard::WHOLE, |result| {
                *text(Arc::make_mut(&mut result.machine)) = "x".repeat(len);
            })
        };
        refused(report(1025), "a text of 1025 bytes, at most 1024");
        let json = report(1024).unwrap().to_json().unwrap();
        let longer = json.replacen(&"x".repeat(1024), &"x".repeat(1025), 1);
        let read = ReplayReport::from_json(longer.as_bytes());
        refused(read, "a text of 1025 bytes, at most 1024");
    }
    // Also the machine that recorded, which comes first in the file.
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
    assert!(report.write_new(&path).is_err());
    // Nothing is left beside it.
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let nowhere = dir.path().join("none/replay.json");
    for error in [
        report.write(&nowhere).unwrap_err(),
        ReplayReport::read(&nowhere).unwrap_err(),
        ReplayReport::read(dir.path()).unwrap_err(),
    ] {
        let named = matches!(error, ReportError::File(_) | ReportError::Io { .. });
        assert!(named, "{error}");
    }
}
