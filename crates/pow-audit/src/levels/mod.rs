//! How each level gets its verdict.

mod chain;
mod data;
mod declared;
mod files;
mod origin;
mod replay;
mod signature;
mod time;

use crate::error::AuditError;
use crate::options::AuditOptions;
use crate::report::Findings;
use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkedBlock};
use data::BatchCheck;
pub(crate) use declared::{DeclaredVerdict, Done, judge as judge_declared};
use files::FileCheck;
use origin::OriginCheck;
use pow_core::tensor::TensorHasher;
use replay::ReplayCheck;
pub(crate) use replay::{ReceiptReports, ReplayVerdict, by_receipt};
pub(crate) use signature::{NamedKeys, SignatureCheck, SignatureVerdict, SignedChain};
pub(crate) use time::{Dated, TimeCheck, TimeVerdict};

/// Collects, block by block, what the levels need.
pub(crate) struct LevelChecks<'a> {
    batches: BatchCheck<'a>,
    files: FileCheck,
    replay: ReplayCheck,
    origin: OriginCheck,
    time: TimeCheck,
    signatures: SignatureCheck,
}

impl<'a> LevelChecks<'a> {
    /// Starts the checks.
    pub(crate) fn new(run: &'a dyn RunSource, options: &AuditOptions) -> Result<Self, AuditError> {
        Ok(LevelChecks {
            batches: BatchCheck::new(run),
            files: FileCheck::default(),
            replay: ReplayCheck::open(options)?,
            origin: OriginCheck::default(),
            time: TimeCheck::open(run),
            signatures: SignatureCheck::open(run),
        })
    }

    /// Takes in the next verified block.
    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        self.batches.block(walked);
        self.files.block(walked);
        self.replay.block(walked);
        self.origin.block(walked);
        self.time.block(walked);
        self.signatures.block(walked);
    }

    /// The verdicts. `hasher` hashes the chunks of tensors.
    ///
    /// # Errors
    ///
    /// [`AuditError`] if a parent's chain or the base model, which the verifier named,
    /// cannot be read.
    pub(crate) fn finish(
        self,
        end: &WalkEnd,
        run: &dyn RunSource,
        options: &AuditOptions,
        hasher: &dyn TensorHasher,
    ) -> Result<Findings, AuditError> {
        let origin = self.origin.finish(end, run, options, hasher)?;
        let replay = self.replay.finish(end, origin.traced.as_deref());
        let time = self.time.finish(end, options);
        let signatures = self.signatures.finish(end, options);
        let declared = declared::of_run(end, options);
        let (state, artifact) = self.files.levels(run, hasher, end);
        let mut levels = vec![
            chain::chain_level(end, options.head),
            chain::finished_level(end),
            chain::work_level(end),
            time.level,
            self.batches.finish(end),
            state,
            replay.replay,
            replay.detection,
            artifact,
        ];
        levels.extend(origin.level);
        levels.extend(signatures.level);
        let mut not_shown = replay.not_shown;
        declared.change(&mut not_shown);
        levels.extend(declared.level);
        // Behind what is not shown of this run's own training.
        let own = not_shown.len().min(1);
        not_shown.splice(own..own, signatures.not_shown);
        not_shown.splice(own..own, time.not_shown);
        not_shown.splice(own..own, origin.not_shown);
        Ok(Findings {
            levels,
            origin: origin.report,
            time: time.report,
            signatures: signatures.report,
            declared: declared.report,
            not_shown,
        })
    }
}
