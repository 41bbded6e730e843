//! What the audit makes of a replay report.

use super::bench::{Bench, differs, expect, tolerance};
use pow_audit::replay::{
    Amount, Challenge, EntryField, Fraction, Goal, ReplayReport, SecurityBits, SegmentEnd,
    SegmentOutcome, SegmentResult, Shard,
};
use pow_audit::{AuditError, AuditOptions, Level, Verdict, audit};
use pow_core::challenge::{ChallengeSource, ChallengeValue, SegmentCount, SegmentIndex};
use pow_core::hash::BlockHash;
use pow_tests::fixture::Plan;
use pow_tests::long_run::{LongRun, goal, other_machine, source};

tests! {
    say_nothing_without_a_report, hold_if_all_is_bit_exact, fail_if_one_segment_differs,
    accuse_nobody_of_rounding, hold_in_part_for_less_than_bits,
    state_detection_for_a_pinned_head_only, draw_the_challenge_again, are_of_this_chain_alone
}

fn say_nothing_without_a_report() {
    let bench = Bench::new();
    // A report in the run directory is not looked at.
    let challenge = bench.run.challenge(source(), Amount::All);
    let report = bench.run.exact(&challenge, Shard::WHOLE);
    for name in [
        "replay.json",
        "replay-report.json",
        "checkpoints/replay.json",
    ] {
        report.write(&bench.run.run.path().join(name)).unwrap();
    }
    let found = audit(&bench.run.run, &AuditOptions::default(), &mut |_| {}).unwrap();
    let words = [
        "no step was executed again",
        "that the training happened: only a replay",
        "that the committed code is what ran\n",
    ];
    expect(&found, Verdict::NotChecked, Verdict::NotChecked, &words);
    // A file that is not a report gives no verdict, and neither does none.
    std::fs::write(bench.path(), "{}").unwrap();
    for _ in 0..2 {
        let error = bench.audit_written(&[]).unwrap_err();
        assert!(matches!(error, AuditError::ReplayReport(_)), "{error}");
        let _ = std::fs::remove_file(bench.path());
    }
}

fn hold_if_all_is_bit_exact() {
    let bench = Bench::new();
    let report = bench.exact(source(), Some(bench.head()));
    let segments = bench.run.challenge(source(), goal()).challenged().len();
    let words = [
        "CONSISTENT WITH THE PINNED HEAD, UNANCHORED IN TIME",
        &format!(
            "according to {}: {segments} of {segments} segments bit-exact, of 12 in the chain",
            bench.path().display()
        ),
        "challenge from a verifier's value ab00: 4 picked of 10, and 2 always checked",
        "as genesis says",
        "in the environment that genesis names",
        // 3 of 10 bad, 4 picked: 1 - C(7, 4) / C(10, 4).
        "if 3 of the 10 segments that may be picked are bad, one of them is found with probability 0.833",
        "a single bad one is found with probability 4/10 = 0.400",
        "is true: it is only the claim of whoever made it",
        "that the 6 segments not executed again follow from code and data",
        "that the committed code is what ran, where it was not executed again",
    ];
    expect(&report, Verdict::Holds, Verdict::Holds, &words);
    assert!(
        !report.to_string().contains("only a replay of the steps"),
        "{report}"
    );

    // With all of them nothing is left to chance, pinned or not.
    for source in [ChallengeSource::Head, source()] {
        let challenge = bench.run.challenge(source, Amount::All);
        let all = bench.audit(&bench.run.exact(&challenge, Shard::WHOLE), None);
        let words = ["12 of 12 segments bit-exact", "every segment was executed"];
        expect(&all, Verdict::Holds, Verdict::Holds, &words);
        for words in [
            "not executed again",
            "committed code",
            "how likely bad",
            "only part",
        ] {
            assert!(!all.to_string().contains(words), "{all}");
        }
    }

    // By another program, from a state that cannot be regenerated.
    let bench = Bench::of(LongRun::record_with(12, |genesis| {
        genesis.initial.regenerable = false;
        genesis.code.executable = None;
    }));
    let report = bench.exact(source(), Some(bench.head()));
    let words = [
        "genesis says unknown: NOT COMPARED",
        "where the initial state came from",
        "that the committed code is what ran\n",
        "taken on trust: the weights, the optimizer's state and the positions of the first",
    ];
    expect(&report, Verdict::Holds, Verdict::Partly, &words);
    // Not even if every segment was executed.
    let all = bench.changed(|_| {}, Some(bench.head()));
    let words = ["every segment was executed", "taken on trust"];
    expect(&all, Verdict::Holds, Verdict::Partly, &words);
}

