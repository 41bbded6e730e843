//! What is in a run directory, and whether two runs are the same.

use pow_audit::replay::{ReplayReport, SegmentOutcome};
use pow_audit::walk::walk;
use pow_audit::{AuditOptions, AuditReport, Level, audit};
use pow_core::body::{BodyKind, Entry};
use pow_ledger::{ChainReader, RunDir};
use std::path::Path;

/// Requires every level that needs no more than the run.
pub fn options() -> AuditOptions {
    AuditOptions {
        require: [Level::Chain, Level::Finished, Level::State, Level::Artifact].into(),
        ..AuditOptions::default()
    }
}

/// The report of a finished run, which must hold.
#[track_caller]
pub fn verified(run: &RunDir) -> AuditReport {
    let report = audit(run, &options(), &mut |_| {}).unwrap();
    assert!(report.holds(), "{report}");
    report
}

/// The report of a run that may be unfinished. A chain of its genesis block alone commits
/// to no state yet.
pub fn unfinished_report(run: &RunDir) -> AuditReport {
    let mut options = AuditOptions {
        allow_unfinished: true,
        ..options()
    };
    if entries(run).is_empty() {
        options.require.remove(&Level::State);
    }
    audit(run, &options, &mut |_| {}).unwrap()
}

/// The bytes of the chain file up to the end of its last whole record. Empty if
/// there is no such file yet.
pub fn whole_records(run: &RunDir) -> Vec<u8> {
    let Ok(mut reader) = ChainReader::open(&run.chain()) else {
        return Vec::new();
    };
    assert!(reader.by_ref().all(|record| record.is_ok()));
    let mut bytes = std::fs::read(run.chain()).unwrap();
    bytes.truncate(reader.offset() as usize);
    bytes
}

pub fn has_ended(run: &RunDir) -> bool {
    run.chain().exists()
        && walk(run, None, &mut |_, _| {})
            .is_ok_and(|end| end.chain.is_some_and(|chain| chain.end().is_some()))
}

/// Both runs verify, with the same entries, weights and checkpoints.
#[track_caller]
pub fn same(run: &RunDir, whole: &RunDir) {
    verified(run);
    verified(whole);
    assert_eq!(entries(run), entries(whole));
    assert!(weights(run) == weights(whole));
    assert_eq!(checkpoints(run), checkpoints(whole));
}

pub fn weights(run: &RunDir) -> Vec<u8> {
    std::fs::read(run.artifact()).unwrap()
}

pub fn entries(run: &RunDir) -> Vec<Entry> {
    let mut entries = Vec::new();
    walk(run, None, &mut |row, _| {
        if let BodyKind::Steps(more) = &row.block.body().kind {
            entries.extend(more.iter().copied());
        }
    })
    .unwrap();
    entries
}

/// The names of the checkpoints, which are the roots of their contents.
fn checkpoints(run: &RunDir) -> Vec<String> {
    let found = std::fs::read_dir(run.checkpoints()).unwrap();
    let names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // A killed writer leaves unfinished ones.
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".tmp")).collect();
    names.sort();
    names
}

/// The report of a replay, in which every segment must be equal bit for bit.
#[track_caller]
pub fn bit_exact(report: &Path) -> ReplayReport {
    let report = ReplayReport::read(report).unwrap();
    for result in report.results() {
        let entries = result.segment.entries;
        assert_eq!(result.outcome, SegmentOutcome::BitExact { entries });
    }
    report
}
