//! REPLAY and DETECTION: what a replay report shows about this chain.

mod detection;
mod lines;
mod mismatch;
mod quorum;
mod receipt;

pub(crate) use receipt::{ReceiptReports, by_receipt};

use crate::display::counted;
use crate::error::AuditError;
use crate::options::AuditOptions;
use crate::replay::{Judgement, ReplayReport, SegmentCollector, Segments};
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::walk::{WalkEnd, WalkedBlock};
use detection::{BitExactReplay, not_shown};
use lines::{challenge_line, machine_lines, outcome_lines};
use mismatch::mismatch;
use pow_core::challenge::SegmentCount;
use pow_core::extension::Unusable;
use pow_core::hash::BlockHash;
use quorum::{GivenReports, combine};
use std::path::Path;

/// The verdicts that follow from a replay report.
#[derive(Debug)]
pub(crate) struct ReplayVerdict {
    pub(crate) replay: LevelReport,
    pub(crate) detection: LevelReport,
    /// What no level shows.
    pub(crate) not_shown: Vec<String>,
}

/// Collects, block by block, what the report is compared with.
#[derive(Debug)]
pub(crate) struct ReplayCheck {
    given: GivenReports,
    head: Option<BlockHash>,
    collector: SegmentCollector,
}

impl ReplayCheck {
    /// Reads the replay reports that were given.
    pub(crate) fn open(options: &AuditOptions) -> Result<Self, AuditError> {
        Ok(ReplayCheck {
            given: GivenReports::read(options)?,
            head: options.head,
            collector: SegmentCollector::default(),
        })
    }

    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        if !self.given.reports.is_empty() {
            self.collector.block(walked);
        }
    }

    /// `traced` says what of the first state came from which step of another run.
    pub(crate) fn finish(self, end: &WalkEnd, traced: Option<&str>) -> ReplayVerdict {
        let given = self.given;
        if given.reports.is_empty() {
            return ReplayVerdict::none();
        }
        let segments = self.collector.finish(end);
        let segments = segments.filter(|_| end.failure().is_none());
        let mut verdicts = Vec::new();
        for of in &given.reports {
            let segments = segments.as_ref();
            verdicts.push(ReplayVerdict::of(
                &of.path, &of.report, segments, self.head, traced,
            ));
        }
        match verdicts.pop() {
            Some(only) if given.is_plain() => only,
            last => {
                verdicts.extend(last);
                combine(&given, verdicts)
            }
        }
    }
}

impl ReplayVerdict {
    /// The verdicts without a report.
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

    /// The verdicts with the report from `path`. `segments` are those of the chain, or
    /// `None` if it does not hold. `head` is the hash that the verifier pins.
    fn of(
        path: &Path,
        report: &ReplayReport,
        segments: Option<&Segments>,
        head: Option<BlockHash>,
        traced: Option<&str>,
    ) -> Self {
        let nothing = |replay| ReplayVerdict {
            replay,
            detection: not_checked(Level::Detection, "nothing to state: see REPLAY"),
            not_shown: not_shown(None),
        };
        let Some(segments) = segments else {
            let line = "the chain does not hold, so the report cannot be compared with it";
            return nothing(not_checked(Level::Replay, line));
        };
        if let Some(reason) = mismatch(report, segments) {
            let line = format!("{} is not a report on this chain: {reason}", path.display());
            return nothing(LevelReport::new(Level::Replay, Verdict::Fails, line));
        }
        let judged = report.judge_all();
        let probe = segments.chain().genesis().probe().err();
        let replay = replay_level(path, report, &judged, segments.count(), probe);
        if !is_bit_exact(report, &judged) {
            return nothing(replay);
        }
        let exact = BitExactReplay {
            path: path.to_owned(),
            report,
            segments,
            // If the pin is not the head's hash, CHAIN fails.
            is_pinned: head == Some(report.chain().head),
            traced,
        };
        ReplayVerdict {
            replay,
            detection: exact.detection_level(),
            not_shown: not_shown(Some(&exact)),
        }
    }
}

fn not_checked(level: Level, line: &str) -> LevelReport {
    LevelReport::new(level, Verdict::NotChecked, line)
}

/// Whether the whole challenge was executed and every segment is bit-exact.
fn is_bit_exact(report: &ReplayReport, judged: &[Judgement]) -> bool {
    report.shard().of() == 1
        && !judged.is_empty()
        && judged.iter().all(|judged| *judged == Judgement::Exact)
}

/// The level REPLAY. `judged` has what each result of the report is worth, and `probe` why that
/// of genesis cannot be used.
fn replay_level(
    path: &Path,
    report: &ReplayReport,
    judged: &[Judgement],
    segments: SegmentCount,
    probe: Option<Unusable>,
) -> LevelReport {
    let exact = judged.iter().filter(|judged| **judged == Judgement::Exact);
    let mut level = LevelReport::new(
        Level::Replay,
        verdict(report, judged),
        format!(
            "according to {}: {} of {} bit-exact, of {} in the chain",
            path.display(),
            exact.count(),
            counted(judged.len() as u64, "segment", "segments"),
            segments
        ),
    );
    level = level.line(challenge_line(report.challenge()));
    if report.shard().of() > 1 {
        level = level.line(format!(
            "only part {} of the challenge: `pow merge` joins the parts",
            report.shard()
        ));
    }
    for line in outcome_lines(report.results(), judged) {
        level = level.line(line);
    }
    for line in machine_lines(report) {
        level = level.line(line);
    }
    if let Some(why) = probe {
        level = level.line(format!("the numerics probe in genesis is unusable: {why}"));
    }
    level
}

fn verdict(report: &ReplayReport, judged: &[Judgement]) -> Verdict {
    let any = |is: fn(&Judgement) -> bool| judged.iter().any(is);
    if any(|judged| matches!(judged, Judgement::Fails)) {
        Verdict::Fails
    } else if any(|judged| matches!(judged, Judgement::Unexplained(_))) {
        Verdict::Unexplained
    } else if any(|judged| matches!(judged, Judgement::NotComparable(_))) {
        Verdict::NotComparable
    } else if is_bit_exact(report, judged) {
        Verdict::Holds
    } else if any(|judged| !matches!(judged, Judgement::NotExecuted)) {
        Verdict::Partly
    } else {
        // No segment was executed.
        Verdict::NotChecked
    }
}