fn fail_if_one_segment_differs() {
    let bench = Bench::new();
    let differs = SegmentOutcome::Differs {
        step: 5,
        field: EntryField::Parameters,
        found: "aa".into(),
        expected: "bb".into(),
        again: None,
    };
    let absent = SegmentOutcome::CheckpointAbsent {
        which: SegmentEnd::Start,
    };
    let malformed = SegmentOutcome::Malformed {
        why: "the state of step 4 says cursor 7".into(),
    };
    let damaged = SegmentOutcome::CheckpointDamaged {
        which: SegmentEnd::End,
        why: "torn\nCHAIN holds".into(),
    };
    #[rustfmt::skip]
    let cases = [
        (differs, "segment 4 (steps 4 to 5, block 2): step 5 DIFFERS: its parameter root is aa, but the chain says bb"),
        (malformed, "the run CONTRADICTS itself: the state of step 4 says cursor 7"),
        (absent, "the checkpoint of step 4 is ABSENT"),
        (damaged, "the checkpoint of step 5 is DAMAGED: torn\\nCHAIN holds"),
    ];
    for (outcome, words) in cases {
        let report = bench.with(&outcome);
        let words = [
            "11 of 12 segments bit-exact",
            words,
            "OTHERS FAIL",
            "only a replay of the steps",
        ];
        expect(&report, Verdict::Fails, Verdict::NotChecked, &words);
    }
    // It fails what is required as well, and one failure outweighs all else.
    let found = bench.audit(&bench.run.varied(Shard::WHOLE), None);
    expect(&found, Verdict::Fails, Verdict::NotChecked, &["3 of 12"]);
    let found = bench.audit_written(&[Level::Replay]).unwrap();
    assert!(!found.holds());
    assert_eq!(found.headline, "DOES NOT HOLD (replay)");
}

fn accuse_nobody_of_rounding() {
    let bench = Bench::new();
    let elsewhere = |result: &mut SegmentResult| {
        if result.segment.index.0 == 4 {
            result.machine = other_machine(&result.machine);
            result.outcome = differs(EntryField::Parameters, None);
        }
    };
    let found = bench.changed(elsewhere, Some(bench.head()));
    let words = [
        " REPLAY     not comparable",
        "segment 4 (steps 4 to 5, block 2): step 5 DIFFERS",
        "not comparable: this machine computes differently from the one that genesis describes: \"cpu is other, was any\"",
        "MISMATCH, genesis says",
        "cpu \"other\", genesis \"any\"",
        // Nothing condemns the run.
        "CONSISTENT WITH THE PINNED HEAD, UNANCHORED IN TIME, THE REPLAY IS NOT COMPARABLE",
        "only a replay of the steps",
    ];
    expect(&found, Verdict::NotComparable, Verdict::NotChecked, &words);
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(json["levels"][6]["verdict"], "not_comparable");

    // Equal bits are equal bits on whichever machine.
    let elsewhere = |result: &mut SegmentResult| result.machine = other_machine(&result.machine);
    let found = bench.changed(elsewhere, Some(bench.head()));
    let words = ["in another environment than genesis", "what ran\n"];
    expect(&found, Verdict::Holds, Verdict::Holds, &words);
}

