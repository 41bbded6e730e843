//! How each level gets its verdict.

mod chain;
mod data;
mod files;
mod replay;

use crate::replay::ReportError;
use crate::report::LevelReport;
use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkedBlock};
use data::BatchCheck;
use files::FileCheck;
use pow_core::hash::BlockHash;
use pow_core::tensor::TensorHasher;
use replay::ReplayCheck;
use std::path::Path;

/// Collects, block by block, what the levels need.
#[derive(Debug)]
pub(crate) struct LevelChecks {
    batches: BatchCheck,
    files: FileCheck,
    replay: ReplayCheck,
    head: Option<BlockHash>,
}

/// What the checks found.
#[derive(Debug)]
pub(crate) struct Findings {
    /// All levels, in the report's order.
    pub(crate) levels: Vec<LevelReport>,
    /// What no level shows.
    pub(crate) not_shown: Vec<String>,
}

impl LevelChecks {
    /// Starts the checks. `replay_report` is the file of a replay report, `head`
    /// the hash that the last block must have.
    pub(crate) fn new(
        replay_report: Option<&Path>,
        head: Option<BlockHash>,
    ) -> Result<Self, ReportError> {
        Ok(LevelChecks {
            batches: BatchCheck::default(),
            files: FileCheck::default(),
            replay: ReplayCheck::open(replay_report, head)?,
            head,
        })
    }

    /// Takes in the next verified block.
    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        self.batches.block(walked);
        self.files.block(walked);
        self.replay.block(walked);
    }

    /// The verdicts. `hasher` hashes the chunks of tensors.
    pub(crate) fn finish(
        self,
        end: &WalkEnd,
        run: &dyn RunSource,
        hasher: &dyn TensorHasher,
    ) -> Findings {
        let replay = self.replay.finish(end);
        let (state, artifact) = self.files.levels(run, hasher, end);
        Findings {
            levels: vec![
                chain::chain_level(end, self.head),
                chain::finished_level(end),
                chain::work_level(end),
                chain::time_level(end),
                self.batches.finish(end),
                state,
                replay.replay,
                replay.detection,
                artifact,
            ],
            not_shown: replay.not_shown,
        }
    }
}
