//! REPLAY and DETECTION: what a report is worth beside the chain.

mod detection;
mod lines;
mod mismatch;

use crate::display::counted;
use crate::replay::{ReplayReport, ReportError, SegmentCollector, SegmentOutcome, Segments};
use crate::report::{Level, LevelReport, Verdict};
use crate::walk::{BlockRow, WalkEnd};
use detection::{Standing, not_shown};
use lines::{challenge_line, machine_lines, outcome_lines};
use mismatch::mismatch;
use pow_core::hash::BlockHash;
use std::path::{Path, PathBuf};

/// What a replay report comes to.
#[derive(Debug)]
pub(crate) struct ReplayVerdict {
    pub(crate) replay: LevelReport,
    pub(crate) detection: LevelReport,
    /// What stays open.
    pub(crate) not_shown: Vec<String>,
}

/// Collects what a report is compared with, block by block.
#[derive(Debug)]
pub(crate) struct ReplayCheck {
    report: Option<(PathBuf, ReplayReport)>,
    head: Option<BlockHash>,
    collector: SegmentCollector,
}

impl ReplayCheck {
    /// Reads the report, if there is one.
    pub(crate) fn open(
        report: Option<&Path>,
        head: Option<BlockHash>,
    ) -> Result<Self, ReportError> {
        let report = match report {
            Some(path) => Some((path.to_owned(), ReplayReport::read(path)?)),
            None => None,
        };
        Ok(ReplayCheck {
            report,
            head,
            collector: SegmentCollector::default(),
        })
    }

    pub(crate) fn block(&mut self, row: &BlockRow<'_>) {
        if self.report.is_some() {
            self.collector.block(row);
        }
    }

    pub(crate) fn finish(self, end: &WalkEnd) -> ReplayVerdict {
        let Some((path, report)) = self.report else {
            return ReplayVerdict::none();
        };
        let segments = self.collector.finish(end);
        let segments = segments.filter(|_| end.failure().is_none());
        ReplayVerdict::of(&path, &report, segments.as_ref(), self.head)
    }
}

impl ReplayVerdict {
    /// Without a report.
    fn none() -> Self {
        ReplayVerdict {
            replay: not_checked(
                Level::Replay,
                "no step was executed again, or no report on it was given (--replay-report)",
            ),
            detection: not_checked(
                Level::Detection,
                "without a replay there is nothing to state",
            ),
            not_shown: not_shown(None),
        }
    }

    /// With the report from `path`. `segments` are those of the good blocks;
    /// absent if the chain does not hold. `head` is the hash that the verifier
    /// pins.
    fn of(
        path: &Path,
        report: &ReplayReport,
        segments: Option<&Segments>,
        head: Option<BlockHash>,
    ) -> Self {
        let nothing = |replay| ReplayVerdict {
            replay,
            detection: not_checked(Level::Detection, "nothing to state: see REPLAY"),
            not_shown: not_shown(None),
        };
        let Some(segments) = segments else {
            let line = "the chain does not hold, so there is nothing to compare the report with";
            return nothing(not_checked(Level::Replay, line));
        };
        if let Some(reason) = mismatch(report, segments) {
            let line = format!("{} is no report on this chain: {reason}", path.display());
            return nothing(LevelReport::new(Level::Replay, Verdict::Fails, line));
        }
        let replay = replay_level(path, report, segments);
        if !is_bit_exact(report) {
            return nothing(replay);
        }
        let standing = Standing {
            path: path.to_owned(),
            report,
            segments,
            // A pin that is not the head's fails CHAIN.
            is_pinned: head == Some(report.chain().head),
        };
        ReplayVerdict {
            replay,
            detection: standing.detection_level(),
            not_shown: not_shown(Some(&standing)),
        }
    }
}

fn not_checked(level: Level, line: &str) -> LevelReport {
    LevelReport::new(level, Verdict::NotChecked, line)
}

/// Whether the whole challenge was executed, and all of it bit for bit.
fn is_bit_exact(report: &ReplayReport) -> bool {
    report.shard().of() == 1
        && !report.results().is_empty()
        && count(report, |outcome| {
            matches!(outcome, SegmentOutcome::BitExact { .. })
        }) == report.results().len() as u64
}

fn count(report: &ReplayReport, is: impl Fn(&SegmentOutcome) -> bool) -> u64 {
    let results = report.results().iter();
    results.filter(|result| is(&result.outcome)).count() as u64
}

fn replay_level(path: &Path, report: &ReplayReport, segments: &Segments) -> LevelReport {
    let verdict = verdict(report);
    let exact = count(report, |outcome| {
        matches!(outcome, SegmentOutcome::BitExact { .. })
    });
    let mut level = LevelReport::new(
        Level::Replay,
        verdict,
        format!(
            "according to {}: {exact} of {} bit-exact, of {} in the chain",
            path.display(),
            counted(report.results().len() as u64, "segment", "segments"),
            segments.count()
        ),
    );
    level = level.line(challenge_line(report.challenge()));
    if report.shard().of() > 1 {
        level = level.line(format!(
            "only part {} of the challenge: `pow merge` puts the parts together",
            report.shard()
        ));
    }
    for line in outcome_lines(report) {
        level = level.line(line);
    }
    for line in machine_lines(report) {
        level = level.line(line);
    }
    level
}

fn verdict(report: &ReplayReport) -> Verdict {
    let any = |is: fn(&SegmentOutcome) -> bool| report.results().iter().any(|r| is(&r.outcome));
    if any(SegmentOutcome::is_failure) {
        Verdict::Fails
    } else if any(|outcome| matches!(outcome, SegmentOutcome::NotComparable { .. })) {
        Verdict::NotComparable
    } else if is_bit_exact(report) {
        Verdict::Holds
    } else if any(|outcome| !matches!(outcome, SegmentOutcome::Refused { .. })) {
        Verdict::Partly
    } else {
        // Nothing at all was executed.
        Verdict::NotChecked
    }
}
