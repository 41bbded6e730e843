//! Runs that are being written, or were killed.

use crate::program::{inspect, verify};
use pow_ledger::{Durability, RunDir};
use pow_tests::fixture::{Fixture, Plan, Recorder};
use std::path::Path;
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
        let counted = match blocks {
            1 => "1 block, ".into(),
            _ => format!("{blocks} blocks, "),
        };
        inspect(&run, &[]).expect(0, &[&counted]);
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
    let created = RunDir::new(&run).create(b"{}", Durability::Grouped);
    let (_files, _chain) = created.unwrap();
    has_no_block_yet(&run);
    // A run whose first block is being written is not one yet either.
    let other = Fixture::default();
    let file = other.file();
    let end = file.boundaries()[1];
    for cut in [17, 40, end - 1] {
        other.write(&file.to_bytes()[..cut]);
        has_no_block_yet(other.run.path());
    }
    // A whole first record that is damaged is a fault.
    let mut bytes = file.to_bytes()[..end].to_vec();
    bytes[end - 1] ^= 1;
    other.write(&bytes);
    let outcome = verify(other.run.path(), &[]);
    outcome.expect(1, &["DOES NOT HOLD (chain)", "*CHAIN      FAILS"]);
    inspect(other.run.path(), &[]).expect(1, &["byte 16: "]);
}

#[track_caller]
fn has_no_block_yet(run: &Path) {
    let words = "byte 16: no genesis block yet: it is still being mined";
    for more in [&[][..], &["--allow-unfinished"]] {
        let outcome = verify(run, more);
        outcome.expect(1, &[": NO BLOCK YET", "*CHAIN      not checked", words]);
        assert!(!outcome.stdout.contains("FAILS"), "{outcome:?}");
    }
    inspect(run, &[]).expect(0, &["0 blocks", words]);
    inspect(run, &["--json"]).expect(0, &["\"no_block_yet\":true", words]);
}
