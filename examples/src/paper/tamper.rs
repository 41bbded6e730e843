//! Section 5, tamper evidence: a finished run is changed at random in many ways,
//! and a verifier is asked each time. Some ways cannot be caught without knowing
//! more than the run itself, so every changed run is shown to four verifiers: one
//! that has the directory alone, one that knows the genesis hash, one that knows
//! the hash of the last block too, and, where the first finds nothing, one that
//! has the program and trains every segment again.

mod damage;
mod forge;
mod judge;
pub mod report;
mod scene;
pub mod times;
mod training;

pub use scene::Scene;

use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Nothing: whoever finds something here is wrong.
    Nothing,
    /// A bit anywhere in the chain file is flipped.
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
    /// The chain file is cut off at any byte.
    CutBytes,
    /// The chain file is cut off between two blocks.
    CutBlocks,
    /// A block is left out.
    LoseBlock,
    /// A block is put in twice.
    RepeatBlock,
    /// Two blocks change places.
    SwapBlocks,
    /// Two checkpoints change places.
    SwapCheckpoints,
    /// A checkpoint is removed.
    RemoveCheckpoint,
    /// The final weights are replaced by those of an earlier checkpoint.
    ReplaceArtifact,
    /// An entry is edited, and the record's checksum made to fit.
    EditEntry,
    /// An entry is edited, and everything made to fit but the work.
    EditCommitted,
    /// An entry is edited, and its block mined again.
    EditMined,
    /// An entry is edited, and its block and all later ones mined again.
    ForgeEntry,
    /// Weights are invented, put into the last checkpoint and the artifact, and
    /// the blocks from their entry on mined again.
    ForgeWeights,
    /// Genesis claims another source revision, and all blocks are mined again.
    ForgeGenesis,
    /// The chain is cut after a checkpoint, and another final block mined that
    /// calls the run stopped there, with that checkpoint's weights.
    ForgeEnd,
}

/// All of them, from plain damage to forgery.
pub const KINDS: [Kind; 22] = [
    Kind::Nothing,
    Kind::FlipChain,
    Kind::FlipCheckpoint,
    Kind::FlipOptimizer,
    Kind::FlipState,
    Kind::FlipConfig,
    Kind::FlipArtifact,
    Kind::CutBytes,
    Kind::CutBlocks,
    Kind::LoseBlock,
    Kind::RepeatBlock,
    Kind::SwapBlocks,
    Kind::SwapCheckpoints,
    Kind::RemoveCheckpoint,
    Kind::ReplaceArtifact,
    Kind::EditEntry,
    Kind::EditCommitted,
    Kind::EditMined,
    Kind::ForgeEntry,
    Kind::ForgeWeights,
    Kind::ForgeGenesis,
    Kind::ForgeEnd,
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Nothing => "nothing (control)",
            Kind::FlipChain => "a bit of chain.pow flipped",
            Kind::FlipCheckpoint => "a bit of a checkpoint's weights flipped",
            Kind::FlipOptimizer => "a bit of a checkpoint's optimizer state flipped",
            Kind::FlipState => "a bit of a checkpoint's state.json flipped",
            Kind::FlipConfig => "a bit of config.json flipped",
            Kind::FlipArtifact => "a bit of model.safetensors flipped",
            Kind::CutBytes => "chain.pow cut at any byte",
            Kind::CutBlocks => "the last blocks cut off",
            Kind::LoseBlock => "a block left out",
            Kind::RepeatBlock => "a block put in twice",
            Kind::SwapBlocks => "two blocks swapped",
            Kind::SwapCheckpoints => "two checkpoints swapped",
            Kind::RemoveCheckpoint => "a checkpoint removed",
            Kind::ReplaceArtifact => "the final weights replaced by earlier ones",
            Kind::EditEntry => "an entry edited, checksum fitted",
            Kind::EditCommitted => "an entry edited, all fitted but the work",
            Kind::EditMined => "an entry edited, its block mined again",
            Kind::ForgeEntry => "an entry edited, it and all later blocks mined again",
            Kind::ForgeWeights => "weights invented, files and blocks made to fit",
            Kind::ForgeGenesis => "another revision claimed, all blocks mined again",
            Kind::ForgeEnd => "cut after a checkpoint, another end mined",
        })
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Tamperings of each kind.
    pub trials: u64,
    /// Of each kind, how many that nothing else caught are trained again.
    pub replays: u64,
    /// Passes over the training images.
    pub epochs: u32,
    /// Steps from one checkpoint to the next.
    pub segment: u64,
    /// Leading zero bits of each block's hash.
    pub zero_bits: u32,
    /// How often training, mining and verifying are timed.
    pub rounds: u64,
}

impl Plan {
    /// A minute or so on two cores.
    pub fn standard() -> Self {
        Plan {
            trials: 250,
            replays: 20,
            epochs: 1,
            segment: 15,
            zero_bits: 16,
            rounds: 7,
        }
    }

    /// Some seconds: a look at whether everything works.
    pub fn quick() -> Self {
        Plan {
            trials: 6,
            replays: 2,
            rounds: 2,
            ..Plan::standard()
        }
    }

    /// Ten minutes or so.
    pub fn full() -> Self {
        Plan {
            trials: 1000,
            replays: 100,
            rounds: 21,
            ..Plan::standard()
        }
    }
}

/// A tampering, and who caught it by what; `None` where nobody did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was done.
    pub kind: Kind,
    /// Which one of its kind, from 0 on; what it does follows from this.
    pub trial: u64,
    /// What exactly was done.
    pub detail: String,
    /// With the directory alone, by what: a rule of the chain, or a level.
    pub unpinned: Option<String>,
    /// With the genesis hash.
    pub genesis_pinned: Option<String>,
    /// With the hashes of genesis and the last block.
    pub head_pinned: Option<String>,
    /// With the program: whether training every segment again came out
    /// otherwise. `None` if it was not done.
    pub replay: Option<bool>,
    /// How long the first verifier took, in milliseconds.
    pub verify_ms: f64,
}

/// Does all tamperings of a kind to the run and has them verified; the run is as
/// it was afterwards.
///
/// # Errors
///
/// If the run's files cannot be read or written, or a block not be mined.
pub fn measure(plan: &Plan, scene: &mut Scene, kind: Kind) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut replayed = 0;
    for trial in 0..plan.trials {
        let tampering = damage::tamper(scene, kind, trial)?;
        let changed = scene.change(&tampering.files)?;
        let seen = judge::judge(scene)?;
        let replay = (seen.unpinned.is_none() && replayed < plan.replays).then(|| {
            replayed += 1;
            scene.program().is_otherwise(scene.run())
        });
        let replay = replay.transpose();
        scene.restore(&changed)?;
        rows.push(Row {
            kind,
            trial,
            detail: tampering.detail,
            unpinned: seen.unpinned,
            genesis_pinned: seen.genesis_pinned,
            head_pinned: seen.head_pinned,
            replay: replay?,
            verify_ms: seen.millis,
        });
    }
    Ok(rows)
}