fn hold_in_part_for_less_than_bits() {
    let bench = Bench::new();
    let why = "foreign order".to_owned();
    let refused = SegmentOutcome::Refused { why };
    let report = bench.with(&refused);
    let words = ["not executed: foreign order", "11 of 12"];
    expect(&report, Verdict::Partly, Verdict::NotChecked, &words);
    // A tolerance is for machines where equal bits cannot be expected.
    let (partly, apart) = (Verdict::Partly, Verdict::NotComparable);
    for (outcome, verdict, words) in [
        (
            tolerance(0.5, 0.5, None),
            partly,
            "is 0.5, within the threshold 0.5: weaker",
        ),
        (
            tolerance(0.5, 0.6, None),
            apart,
            "is 0.6, beyond the threshold 0.5: weaker",
        ),
        (
            tolerance(0.5, 0.5, Some(0.6)),
            apart,
            "a loss is apart by 0.6 of itself, beyond it",
        ),
        (
            tolerance(0.5, 0.1, Some(0.5)),
            partly,
            "a loss is apart by 0.5 of itself, within it",
        ),
    ] {
        let elsewhere = |result: &mut SegmentResult| {
            if result.segment.index == SegmentIndex(4) {
                result.outcome = outcome.clone();
                result.machine = other_machine(&result.machine);
            }
        };
        let report = bench.changed(elsewhere, Some(bench.head()));
        expect(&report, verdict, Verdict::NotChecked, &[words]);
    }
    let challenge = bench.run.challenge(source(), Amount::All);
    let here = bench.run.report(&challenge, Shard::WHOLE, |result| {
        result.outcome = tolerance(0.5, 0.1, None);
    });
    let words = "a tolerance, although equal bits can be expected on this machine";
    assert!(here.unwrap_err().to_string().contains(words));
    let found = bench.changed(|result| result.outcome = refused.clone(), None);
    let words = ["0 of 12", "and 4 more that are not bit-exact"];
    expect(&found, Verdict::NotChecked, Verdict::NotChecked, &words);
    assert_eq!(
        found.to_string().matches("not executed: foreign").count(),
        8
    );
    let eight = |result: &mut SegmentResult| {
        if result.segment.index.0 < 8 {
            result.outcome = refused.clone();
        }
    };
    let found = bench.changed(eight, None).to_string();
    assert!(!found.contains("more that are not"), "{found}");

    // Steps after the last checkpoint, of a run of unknown length, are a segment.
    let plan = Plan {
        planned: None,
        checkpoint_every: 3,
        ..Plan::default()
    };
    let open = Bench::of(LongRun::record_plan(plan, 11, |_| {}));
    let all = open.run.challenge(source(), Amount::All);
    let found = open.audit(&open.run.exact(&all, Shard::WHOLE), None);
    let words = ["4 of 4 segments bit-exact", "every segment was executed"];
    expect(&found, Verdict::Holds, Verdict::Holds, &words);
    let absent = open.run.report(&all, Shard::WHOLE, |result| {
        if result.segment.to_state.is_none() {
            result.outcome = SegmentOutcome::CheckpointAbsent {
                which: SegmentEnd::End,
            };
        }
    });
    let absent = absent.unwrap_err().to_string();
    let words = "segment 3: it has no checkpoint at its end that could be missing";
    assert_eq!(absent, words);

    let challenge = bench.run.challenge(source(), Amount::All);
    let part = bench.run.exact(&challenge, "2/3".parse().unwrap());
    let found = bench.audit(&part, Some(bench.head()));
    let words = [
        "4 of 4 segments bit-exact",
        "only part 2/3 of the challenge",
    ];
    expect(&found, Verdict::Partly, Verdict::NotChecked, &words);
}

