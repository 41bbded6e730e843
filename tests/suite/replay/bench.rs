//! A run, reports on it, and the audit with each of them.

use pow_audit::replay::{
    Again, Amount, Decimal, EntryField, ReplayReport, SegmentOutcome, SegmentResult, Shard,
};
use pow_audit::{AuditError, AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::challenge::{ChallengeSource, SegmentIndex};
use pow_core::hash::BlockHash;
use pow_tests::long_run::{LongRun, goal, source};
use std::path::PathBuf;
use tempfile::TempDir;

/// A run, and a place for reports on it outside the run directory.
pub struct Bench {
    pub run: LongRun,
    dir: TempDir,
}

impl Bench {
    pub fn new() -> Self {
        Bench::of(LongRun::record(12))
    }

    pub fn of(run: LongRun) -> Self {
        Bench {
            run,
            dir: TempDir::new().unwrap(),
        }
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("replay.json")
    }

    pub fn head(&self) -> BlockHash {
        self.run.segments.chain().head_hash()
    }

    pub fn audit(&self, report: &ReplayReport, head: Option<BlockHash>) -> AuditReport {
        report.write(&self.path()).unwrap();
        let options = AuditOptions {
            head,
            replay_reports: vec![self.path()],
            ..AuditOptions::default()
        };
        audit(&self.run.run, &options, &mut |_| {}).unwrap()
    }

    pub fn exact(&self, source: ChallengeSource, head: Option<BlockHash>) -> AuditReport {
        let challenge = self.run.challenge(source, goal());
        self.audit(&self.run.exact(&challenge, Shard::WHOLE), head)
    }

    /// A report on all segments, each reproduced but for what `change` makes of it.
    pub fn changed(
        &self,
        change: impl FnMut(&mut SegmentResult),
        head: Option<BlockHash>,
    ) -> AuditReport {
        let challenge = self.run.challenge(source(), Amount::All);
        let report = self.run.report(&challenge, Shard::WHOLE, change);
        self.audit(&report.unwrap(), head)
    }

    /// A report in which segment 4 has another outcome.
    pub fn with(&self, outcome: &SegmentOutcome) -> AuditReport {
        let change = |result: &mut SegmentResult| {
            if result.segment.index == SegmentIndex(4) {
                result.outcome = outcome.clone();
            }
        };
        self.changed(change, Some(self.head()))
    }

    /// The same run, audited with a report that was written before.
    pub fn audit_written(&self, require: &[Level]) -> Result<AuditReport, AuditError> {
        let options = AuditOptions {
            replay_reports: vec![self.path()],
            require: require.iter().copied().collect(),
            ..AuditOptions::default()
        };
        audit(&self.run.run, &options, &mut |_| {})
    }
}

#[track_caller]
pub fn expect(report: &AuditReport, replay: Verdict, detection: Verdict, words: &[&str]) {
    let verdict = |level| report.level(level).unwrap().verdict;
    assert_eq!(verdict(Level::Replay), replay, "{report}");
    assert_eq!(verdict(Level::Detection), detection, "{report}");
    assert_eq!(verdict(Level::Chain), Verdict::Holds, "{report}");
    let text = report.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in\n{text}");
    }
}

/// A difference in segment 4.
pub fn differs(field: EntryField, again: Option<Again>) -> SegmentOutcome {
    SegmentOutcome::Differs {
        step: 5,
        field,
        found: "aa".into(),
        expected: "bb".into(),
        again,
    }
}

pub fn tolerance(threshold: f64, distance: f64, loss: Option<f64>) -> SegmentOutcome {
    SegmentOutcome::Tolerance {
        metric: "largest difference".into(),
        threshold: Decimal::new(threshold).unwrap(),
        distance: Decimal::new(distance).unwrap(),
        loss: loss.and_then(Decimal::new),
    }
}
