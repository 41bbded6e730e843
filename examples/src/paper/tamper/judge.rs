//! What verifiers say of the run as it lies there.

use super::Scene;
use crate::paper::{all_but_replay, millis};
use pow_audit::{AuditOptions, Level, Verdict, audit};
use pow_core::chain::ChainVerifier;
use pow_core::hash::BlockHash;
use pow_ledger::{ChainReader, LedgerError};
use std::time::Instant;

/// What each of them caught it by.
pub(super) struct Seen {
    pub(super) unpinned: Option<String>,
    pub(super) genesis_pinned: Option<String>,
    pub(super) head_pinned: Option<String>,
    /// How long the first took.
    pub(super) millis: f64,
}

pub(super) fn judge(scene: &Scene) -> anyhow::Result<Seen> {
    let began = Instant::now();
    let unpinned = caught_by(scene, None, None)?;
    let millis = millis(began.elapsed());
    Ok(Seen {
        unpinned,
        genesis_pinned: caught_by(scene, Some(scene.genesis()), None)?,
        head_pinned: caught_by(scene, Some(scene.genesis()), Some(scene.head()))?,
        millis,
    })
}

/// The first level that fails or is required and does not hold, and which rule if
/// it is the chain's.
fn caught_by(
    scene: &Scene,
    genesis: Option<BlockHash>,
    head: Option<BlockHash>,
) -> anyhow::Result<Option<String>> {
    let options = AuditOptions {
        genesis,
        head,
        ..all_but_replay()
    };
    let report = audit(scene.run(), &options, &mut |_| {})?;
    let found = report.levels.iter().find(|level| {
        level.verdict == Verdict::Fails || (level.required && level.verdict != Verdict::Holds)
    });
    Ok(match found.map(|level| level.level) {
        None => None,
        Some(Level::Chain) => Some(broken(scene, genesis)?),
        Some(level) => Some(level.name().to_uppercase()),
    })
}

/// What is wrong with the chain file.
fn broken(scene: &Scene, genesis: Option<BlockHash>) -> anyhow::Result<String> {
    let reader = match ChainReader::open(&scene.run().chain()) {
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
