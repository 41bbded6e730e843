//! A disk that runs full while a run is recorded.

use pow_audit::{Level, Verdict};
use pow_ledger::{LedgerError, RunDir};
use pow_tests::audits::{expect, unfinished_report};
use pow_tests::fixture::{Plan, Recorder};
use pow_tests::tmpfs::Tmpfs;
use std::io::ErrorKind;

tests! {
    Tmpfs: what_was_acknowledged_survives_a_full_disk
}

fn what_was_acknowledged_survives_a_full_disk() {
    let disk = Tmpfs::mount("128k").unwrap();
    let path = disk.path().join("run");
    let plan = Plan {
        planned: None,
        // Checkpoints would fill the disk before the chain does.
        checkpoint_every: 0,
        ..Plan::default()
    };
    let mut recorder = Recorder::begin(&path, &plan);
    recorder.steps(&[0]);
    // Blocks of some 700 bytes; the disk is full after fewer than 1,000.
    let error = (0..1000u64)
        .map(|i| 7 * i + 1)
        .find_map(|step| {
            let steps: Vec<u64> = (step..step + 7).collect();
            recorder.try_steps(&steps).err()
        })
        .unwrap();
    let LedgerError::Io { path: file, source } = &error else {
        panic!("{error}");
    };
    assert_eq!(source.kind(), ErrorKind::StorageFull);
    assert_eq!(file, &path.join("chain.pow"));

    // After a failed write nothing more is appended.
    let again = recorder.try_steps(&[7001]).unwrap_err();
    assert!(matches!(again, LedgerError::Poisoned(_)), "{again}");
    let acknowledged = recorder.blocks();
    drop(recorder);

    assert!(acknowledged > 10);
    let report = unfinished_report(&RunDir::new(&path));
    assert!(report.holds(), "{report}");
    expect(&report, Level::Chain, Verdict::Holds, &[]);
    let chain = report.chain.as_ref().unwrap();
    assert_eq!(u64::from(chain.height) + 1, acknowledged);
}
