//! REPLAY by several reports: which of them count, and whether enough people agree.

use super::{ReplayVerdict, not_checked, not_shown};
use crate::display::counted;
use crate::error::AuditError;
use crate::options::{AuditOptions, ReportSigners};
use crate::replay::{ReplayReport, ReportError};
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::signature::{SignerKey, Statement};
use std::path::PathBuf;

/// A report that the verifier named.
#[derive(Debug)]
pub(super) struct GivenReport {
    pub(super) path: PathBuf,
    pub(super) report: ReplayReport,
    /// The trusted keys that signed it. Absent if the verifier named no key: the report is
    /// then the verifier's own word.
    signers: Option<Vec<SignerKey>>,
}

/// The reports, and how many must agree.
#[derive(Debug, Default)]
pub(super) struct GivenReports {
    pub(super) reports: Vec<GivenReport>,
    /// Absent if the verifier named no key.
    quorum: Option<Quorum>,
}

#[derive(Debug)]
struct Quorum {
    needed: usize,
    trusted: usize,
    /// What is said about signatures that make no report count.
    unused: Vec<String>,
    /// Whether every report that counts was committed to, by the verifier's word.
    committed: bool,
}

/// Whether a key had committed to a report, or need not have.
fn is_committed(signers: &ReportSigners, statement: &Statement, key: &SignerKey) -> bool {
    let commitments = signers.commitments.as_ref();
    commitments.is_none_or(|commitments| commitments.has(statement, key))
}

impl GivenReports {
    /// Reads the reports, and finds who signed them.
    pub(super) fn read(options: &AuditOptions) -> Result<Self, AuditError> {
        let mut reports = Vec::new();
        for path in &options.replay_reports {
            reports.push((path.clone(), ReplayReport::read(path)?));
        }
        reports.extend(options.read_reports.iter().cloned());
        let signers = options.report_signers.as_ref();
        Ok(Self::of(reports, signers, &options.revoked)?)
    }

    /// Finds who signed these reports.
    pub(super) fn of(
        reports: Vec<(PathBuf, ReplayReport)>,
        signers: Option<&ReportSigners>,
        revoked: &[SignerKey],
    ) -> Result<Self, ReportError> {
        let mut given = GivenReports::default();
        let Some(signers) = signers else {
            let own = |(path, report)| GivenReport {
                path,
                report,
                signers: None,
            };
            given.reports = reports.into_iter().map(own).collect();
            return Ok(given);
        };
        let mut statements = Vec::new();
        for (path, report) in reports {
            statements.push(
                Statement::of_report(&report).map_err(|source| ReportError::In {
                    path: path.clone(),
                    source: Box::new(source),
                })?,
            );
            given.reports.push(GivenReport {
                path,
                report,
                signers: Some(Vec::new()),
            });
        }
        let mut trusted: Vec<&SignerKey> = Vec::new();
        for key in &signers.trusted {
            if !revoked.contains(key) && !trusted.contains(&key) {
                trusted.push(key);
            }
        }
        let mut unused = Vec::new();
        for signature in &signers.signatures {
            let by = signature.made_by();
            let Some(key) = trusted.iter().find(|key| signature.claims(key)) else {
                unused.push(match signers.trusted.iter().any(|key| signature.claims(key)) {
                    true => format!("a signature by {by} does not count: you call it revoked (--revoked)"),
                    false => format!("a signature by {by} does not count: you do not trust it (--trust-signer)"),
                });
                continue;
            };
            let checked: Vec<_> = statements
                .iter()
                .map(|over| signature.check(key, over))
                .collect();
            let right = checked.iter().position(|checked| checked.is_ok());
            let right =
                right.and_then(|at| Some((given.reports.get_mut(at)?, statements.get(at)?)));
            match (right, checked.first()) {
                (Some((report, statement)), _) if !is_committed(signers, statement, key) => {
                    let path = report.path.display();
                    unused.push(format!(
                        "{path}, signed by {by}, does not count: the key had not committed to it (--commitment, --report-salt)"
                    ));
                }
                (Some((report, _)), _) => {
                    let by = report.signers.get_or_insert_default();
                    if !by.contains(key) {
                        by.push((*key).clone());
                    }
                }
                (None, Some(Err(error))) if checked.len() == 1 => {
                    unused.push(format!("a signature by {by} does not count: {error}"));
                }
                (None, _) => unused.push(format!(
                    "a signature by {by} does not count: it is over none of these reports"
                )),
            }
        }
        given.quorum = Some(Quorum {
            needed: signers.quorum.get() as usize,
            trusted: trusted.len(),
            unused,
            committed: signers.commitments.is_some(),
        });
        Ok(given)
    }

    /// Whether it is one report on the verifier's own word.
    pub(super) fn is_plain(&self) -> bool {
        self.reports.len() == 1 && self.quorum.is_none()
    }
}

