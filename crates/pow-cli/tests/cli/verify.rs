//! `pow verify` on good runs, and on nearly good ones.

use crate::program::{export, inspect, verify};
use pow_tests::fixture::{Fixture, Plan, Recorder};

#[test]
fn a_finished_run_holds() {
    let fixture = Fixture::default();
    let run = fixture.run.path();
    let words = [
        "CONSISTENT, UNANCHORED",
        "*CHAIN      holds",
        "*ARTIFACT   holds",
        "NOT SHOWN",
    ];
    verify(run, &[]).expect(0, &words);
    let report = verify(run, &["--json"]).json();
    assert_eq!(report["schema"], "burn-pow/verify/v0");
    assert_eq!(report["holds"], true);
    assert_eq!(report["chain"]["genesis"], fixture.genesis.to_string());
    assert_eq!(report["chain"]["height"], 6);
    assert_eq!(report["chain"]["step"], 6);
    assert_eq!(report["chain"]["ending"], "completed");
}

#[test]
fn an_unfinished_run_cannot_be_asked_to_be_finished() {
    let fixture = Fixture::default();
    let run = fixture.run.path();
    for level in ["finished", "chain,artifact"] {
        let outcome = verify(run, &["--allow-unfinished", "--require", level]);
        outcome.expect(2, &[]);
        assert!(outcome.stderr.contains("contradicts"), "{outcome:?}");
    }
    verify(run, &["--allow-unfinished", "--require", "chain,state"]).expect(0, &[]);
}

#[test]
fn only_the_pinned_genesis_will_do() {
    let fixture = Fixture::default();
    let run = fixture.run.path();
    let genesis = fixture.genesis.to_string();
    for written in [genesis.clone(), format!("0x{genesis}")] {
        verify(run, &["--genesis", &written]).expect(0, &["CONSISTENT WITH THE PINNED GENESIS"]);
    }
    for wrong in [&genesis[2..], &format!("0x0x{genesis}")] {
        verify(run, &["--genesis", wrong]).expect(2, &["expected 64 hex digits"]);
    }

    // The same training, mined again, is in itself as good as the first.
    let other = Fixture::record(&Plan {
        name: "renamed".into(),
        ..Plan::default()
    });
    verify(other.run.path(), &[]).expect(0, &["CONSISTENT, UNANCHORED"]);
    let outcome = verify(other.run.path(), &["--genesis", &genesis]);
    let found = other.genesis;
    let words = format!("byte 16: block 0: genesis is {found}, pinned is {genesis}");
    outcome.expect(1, &["DOES NOT HOLD (chain)", &words]);
}

#[test]
fn what_was_not_checked_does_not_hold() {
    let fixture = Fixture::default();
    let run = fixture.run.path();
    // Nobody replayed the run and nothing anchors it, so asking for that fails.
    for level in ["time", "replay", "detection"] {
        let outcome = verify(run, &["--require", level]);
        outcome.expect(1, &[&format!("DOES NOT HOLD ({level})"), "not checked"]);
    }
    verify(run, &["--require", "chain,finished,work,state,artifact"]).expect(0, &[]);
}

#[test]
fn a_failing_level_that_was_not_required_is_said() {
    let fixture = Fixture::default();
    std::fs::write(fixture.run.config(), b"{}").unwrap();
    let run = fixture.run.path();
    let words = ["OTHERS FAIL", " STATE      FAILS", "config.json has digest"];
    verify(run, &[]).expect(0, &words);
    verify(run, &["--require", "state"]).expect(1, &["DOES NOT HOLD (state)"]);
}

#[test]
fn a_run_cannot_write_its_own_report() {
    let name = "x\n*REPLAY     holds\r\x1b[2Jy";
    let fixture = Fixture::record(&Plan {
        name: name.into(),
        ..Plan::default()
    });
    let run = fixture.run.path();
    for outcome in [verify(run, &[]), inspect(run, &[])] {
        outcome.expect(0, &["x\\n*REPLAY"]);
        assert!(!outcome.stdout.contains("\n*REPLAY     holds"));
        let control = |c: char| c.is_control() && c != '\n';
        assert!(!outcome.stdout.contains(control), "{outcome:?}");
    }
    // JSON carries the name as it is, escaped by JSON's own rules.
    assert_eq!(verify(run, &["--json"]).json()["chain"]["name"], name);
}

#[test]
fn a_chain_file_alone_is_judged_as_far_as_it_goes() {
    let fixture = Fixture::default();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("copy of a chain");
    std::fs::copy(fixture.run.chain(), &file).unwrap();
    let alone = "only the chain file was given";
    let words = [
        "CONSISTENT, UNANCHORED",
        "*CHAIN      holds",
        "*FINISHED   holds",
        " DATA       holds in part",
        &format!(" STATE      not checked    {alone}"),
        &format!(" ARTIFACT   not checked    {alone}"),
    ];
    verify(&file, &[]).expect(0, &words);
    for level in ["artifact", "state"] {
        let words = format!("DOES NOT HOLD ({level})");
        verify(&file, &["--require", level]).expect(1, &[&words, alone]);
    }
    // The others read it as they do in its directory.
    let run = fixture.run.path();
    let inspected = inspect(&file, &[]);
    inspected.expect(0, &["7 blocks"]);
    assert_eq!(inspected.stdout, inspect(run, &[]).stdout);
    let blocks = |of| export(of, &["--format", "blk"]).1;
    assert_eq!(blocks(&file), blocks(run));

    let mut bytes = std::fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    verify(&file, &[]).expect(1, &["DOES NOT HOLD (chain)"]);
    std::fs::write(&file, &bytes[..last]).unwrap();
    verify(&file, &["--allow-unfinished"]).expect(0, &["UNFINISHED"]);
}

#[test]
fn times_are_dates_and_one_is_no_plural() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    let plan = Plan {
        planned: Some(1),
        ..Plan::default()
    };
    let mut recorder = Recorder::begin(&run, &plan);
    let began = "2023-11-14T22:13:20.123Z";
    let one = ["1 block, 0 entries;", "1 step planned", began];
    verify(&run, &["--allow-unfinished"]).expect(0, &one);
    recorder.steps(&[0]);
    let words = [
        "2 blocks, 1 entry;",
        "config.json and 1 of 1 checkpoint present",
    ];
    verify(&run, &["--allow-unfinished"]).expect(0, &words);
    let inspected = inspect(&run, &[]);
    inspected.expect(0, &["2 blocks, 1 entry\n", &format!("started {began}")]);
}

#[test]
fn a_damaged_record_says_both_checksums() {
    let fixture = Fixture::default();
    let mut bytes = std::fs::read(fixture.run.chain()).unwrap();
    let end = fixture.file().boundaries()[1];
    let stored = u32::from_le_bytes(bytes[end - 4..end].try_into().unwrap());
    bytes[end - 4..end].copy_from_slice(&[0x11, 0x22, 0x33, 0x44]);
    fixture.write(bytes);
    let words = format!("is 0x44332211 as stored, {stored:#010x} as computed");
    verify(fixture.run.path(), &[]).expect(1, &[&words]);
}
