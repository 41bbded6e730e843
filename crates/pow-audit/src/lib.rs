#![doc = include_str!("../README.md")]

pub mod display;
pub mod export;
mod hash_rate;
pub mod headers;
pub mod hex;
mod levels;
pub mod proof;
pub mod published;
pub mod replay;
mod report;
pub mod source;
mod tensors;
pub mod walk;

pub use hash_rate::{HashRate, RATES};
pub use report::{AuditReport, ChainSummary, Level, LevelReport, ParseLevelError, Verdict};

use levels::LevelChecks;
use pow_core::hash::{BlockHash, PlainSha2};
use pow_core::tensor::TensorHasher;
use pow_ledger::LedgerError;
use replay::ReportError;
use report::Pin;
use source::{ChainFile, RunSource};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use walk::{WalkProgress, walk};

/// What to check, and what must hold.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// The hash that the genesis block must have.
    pub genesis: Option<BlockHash>,
    /// The hash that the last block must have.
    pub head: Option<BlockHash>,
    /// The report on a replay, made by somebody whom the verifier trusts. It is never
    /// looked for in the run, because the trainer could have put one there.
    pub replay_report: Option<PathBuf>,
    /// The levels that must hold.
    pub require: BTreeSet<Level>,
    /// Accept a run that is still being written, or whose writer was killed. The
    /// levels `finished` and `artifact` are then not required.
    pub allow_unfinished: bool,
}

impl Default for AuditOptions {
    fn default() -> Self {
        AuditOptions {
            genesis: None,
            head: None,
            replay_report: None,
            require: [Level::Chain, Level::Finished, Level::Artifact].into(),
            allow_unfinished: false,
        }
    }
}

/// Why a run could not be checked. A run that was checked and does not hold is not an
/// error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The chain file could not be opened or read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The replay report could not be read, or is not a valid report.
    #[error(transparent)]
    ReplayReport(#[from] ReportError),
}

/// Checks a run: a [`RunDir`](pow_ledger::RunDir), or any other [`RunSource`]. Calls
/// `progress` after every block.
///
/// # Errors
///
/// [`AuditError`] if the chain file cannot be opened or read, or if the replay report
/// is not a valid report. Damage in the chain's content is a verdict of the report,
/// not an error.
pub fn audit(
    run: &dyn RunSource,
    options: &AuditOptions,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<AuditReport, AuditError> {
    audit_with(run, options, &PlainSha2, progress)
}

/// Like [`audit`], but `hasher` hashes the chunks of tensors. The verdicts then depend
/// on it.
///
/// # Errors
///
/// As [`audit`].
pub fn audit_with(
    run: &dyn RunSource,
    options: &AuditOptions,
    hasher: &dyn TensorHasher,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<AuditReport, AuditError> {
    let mut checks = LevelChecks::new(options.replay_report.as_deref(), options.head)?;
    let end = walk(run, options.genesis, &mut |walked, at| {
        checks.block(walked);
        progress(at);
    })?;
    let mut findings = checks.finish(&end, run, hasher);

    let mut require = options.require.clone();
    if options.allow_unfinished && end.is_unfinished() {
        require.remove(&Level::Finished);
        require.remove(&Level::Artifact);
    }
    for level in &mut findings.levels {
        level.required = require.contains(&level.level);
    }
    let pin = match (options.genesis, options.head) {
        (_, Some(_)) => Pin::Head,
        (Some(_), None) => Pin::Genesis,
        (None, None) => Pin::None,
    };
    Ok(AuditReport::new(
        run.name(),
        pin,
        &end,
        (findings.levels, options.replay_report.is_some()),
        findings.not_shown,
    ))
}

/// Checks a chain file without the run directory around it. The levels `state` and
/// `artifact` are then not checked.
///
/// # Errors
///
/// As [`audit`].
pub fn audit_file(
    chain: &Path,
    options: &AuditOptions,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<AuditReport, AuditError> {
    audit(&ChainFile::new(chain), options, progress)
}