fn state_detection_for_a_pinned_head_only() {
    let bench = Bench::new();
    // Pinned: see `bit_exact`. Not pinned: nothing is stated.
    let beacon = ChallengeSource::Beacon(ChallengeValue::new(vec![5; 33]).unwrap());
    for source in [source(), beacon.clone()] {
        let report = bench.exact(source, None);
        let words = [
            "the head is not pinned (--head)",
            "how likely bad segments would have been found",
            "CONSISTENT, UNANCHORED",
        ];
        expect(&report, Verdict::Holds, Verdict::NotChecked, &words);
        assert!(!report.to_string().contains("with probability"), "{report}");
    }
    // Nobody drew anything: neither by number, nor for a security of no bits.
    for amount in [
        Amount::Count(SegmentCount(0)),
        Amount::Goal(Goal {
            fraction: Fraction::TENTH,
            security: SecurityBits(0),
        }),
    ] {
        let named = [SegmentIndex(4), SegmentIndex(5)];
        let challenge = Challenge::draw(&bench.run.segments, source(), amount, named).unwrap();
        let report = bench.run.exact(&challenge, Shard::WHOLE);
        let report = bench.audit(&report, Some(bench.head()));
        let words = ["no segment was picked at random"];
        expect(&report, Verdict::Holds, Verdict::NotChecked, &words);
    }
    let report = bench.exact(beacon, Some(bench.head()));
    let words = [
        "0505050505… (33 bytes), which was not compared with the beacon",
        "with probability",
    ];
    expect(&report, Verdict::Holds, Verdict::Holds, &words);

    // From the head alone: the cost of forging it, whether pinned or not. The
    // last block has 16 zero bits, and C(10, 4) / C(7, 4) = 6.
    for head in [None, Some(bench.head())] {
        let report = bench.exact(ChallengeSource::Head, head);
        let words = [
            "until it misses 3 bad of 10 segments takes 2^2.6 expected heads, 2^18.6 expected hashes: 13 ms on a CPU core",
            "a single bad one takes 2^0.7 expected heads",
            "only the last block has to be mined that often",
        ];
        expect(&report, Verdict::Holds, Verdict::Partly, &words);
        assert!(!report.to_string().contains("with probability"), "{report}");
    }

    // Another head than the pinned one.
    let report = bench.exact(source(), Some(BlockHash([7; 32])));
    assert_eq!(report.level(Level::Chain).unwrap().verdict, Verdict::Fails);
    assert_eq!(
        report.level(Level::Detection).unwrap().verdict,
        Verdict::NotChecked
    );
    assert!(!report.holds(), "{report}");
}

/// Whoever replays cannot choose what.
fn draw_the_challenge_again() {
    let bench = Bench::new();
    let amount = Amount::Count(SegmentCount(4));
    let good = bench.run.challenge(source(), amount);
    let json = bench.run.exact(&good, Shard::WHOLE).to_json().unwrap();
    let written = |json: &str| {
        let report = ReplayReport::from_json(json.as_bytes()).unwrap();
        let found = bench.audit(&report, Some(bench.head()));
        let level = found.level(Level::Replay).unwrap();
        (level.verdict, level.lines[0].clone())
    };
    assert_eq!(written(&json).0, Verdict::Holds);
    let value = "\"value\": \"ab00\",";
    let goal = format!("{value}\n    \"fraction\": \"0.1\",\n    \"security\": 10,");
    for (other, words) in [
        // The report of one value passed off as that of another.
        (
            "\"value\": \"ab01\",",
            "not a report on this chain: the challenge picks other segments",
        ),
        // A goal that takes more picks.
        (&*goal, "4 segments were picked, but its goal needs 10"),
    ] {
        let (verdict, line) = written(&json.replacen(value, other, 1));
        assert_eq!(verdict, Verdict::Fails);
        assert!(line.contains(words), "{line}");
    }
    // Picks passed off as chosen: named segments are no part of the formula.
    let named = Challenge::draw(&bench.run.segments, source(), amount, [SegmentIndex(5)]).unwrap();
    let report = bench.audit(&bench.run.exact(&named, Shard::WHOLE), Some(bench.head()));
    let words = [
        "4 picked of 9, and 3 always checked",
        "probability 4/9 = 0.444",
    ];
    expect(&report, Verdict::Holds, Verdict::Holds, &words);
}

