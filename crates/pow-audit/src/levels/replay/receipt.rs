//! REPLAY by the reports in a receipt, without the run.

use super::mismatch::{other_chain, other_picks};
use super::quorum::{GivenReports, combine};
use super::{ReplayVerdict, not_checked, not_shown, replay_level};
use crate::options::ReportSigners;
use crate::replay::{ReplayReport, ReplayedChain, ReportError};
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::signature::SignerKey;
use pow_core::body::Genesis;
use std::path::Path;

/// The most segments whose challenge is drawn again without the chain that has them.
const MAX_SEGMENTS: u64 = 1 << 20;

/// The reports of a receipt, and what the verifier knows about their makers.
pub(crate) struct ReceiptReports<'a> {
    pub(crate) reports: Vec<ReplayReport>,
    pub(crate) signers: &'a ReportSigners,
    pub(crate) revoked: &'a [SignerKey],
}

/// The verdict on a chain of which the ends are known. It holds in part at most: which
/// segments a chain has is not in a receipt.
pub(crate) fn by_receipt(
    given: ReceiptReports<'_>,
    chain: &ReplayedChain,
    genesis: &Genesis,
) -> Result<ReplayVerdict, ReportError> {
    let detection = "a receipt does not show which segments a chain has";
    if given.reports.is_empty() {
        return Ok(ReplayVerdict {
            replay: not_checked(Level::Replay, "no replay report is in the receipt"),
            detection: not_checked(Level::Detection, detection),
            not_shown: Vec::new(),
        });
    }
    let named = given.reports.into_iter().enumerate();
    let named = named.map(|(index, report)| (format!("report {}", index + 1).into(), report));
    let reports = GivenReports::of(named.collect(), Some(given.signers), given.revoked)?;
    let verdicts = reports.reports.iter().map(|of| ReplayVerdict {
        replay: of_ends(&of.path, &of.report, chain, genesis),
        detection: not_checked(Level::Detection, detection),
        not_shown: not_shown(None),
    });
    let mut replay = combine(&reports, verdicts.collect()).replay;
    if replay.verdict == Verdict::Holds {
        replay.verdict = Verdict::Partly;
    }
    Ok(ReplayVerdict {
        replay: replay
            .line("only the run shows that steps and states of these segments are its own"),
        detection: not_checked(Level::Detection, detection),
        not_shown: vec![
            "that the replay reports are true: each is only the claim of whoever made it".into(),
        ],
    })
}

fn of_ends(
    path: &Path,
    report: &ReplayReport,
    chain: &ReplayedChain,
    genesis: &Genesis,
) -> LevelReport {
    let segments = report.challenge().segments();
    let mismatch = match other_chain(report, chain, genesis) {
        None if segments.0 > MAX_SEGMENTS => {
            let line = format!(
                "{} is about {segments} segments: more than {MAX_SEGMENTS} are not drawn again without the run",
                path.display()
            );
            return LevelReport::new(Level::Replay, Verdict::NotChecked, line);
        }
        None => other_picks(report.challenge(), chain.head),
        other => other,
    };
    match mismatch {
        Some(reason) => {
            let line = format!("{} is not a report on this chain: {reason}", path.display());
            LevelReport::new(Level::Replay, Verdict::Fails, line)
        }
        None => {
            let (judged, probe) = (report.judge_all(), genesis.probe().err());
            replay_level(path, report, &judged, segments, probe)
        }
    }
}
