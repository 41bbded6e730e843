//! The segments that a replay report speaks of, for the page to show along the chain.

use pow_audit::replay::{Judgement, ReplayReport};
use serde::Serialize;

/// The most segments of a report that are shown.
pub const MAX_SEGMENTS: usize = 4096;

/// A segment that somebody says was executed again.
#[derive(Clone, Debug, Serialize)]
pub struct ReplayedSegment {
    /// It begins after this step.
    pub from_step: u64,
    /// Its last step.
    pub to_step: u64,
    /// What its outcome is worth, in a word.
    pub judgement: &'static str,
}

/// The first segments of a report, up to [`MAX_SEGMENTS`].
pub fn replayed_segments(report: &ReplayReport) -> Vec<ReplayedSegment> {
    let judged = report.judge_all();
    let results = report.results().iter().zip(&judged).take(MAX_SEGMENTS);
    results
        .map(|(result, judged)| ReplayedSegment {
            from_step: result.segment.from_step.0,
            to_step: result.segment.to_step.0,
            judgement: words(judged),
        })
        .collect()
}

/// How often each judgement occurs in a report.
pub fn counts(report: &ReplayReport) -> Vec<(&'static str, u64)> {
    let mut counts: Vec<(&str, u64)> = Vec::new();
    for judged in report.judge_all() {
        let words = words(&judged);
        match counts.iter_mut().find(|count| count.0 == words) {
            Some(count) => count.1 += 1,
            None => counts.push((words, 1)),
        }
    }
    counts
}

fn words(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::Exact => "reproduced",
        Judgement::Fails => "fails",
        Judgement::Unexplained(_) => "differs, unexplained",
        Judgement::NotComparable(_) => "not comparable",
        Judgement::Near => "near",
        Judgement::NotExecuted => "not executed",
        _ => "unknown",
    }
}
