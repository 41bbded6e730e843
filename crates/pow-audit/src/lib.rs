#![doc = include_str!("../README.md")]

pub mod anchor;
pub mod comparison;
pub mod declaration;
pub mod display;
pub mod envelope;
mod error;
pub mod export;
pub mod headers;
pub mod hex;
mod json;
mod levels;
pub mod lineage;
pub mod oms;
mod options;
pub mod proof;
pub mod published;
pub mod receipt;
pub mod replay;
mod report;
pub mod signature;
pub mod source;
mod tensors;
pub mod walk;

pub use error::AuditError;
pub use options::{AuditOptions, ReportSigners};
pub use report::declared::{DeclaredField, DeclaredReport, FieldState};
pub use report::hash_rate::{HashRate, RATES};
pub use report::signature::{NamedKeyReport, SignatureReport, SignatureState, SignaturesReport};
pub use report::time::{AnchorReport, AnchorState, LowerBound, TimeReport};
pub use report::verdict::Verdict;
pub use report::{AuditReport, ChainSummary, Level, LevelReport, OriginReport, ParseLevelError};

use levels::LevelChecks;
use pow_core::chain::headers::HeaderHasher;
use pow_core::hash::PlainSha2;
use pow_core::tensor::TensorHasher;
use report::Pin;
use source::{ChainFile, RunSource};
use std::path::Path;
use walk::{WalkProgress, WalkedBlock, walk_with};

/// Checks a run: a [`RunDir`](pow_ledger::RunDir), or any other [`RunSource`]. Calls
/// `progress` after every block.
///
/// # Errors
///
/// [`AuditError`] if the chain file cannot be opened or read, or if something else that
/// the options name cannot be: the replay report, a parent, the base model. Damage in the
/// chain's content is a verdict of the report, not an error.
pub fn audit(
    run: &dyn RunSource,
    options: &AuditOptions,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<AuditReport, AuditError> {
    audit_with(run, options, &PlainSha2, progress)
}

/// Hashes what a run consists of: headers, the nodes of trees, and the chunks of tensors.
/// Verdicts depend on it.
pub trait RunHasher: HeaderHasher + TensorHasher + Sync {}

impl<H: HeaderHasher + TensorHasher + Sync> RunHasher for H {}

/// Like [`audit`], but `hasher` hashes headers, tree nodes and the chunks of tensors. The
/// verdicts then depend on it.
///
/// # Errors
///
/// As [`audit`].
pub fn audit_with(
    run: &dyn RunSource,
    options: &AuditOptions,
    hasher: &dyn RunHasher,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<AuditReport, AuditError> {
    audit_and_visit(run, options, hasher, &mut |_, at| progress(at))
}

/// Like [`audit_with`], but calls `visit` with every good block, so that whoever shows the
/// blocks need not read the chain again.
///
/// # Errors
///
/// As [`audit`].
pub fn audit_and_visit(
    run: &dyn RunSource,
    options: &AuditOptions,
    hasher: &dyn RunHasher,
    visit: &mut dyn FnMut(&WalkedBlock<'_>, WalkProgress),
) -> Result<AuditReport, AuditError> {
    let mut checks = LevelChecks::new(run, options)?;
    let end = walk_with(run, options.genesis, hasher, &mut |walked, at| {
        checks.block(walked);
        visit(walked, at);
    })?;
    let mut findings = checks.finish(&end, run, options, hasher)?;

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
        findings,
        options.has_replay_reports(),
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
