//! Time to verify a run against time to train it and to mine it.

use super::Plan;
use super::training::Program;
use crate::paper::{all_but_replay, millis};
use pow_audit::audit;
use pow_audit::walk::walk;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Instant;
use tempfile::TempDir;

/// Times of one run, in milliseconds by the wall clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Which round, from 0 on.
    pub round: u64,
    /// Optimizer steps.
    pub steps: u64,
    /// Blocks of the chain.
    pub blocks: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Bytes of the run's files.
    pub bytes: u64,
    /// The training loop with the recorder off.
    pub train_ms: f64,
    /// Searching for the nonces of all blocks.
    pub mine_ms: f64,
    /// Verifying the chain alone: links, commitments, work, order of steps.
    pub chain_ms: f64,
    /// Verifying everything but the replay: the chain, the declared order of
    /// samples, all checkpoints and the artifact.
    pub verify_ms: f64,
    /// Training every segment again.
    pub replay_ms: f64,
    /// Whether all of it held.
    pub holds: bool,
}

/// Records a run, verifies it and trains it again.
///
/// # Errors
///
/// If the run cannot be recorded or read.
pub fn measure(plan: &Plan, round: u64) -> anyhow::Result<Row> {
    let place = TempDir::new()?;
    let program = Program::new(plan, &place.path().join("run"))?;
    let train = program.unrecorded()?;
    let record = program.record()?;

    let began = Instant::now();
    let end = walk(&record.dir, None, &mut |_, _| {})?;
    let chain = began.elapsed();
    let options = all_but_replay();
    let began = Instant::now();
    let report = audit(&record.dir, &options, &mut |_| {})?;
    let verify = began.elapsed();
    let began = Instant::now();
    let is_otherwise = program.is_otherwise(&record.dir)?;
    let replay = began.elapsed();

    let mut files = Default::default();
    super::scene::collect(record.dir.path(), record.dir.path(), &mut files)?;
    let is_state = |path: &&PathBuf| path.ends_with("state.json");
    Ok(Row {
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
        holds: report.holds() && !is_otherwise,
    })
}
