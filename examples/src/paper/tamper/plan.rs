//! How much is measured, and what is written down about it.

use super::kind::TamperKind;
use crate::paper::plan::SectionPlan;
use serde::{Deserialize, Serialize};

/// How much is tampered with, and the run for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TamperPlan {
    /// Trials of each kind.
    pub trials: u64,
    /// Uncaught trials of each kind that are trained again, at most.
    pub replays: u64,
    /// Passes over the training images.
    pub epochs: u32,
    /// Steps between two checkpoints.
    pub segment: u64,
    /// Leading zero bits of each block's hash.
    pub zero_bits: u32,
    /// Measurements of training, mining and verifying.
    pub rounds: u64,
}

impl SectionPlan for TamperPlan {
    /// About a minute on two cores.
    fn standard() -> Self {
        TamperPlan {
            trials: 250,
            replays: 20,
            epochs: 1,
            segment: 15,
            zero_bits: 16,
            rounds: 7,
        }
    }

    fn quick() -> Self {
        TamperPlan {
            trials: 6,
            replays: 2,
            rounds: 2,
            ..Self::standard()
        }
    }

    fn full() -> Self {
        TamperPlan {
            trials: 1000,
            replays: 100,
            rounds: 21,
            ..Self::standard()
        }
    }
}

/// One trial, and what each verifier caught it by. `None` if a verifier missed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TamperRow {
    /// How the run was changed.
    pub kind: TamperKind,
    /// The trial of this kind, counted from 0. The change follows from it.
    pub trial: u64,
    /// What exactly was changed.
    pub detail: String,
    /// What the verifier with the directory alone caught it by: a rule of the
    /// chain, or a level.
    pub unpinned: Option<String>,
    /// The same, with the genesis hash.
    pub genesis_pinned: Option<String>,
    /// The same, with the hashes of genesis and of the last block.
    pub head_pinned: Option<String>,
    /// Whether training every segment again gave a different result. `None` if it
    /// was not trained again.
    pub replay: Option<bool>,
    /// Time that the first verifier took, in milliseconds.
    pub verify_ms: f64,
}

/// Times of one run, in milliseconds by the wall clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TamperTimesRow {
    /// The round, counted from 0.
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
    /// Whether every level held, and the replay too.
    pub holds: bool,
}
