//! The ways to tamper with a run.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A way to tamper with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TamperKind {
    /// Nothing is changed. A verifier that finds something is wrong.
    Nothing,
    /// A bit of the chain file is flipped.
    FlipChain,
    /// A bit of a checkpoint's weights file is flipped.
    FlipCheckpoint,
    /// A bit of a checkpoint's optimizer file is flipped.
    FlipOptimizer,
    /// A bit of a checkpoint's `state.json` is flipped.
    FlipState,
    /// A bit of `config.json` is flipped.
    FlipConfig,
    /// A bit of the final weights' file is flipped.
    FlipArtifact,
    /// The chain file is cut off at a byte.
    CutBytes,
    /// The chain file is cut off between two blocks.
    CutBlocks,
    /// A block is removed.
    LoseBlock,
    /// A block is repeated.
    RepeatBlock,
    /// Two blocks are swapped.
    SwapBlocks,
    /// Two checkpoints are swapped.
    SwapCheckpoints,
    /// A checkpoint is removed.
    RemoveCheckpoint,
    /// The final weights are replaced by those of an earlier checkpoint.
    ReplaceArtifact,
    /// An entry is edited, and the checksum of the record is updated.
    EditEntry,
    /// An entry is edited, and its block is updated, but not mined again.
    EditCommitted,
    /// An entry is edited, and its block is mined again.
    EditMined,
    /// An entry is edited, and its block and all later blocks are mined again.
    ForgeEntry,
    /// Invented weights are put into the last checkpoint and the artifact, and the
    /// blocks from their entry on are mined again.
    ForgeWeights,
    /// Genesis names another source revision, and all blocks are mined again.
    ForgeGenesis,
    /// The chain is cut after a checkpoint. A new final block is mined, which says
    /// that the run stopped there, with the weights of that checkpoint.
    ForgeEnd,
}

/// All ways, from plain damage to forgery.
pub const TAMPER_KINDS: [TamperKind; 22] = [
    TamperKind::Nothing,
    TamperKind::FlipChain,
    TamperKind::FlipCheckpoint,
    TamperKind::FlipOptimizer,
    TamperKind::FlipState,
    TamperKind::FlipConfig,
    TamperKind::FlipArtifact,
    TamperKind::CutBytes,
    TamperKind::CutBlocks,
    TamperKind::LoseBlock,
    TamperKind::RepeatBlock,
    TamperKind::SwapBlocks,
    TamperKind::SwapCheckpoints,
    TamperKind::RemoveCheckpoint,
    TamperKind::ReplaceArtifact,
    TamperKind::EditEntry,
    TamperKind::EditCommitted,
    TamperKind::EditMined,
    TamperKind::ForgeEntry,
    TamperKind::ForgeWeights,
    TamperKind::ForgeGenesis,
    TamperKind::ForgeEnd,
];

impl fmt::Display for TamperKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TamperKind::Nothing => "nothing (control)",
            TamperKind::FlipChain => "a bit of chain.pow flipped",
            TamperKind::FlipCheckpoint => "a bit of a checkpoint's weights flipped",
            TamperKind::FlipOptimizer => "a bit of a checkpoint's optimizer state flipped",
            TamperKind::FlipState => "a bit of a checkpoint's state.json flipped",
            TamperKind::FlipConfig => "a bit of config.json flipped",
            TamperKind::FlipArtifact => "a bit of model.safetensors flipped",
            TamperKind::CutBytes => "chain.pow cut at a byte",
            TamperKind::CutBlocks => "the last blocks cut off",
            TamperKind::LoseBlock => "a block removed",
            TamperKind::RepeatBlock => "a block repeated",
            TamperKind::SwapBlocks => "two blocks swapped",
            TamperKind::SwapCheckpoints => "two checkpoints swapped",
            TamperKind::RemoveCheckpoint => "a checkpoint removed",
            TamperKind::ReplaceArtifact => "the final weights replaced by earlier ones",
            TamperKind::EditEntry => "an entry edited, checksum updated",
            TamperKind::EditCommitted => "an entry edited, all updated but the work",
            TamperKind::EditMined => "an entry edited, its block mined again",
            TamperKind::ForgeEntry => "an entry edited, all blocks from it on mined again",
            TamperKind::ForgeWeights => "weights invented, files and blocks updated",
            TamperKind::ForgeGenesis => "another revision claimed, all blocks mined again",
            TamperKind::ForgeEnd => "cut after a checkpoint, a new end mined",
        })
    }
}

impl TamperKind {
    /// Whether it redoes the work of all blocks from the first changed one on. Then
    /// nothing in the directory has to contradict itself.
    pub fn is_forgery(self) -> bool {
        matches!(
            self,
            TamperKind::ForgeEntry
                | TamperKind::ForgeWeights
                | TamperKind::ForgeGenesis
                | TamperKind::ForgeEnd
        )
    }
}
