//! Runs whose path is not UTF-8.

use crate::program::{Outcome, export, inspect, pow, prove, verify};
use pow_tests::fixture::{Fixture, Plan};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use tempfile::TempDir;

fn recorded() -> (TempDir, PathBuf) {
    let place = TempDir::new().unwrap();
    let path = place.path().join(OsStr::from_bytes(b"run \xff\n\x1b[2J"));
    let fixture = Fixture::record(&Plan::default());
    std::fs::rename(fixture.run.path(), &path).unwrap();
    (place, path)
}

#[test]
fn every_command_takes_a_name_of_any_bytes() {
    let (place, run) = recorded();
    verify(&run, &["--require", "chain,finished,state,artifact"]).expect(0, &[]);
    verify(&run, &["--json"]).json();
    inspect(&run, &[]).expect(0, &[]);
    inspect(&run, &["--json"]).expect(0, &[]);
    let words = |words: &[&str]| -> Vec<OsString> { words.iter().map(OsString::from).collect() };
    let with_run = |before: &[&str], after: &[&str]| -> Outcome {
        let mut all = words(before);
        all.push(run.clone().into_os_string());
        all.extend(words(after));
        pow(&all)
    };
    for (before, after) in [
        (&["lineage"][..], &[][..]),
        (&["lineage", "--json"], &[]),
        (&["challenge"], &["--all"]),
        (&["challenge", "--json"], &["--all"]),
        (&["fingerprint"], &[]),
        (&["fingerprint", "--json"], &[]),
    ] {
        let outcome = with_run(before, after);
        outcome.expect(0, &[]);
        assert!(
            !outcome.stdout.contains('\u{1b}'),
            "{before:?}: {}",
            outcome.stdout
        );
    }
    let value = place.path().join(OsStr::from_bytes(b"value \xff"));
    let mut arguments = words(&["prove"]);
    arguments.push(run.clone().into_os_string());
    arguments.extend(words(&["--step", "6", "--tensor", "conv.bias", "--value"]));
    arguments.push(value.clone().into_os_string());
    pow(&arguments).expect(0, &[]);
    assert!(value.is_file());
    let chain = run.join("chain.pow");
    verify(&chain, &["--require", "chain"]).expect(0, &[]);
    assert_eq!(export(&run, &["--format", "blk"]).0.code, Some(0));
}

#[test]
fn an_error_shows_such_a_name_in_one_line() {
    let (_place, run) = recorded();
    std::fs::remove_file(run.join("chain.pow")).unwrap();
    for outcome in [
        verify(&run, &[]),
        inspect(&run, &[]),
        prove(&run, &["--step", "0"]),
    ] {
        assert_eq!(outcome.code, Some(2), "{outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
        assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
        // The byte that is no text, and the line break.
        assert!(outcome.stderr.contains("run \u{fffd}\\n"), "{outcome:?}");
    }
}
