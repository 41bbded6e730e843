//! What a run directory shows: levels, verdicts and the report.
//!
//! [`audit`] walks the chain file block by block and then the files beside it.
//! Each [`Level`] gets a verdict of its own, and none claims more than was
//! checked; `docs/threat-model.md` says what each does and does not show.
//!
//! ```no_run
//! use pow_audit::{AuditOptions, audit};
//! use pow_ledger::RunDir;
//!
//! let report = audit(&RunDir::new("runs/digits"), &AuditOptions::default(), &mut |_| {})?;
//! println!("{report}");
//! std::process::exit(i32::from(!report.holds()));
//! # Ok::<(), pow_audit::AuditError>(())
//! ```

pub mod display;
pub mod export;
mod hash_rate;
pub mod headers;
pub mod hex;
mod levels;
pub mod proof;
pub mod replay;
mod report;
pub mod walk;

pub use hash_rate::{HashRate, RATES};
pub use report::{ChainSummary, Level, LevelReport, ParseLevelError, Report, Verdict};

use levels::LevelChecks;
use pow_core::hash::{BlockHash, PlainSha2};
use pow_core::tensor::TensorHasher;
use pow_ledger::{LedgerError, RunDir};
use replay::ReportError;
use report::Pin;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use walk::{WalkProgress, walk_file};

/// What to check and what to insist on.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// Hash that the genesis block must have.
    pub genesis: Option<BlockHash>,
    /// Hash that the last block must have.
    pub head: Option<BlockHash>,
    /// Report on a replay, made by somebody the verifier trusts. It is never
    /// looked for in the run, where the trainer may have put one.
    pub replay_report: Option<PathBuf>,
    /// Levels that must hold.
    pub require: BTreeSet<Level>,
    /// Accept a run that is still going on or was killed: the levels
    /// `finished` and `artifact` are then not required.
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

/// Why a run could not be looked at, as opposed to being found wanting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The run's files could not be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The replay report could not be read, or is none.
    #[error(transparent)]
    ReplayReport(#[from] ReportError),
}

/// Checks a run. `progress` is called after every block.
///
/// # Errors
///
/// [`AuditError`] if the chain file cannot be opened or read at all, or the
/// replay report is none. Whatever is wrong with the chain's content is a
/// verdict of the report.
pub fn audit(
    run: &RunDir,
    options: &AuditOptions,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<Report, AuditError> {
    audit_with(run, options, &PlainSha2, progress)
}

/// As [`audit`], with the chunks of tensors hashed by `hasher`, which the
/// verdicts then rest on.
///
/// # Errors
///
/// As [`audit`].
pub fn audit_with(
    run: &RunDir,
    options: &AuditOptions,
    hasher: &dyn TensorHasher,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<Report, AuditError> {
    let files = Some((run, hasher));
    check(run.path(), &run.chain(), files, options, progress)
}

/// Checks a chain file of which nothing else is at hand: the levels `state` and
/// `artifact` are not checked.
///
/// # Errors
///
/// As [`audit`].
pub fn audit_file(
    chain: &Path,
    options: &AuditOptions,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<Report, AuditError> {
    check(chain, chain, None, options, progress)
}

fn check(
    subject: &Path,
    chain: &Path,
    run: Option<(&RunDir, &dyn TensorHasher)>,
    options: &AuditOptions,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<Report, AuditError> {
    let mut checks = LevelChecks::new(options.replay_report.as_deref(), options.head)?;
    let end = walk_file(chain, options.genesis, &mut |row, at| {
        checks.block(row);
        progress(at);
    })?;
    let mut findings = checks.finish(&end, run);
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
    Ok(Report::new(
        subject,
        pin,
        &end,
        findings.levels,
        findings.not_shown,
    ))
}
