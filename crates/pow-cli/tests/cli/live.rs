//! Runs that go on, or were killed.

use crate::program::{inspect, verify};
use pow_tests::fixture::{Plan, Recorder};
use tempfile::TempDir;

#[test]
fn a_run_can_be_verified_while_it_is_written() {
    let dir = TempDir::new().unwrap();
    let run = dir.path().join("run");
    let mut recorder = Recorder::begin(&run, &Plan::default());
    let accepts = |blocks: u32| {
        let last = format!("no final block after block {}", blocks - 1);
        verify(&run, &["--allow-unfinished"]).expect(0, &["UNFINISHED", &last]);
        verify(&run, &[]).expect(1, &["DOES NOT HOLD (finished)", &last]);
        inspect(&run, &[]).expect(0, &[&format!("{blocks} blocks")]);
    };
    accepts(1);
    for (steps, blocks) in [&[0][..], &[1, 2], &[3], &[4, 5], &[6]].iter().zip(2..) {
        recorder.steps(steps);
        accepts(blocks);
    }
    recorder.finish();
    verify(&run, &[]).expect(0, &["CONSISTENT, UNANCHORED"]);
    let outcome = verify(&run, &["--allow-unfinished"]);
    outcome.expect(0, &[]);
    assert!(!outcome.stdout.contains("UNFINISHED"), "{outcome:?}");
    // The file was read only: the writer's lock and end are as they were.
    drop(recorder);
    verify(&run, &[]).expect(0, &[]);
}

#[test]
fn a_run_without_a_block_is_not_yet_a_chain() {
    let dir = TempDir::new().unwrap();
    let run = dir.path().join("run");
    let (_files, _chain) = pow_ledger::RunDir::new(&run)
        .create(b"{}", pow_ledger::Durability::Grouped)
        .unwrap();
    verify(&run, &["--allow-unfinished"]).expect(1, &["byte 16: no genesis block"]);
    inspect(&run, &[]).expect(1, &["byte 16: no genesis block"]);
}