/// The verdict over all reports. `verdicts` has that of each, in the same order.
pub(super) fn combine(given: &GivenReports, verdicts: Vec<ReplayVerdict>) -> ReplayVerdict {
    let mut counting = Vec::new();
    let mut agreeing: Vec<&SignerKey> = Vec::new();
    for (report, verdict) in given.reports.iter().zip(&verdicts) {
        let signers = report.signers.as_deref();
        if signers.is_some_and(<[SignerKey]>::is_empty) {
            continue;
        }
        counting.push(verdict.replay.verdict);
        if verdict.replay.verdict == Verdict::Holds {
            for key in signers.unwrap_or_default() {
                if !agreeing.contains(&key) {
                    agreeing.push(key);
                }
            }
        }
    }
    let verdict = match &given.quorum {
        Some(quorum) => by_quorum(&counting, agreeing.len(), quorum.needed),
        None => worst(&counting),
    };
    let first = match &given.quorum {
        Some(quorum) => format!(
            "{} found every challenged segment bit-exact, and {} must (--quorum); you trust {}",
            counted(agreeing.len() as u64, "trusted signer", "trusted signers"),
            quorum.needed,
            quorum.trusted
        ),
        None => format!(
            "{}, each on your own word: all must hold",
            counted(counting.len() as u64, "report", "reports")
        ),
    };
    let mut replay = LevelReport::new(Level::Replay, verdict, first);
    for (report, verdict) in given.reports.iter().zip(&verdicts) {
        replay = report.lines(replay, &verdict.replay);
    }
    for words in given.quorum.iter().flat_map(|quorum| &quorum.unused) {
        replay = replay.line(words.clone());
    }
    if given.quorum.as_ref().is_some_and(|quorum| quorum.committed) {
        replay = replay.line(
            "a report counts only if its key had committed to it; that the commitments came before any report was shown is your word",
        );
    }
    // One report says how likely a bad segment was found. It must count and hold.
    let chosen = given.reports.iter().zip(verdicts).find(|(report, found)| {
        let counts = report
            .signers
            .as_ref()
            .is_none_or(|signers| !signers.is_empty());
        counts && found.replay.verdict == Verdict::Holds && verdict == Verdict::Holds
    });
    match chosen {
        Some((report, found)) => {
            let mut not_shown = found.not_shown;
            if given.reports.len() > 1 {
                let committed = given.quorum.as_ref().is_some_and(|quorum| quorum.committed);
                let words = match committed {
                    true => {
                        "that nobody guessed a report, or agreed on one before: the commitments only show that none was copied from one that was shown"
                    }
                    false => "that the reports were made independently of each other",
                };
                not_shown.insert(1.min(not_shown.len()), words.into());
            }
            let path = report.path.display();
            ReplayVerdict {
                replay,
                detection: found
                    .detection
                    .line(format!("by the challenge of {path} alone")),
                not_shown,
            }
        }
        None => ReplayVerdict {
            replay,
            detection: not_checked(Level::Detection, "nothing to state: see REPLAY"),
            not_shown: not_shown(None),
        },
    }
}

/// The verdict of reports of which enough must hold. One that counts and contradicts is
/// not outvoted.
fn by_quorum(counting: &[Verdict], agreeing: usize, needed: usize) -> Verdict {
    let any = |verdict| counting.contains(&verdict);
    if any(Verdict::Fails) {
        Verdict::Fails
    } else if any(Verdict::Unexplained) {
        Verdict::Unexplained
    } else if agreeing >= needed {
        Verdict::Holds
    } else if agreeing > 0 {
        Verdict::Partly
    } else {
        worst(counting)
    }
}

/// The worst of several verdicts.
fn worst(verdicts: &[Verdict]) -> Verdict {
    let order = [
        Verdict::Fails,
        Verdict::Unexplained,
        Verdict::NotComparable,
        Verdict::NotChecked,
        Verdict::Partly,
        Verdict::Holds,
    ];
    let found = order.into_iter().find(|verdict| verdicts.contains(verdict));
    found.unwrap_or(Verdict::NotChecked)
}

impl GivenReport {
    /// Adds what this report says. One that does not count says only what it is.
    fn lines(&self, mut level: LevelReport, found: &LevelReport) -> LevelReport {
        let mut lines = found.lines.iter();
        let first = lines.next().map_or("", String::as_str);
        let prefix = match self.signers.as_deref() {
            None => String::new(),
            Some([]) => "does not count, as no trusted key signed it: ".into(),
            Some(signers) => {
                let names: Vec<String> = signers.iter().map(SignerKey::to_string).collect();
                format!("signed by {}: ", names.join(" and by "))
            }
        };
        let counts = self
            .signers
            .as_ref()
            .is_none_or(|signers| !signers.is_empty());
        level = level.line(format!("{prefix}{first}"));
        for line in lines.filter(|_| counts) {
            level = level.line(format!("  {line}"));
        }
        level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_must_hold_and_none_contradict() {
        use Verdict::{Fails, Holds, NotChecked, NotComparable, Partly, Unexplained};
        for (counting, agreeing, needed, verdict) in [
            (&[Holds, Holds][..], 2, 2, Holds),
            // Two reports of one signer.
            (&[Holds, Holds], 1, 2, Partly),
            (&[Holds, NotComparable], 1, 1, Holds),
            (&[Holds, Holds, Fails], 2, 2, Fails),
            (&[Holds, Unexplained], 1, 1, Unexplained),
            (&[NotComparable], 0, 1, NotComparable),
            (&[], 0, 1, NotChecked),
        ] {
            assert_eq!(
                by_quorum(counting, agreeing, needed),
                verdict,
                "{counting:?}"
            );
        }
    }
}
