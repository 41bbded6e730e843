//! What the verifiers find in the changed run.

use super::tampered_run::TamperedRun;
use crate::paper::{all_but_replay, millis};
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_core::chain::ChainVerifier;
use pow_core::hash::BlockHash;
use pow_ledger::{ChainReader, LedgerError};
use std::time::Instant;

/// What each verifier caught the change by. `None` if it missed it.
pub(super) struct CaughtBy {
    pub(super) unpinned: Option<String>,
    pub(super) genesis_pinned: Option<String>,
    pub(super) head_pinned: Option<String>,
    /// Time that the first verifier took.
    pub(super) millis: f64,
}

pub(super) fn judge(run: &TamperedRun) -> anyhow::Result<CaughtBy> {
    let began = Instant::now();
    let unpinned = caught_by(run, None, None)?;
    let millis = millis(began.elapsed());
    Ok(CaughtBy {
        unpinned,
        genesis_pinned: caught_by(run, Some(run.genesis()), None)?,
        head_pinned: caught_by(run, Some(run.genesis()), Some(run.head()))?,
        millis,
    })
}

/// The first level that fails, or that is required and does not hold. If that is
/// the chain's level, the broken rule is named too.
fn caught_by(
    run: &TamperedRun,
    genesis: Option<BlockHash>,
    head: Option<BlockHash>,
) -> anyhow::Result<Option<String>> {
    let options = AuditOptions {
        genesis,
        head,
        ..all_but_replay()
    };
    let report = audit(run.dir(), &options, &mut |_| {})?;
    let found = report.levels.iter().find(|level| {
        level.verdict == Verdict::Fails || (level.required && level.verdict != Verdict::Holds)
    });
    Ok(match found.map(|level| level.level) {
        None => None,
        Some(Level::Chain) => Some(broken(run, genesis)?),
        Some(level) => Some(level.name().to_uppercase()),
    })
}

/// What is wrong with the chain file.
fn broken(run: &TamperedRun, genesis: Option<BlockHash>) -> anyhow::Result<String> {
    let reader = match ChainReader::open(&run.dir().chain()) {
        Ok(reader) => reader,
        Err(LedgerError::Chain { .. }) => return Ok("CHAIN, file header".into()),
        Err(error) => return Err(error.into()),
    };
    let mut verifier = ChainVerifier::new(genesis);
    for record in reader {
        let Ok(record) = record else {
            return Ok("CHAIN, record checksum".into());
        };
        if let Err(error) = verifier.push(&record.block, &record.body) {
            return Ok(format!("CHAIN, rule {}", error.violation.rule()));
        }
    }
    Ok(match verifier.chain() {
        None => "CHAIN, no whole block".into(),
        Some(_) => "CHAIN, pinned head".into(),
    })
}
