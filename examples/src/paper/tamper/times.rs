//! The time to verify a run, beside the time to train it and to mine it.

use super::plan::{TamperPlan, TamperTimesRow};
use super::tampered_run::collect;
use super::training::DigitsTraining;
use crate::paper::{all_but_replay, millis};
use pow_audit::audit;
use pow_audit::walk::walk;
use std::path::PathBuf;
use std::time::Instant;
use tempfile::TempDir;

/// Records a run, verifies it and trains it again.
///
/// # Errors
///
/// If the run cannot be recorded or read.
pub fn measure_times(plan: &TamperPlan, round: u64) -> anyhow::Result<TamperTimesRow> {
    let place = TempDir::new()?;
    let training = DigitsTraining::new(plan, &place.path().join("run"))?;
    let train = training.unrecorded()?;
    let record = training.record()?;

    let began = Instant::now();
    let end = walk(&record.dir, None, &mut |_, _| {})?;
    let chain = began.elapsed();
    let options = all_but_replay();
    let began = Instant::now();
    let report = audit(&record.dir, &options, &mut |_| {})?;
    let verify = began.elapsed();
    let began = Instant::now();
    let differs = training.differs(&record.dir)?;
    let replay = began.elapsed();

    let mut files = Default::default();
    collect(record.dir.path(), record.dir.path(), &mut files)?;
    let is_state = |path: &&PathBuf| path.ends_with("state.json");
    Ok(TamperTimesRow {
        round,
        steps: record.steps.0,
        blocks: end.blocks,
        checkpoints: files.keys().filter(is_state).count() as u64,
        bytes: files.values().map(|bytes| bytes.len() as u64).sum(),
        train_ms: millis(train),
        mine_ms: millis(record.stages.mine.total),
        chain_ms: millis(chain),
        verify_ms: millis(verify),
        replay_ms: millis(replay),
        holds: report.holds() && !differs,
    })
}