fn are_of_this_chain_alone() {
    let bench = Bench::new();
    let challenge = bench.run.challenge(source(), Amount::All);
    let json = bench.run.exact(&challenge, Shard::WHOLE).to_json().unwrap();
    let chain = bench.run.segments.chain();
    let root = |step: u64| bench.run.segments.get(SegmentIndex(step)).unwrap();
    let other = LongRun::record_with(12, |genesis| genesis.name.push('2'));
    let placed = |block: u32| {
        let (from, to) = (root(7).from_state, root(7).to_state.unwrap());
        format!(
            "\"from_state\": \"{from}\",\n      \"to_state\": \"{to}\",\n      \"block\": {block}"
        )
    };
    let (genesis, head) = (
        chain.genesis_hash().to_string(),
        chain.head_hash().to_string(),
    );
    let state_of_6 = root(6).to_state.unwrap().to_string();
    let [zeros, ones] = ["00", "11"].map(|byte| byte.repeat(32));
    #[rustfmt::skip]
    let cases = [
        (&*genesis, &*zeros, "about another chain"),
        (&head, &zeros, "the chain that was replayed ends with block"),
        ("\"finished\": true", "\"finished\": false", "whether the chain is finished"),
        (&state_of_6, &ones, "segment 6: its steps, state roots"),
        (&placed(3), &placed(4), "segment 7: its steps, state roots"),
        // What it says of the recording machine is genesis's.
        ("\"burn\": \"none\"", "\"burn\": \"0.1\"", "it describes another recording machine than genesis"),
    ];
    for (from, to, words) in cases {
        assert!(json.contains(from), "{from} in {json}");
        let all = words.contains("machine");
        let changed = if all {
            json.replace(from, to)
        } else {
            json.replacen(from, to, 1)
        };
        let report = ReplayReport::from_json(changed.as_bytes()).unwrap();
        let found = bench.audit(&report, None);
        expect(&found, Verdict::Fails, Verdict::NotChecked, &[words]);
    }
    // The report on a shorter chain, passed off as one on this chain.
    let short = LongRun::record(5);
    let report = short.exact(&short.challenge(source(), Amount::All), Shard::WHOLE);
    let there = report.chain();
    let passed_off = report
        .to_json()
        .unwrap()
        .replace(&there.genesis.to_string(), &genesis)
        .replace(&there.head.to_string(), &head)
        .replace("\"height\": 3", "\"height\": 6");
    let report = ReplayReport::from_json(passed_off.as_bytes()).unwrap();
    let words = ["it is about 5 segments, but the chain has 12"];
    let found = bench.audit(&report, None);
    expect(&found, Verdict::Fails, Verdict::NotChecked, &words);
    let foreign = other.exact(&other.challenge(source(), Amount::All), Shard::WHOLE);
    let found = bench.audit(&foreign, None);
    let words = ["about another chain"];
    expect(&found, Verdict::Fails, Verdict::NotChecked, &words);
    // A chain that breaks is not compared with anything.
    let chain = bench.run.run.chain();
    let mut bytes = std::fs::read(&chain).unwrap();
    let at = bytes.len() - 100;
    bytes[at] ^= 1;
    std::fs::write(&chain, bytes).unwrap();
    let good = ReplayReport::from_json(json.as_bytes()).unwrap();
    let found = bench.audit(&good, None);
    let replay = found.level(Level::Replay).unwrap();
    assert_eq!(replay.verdict, Verdict::NotChecked, "{found}");
    assert!(
        replay.lines[0].contains("the chain does not hold"),
        "{found}"
    );
}
