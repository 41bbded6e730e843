//! What lies in a run directory, and whether two runs are the same.

use pow_audit::walk::walk;
use pow_audit::{AuditOptions, AuditReport, Level, audit};
use pow_core::body::{BodyKind, Entry};
use pow_ledger::{ChainReader, RunDir};
use std::path::Path;

/// The report of a run that may be unfinished. Its checkpoints must be what the
/// chain says.
pub fn unfinished_report(run: &RunDir) -> AuditReport {
    let options = AuditOptions {
        allow_unfinished: true,
        require: [Level::Chain, Level::State, Level::Finished, Level::Artifact].into(),
        ..AuditOptions::default()
    };
    audit(run, &options, &mut |_| {}).unwrap()
}

/// The bytes of the chain file up to the end of its last whole record; none if
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

/// Both hold, with the same entries and the same weights.
pub fn same(run: &RunDir, whole: &RunDir) {
    for run in [run, whole] {
        let report = audit(run, &AuditOptions::default(), &mut |_| {}).unwrap();
        assert!(report.holds(), "{report}");
    }
    assert_eq!(entries(run), entries(whole));
    let weights = |run: &RunDir| std::fs::read(run.artifact()).unwrap();
    assert!(weights(run) == weights(whole));
    assert_eq!(checkpoints(run.path()), checkpoints(whole.path()));
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

/// The names of the checkpoints, which are the roots of what they hold.
fn checkpoints(run: &Path) -> Vec<String> {
    let found = std::fs::read_dir(run.join("checkpoints")).unwrap();
    let names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // What a killed writer did not finish.
    let mut names: Vec<String> = names.filter(|name| !name.ends_with(".tmp")).collect();
    names.sort();
    names
}
