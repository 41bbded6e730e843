//! Auditing a run and asking what the report says.

use pow_audit::{AuditOptions, Level, Report, Verdict, audit};
use pow_ledger::RunDir;

/// The report without a pinned genesis.
pub fn report(run: &RunDir) -> Report {
    audit(run, &AuditOptions::default(), &mut |_| {}).unwrap()
}

/// The report that accepts an unfinished run.
pub fn unfinished_report(run: &RunDir) -> Report {
    let options = AuditOptions {
        allow_unfinished: true,
        ..AuditOptions::default()
    };
    audit(run, &options, &mut |_| {}).unwrap()
}

/// The verdict on a level.
pub fn verdict(report: &Report, level: Level) -> Verdict {
    report.level(level).unwrap().verdict
}

/// The level has this verdict, and its lines contain these words.
#[track_caller]
pub fn expect(report: &Report, level: Level, verdict: Verdict, words: &[&str]) {
    let level = report.level(level).unwrap();
    assert_eq!(level.verdict, verdict, "{report}");
    let lines = level.lines.join("\n");
    for word in words {
        assert!(lines.contains(word), "{word:?} is not in: {lines}");
    }
}

/// All lines of a level.
pub fn lines(report: &Report, level: Level) -> String {
    report.level(level).unwrap().lines.join("\n")
}

/// The run does not hold because of its chain, which fails with these words.
/// An unfinished run is not accepted either.
#[track_caller]
pub fn assert_chain_fails(run: &RunDir, words: &[&str]) {
    let report = report(run);
    assert!(!report.holds(), "{report}");
    expect(&report, Level::Chain, Verdict::Fails, words);
    assert!(!unfinished_report(run).holds());
}
