//! Broken rules.

use crate::body::{StepNumber, UnixMillis};
use crate::codec::DecodeError;
use crate::difficulty::DifficultyError;
use crate::hash::{BlockHash, BodyCommitment, ParameterRoot, StateRoot, TreeRoot, TxRoot};
use crate::target::CompactTarget;

/// A block that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("block {height}: {violation}")]
pub struct ChainError {
    /// The block's height.
    pub height: u32,
    /// The first rule that the block breaks.
    pub violation: Violation,
}

/// A broken rule. The rules have the numbers of `docs/format.md`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// Rule 1: the block is a header and one coinbase of the fixed shape.
    #[error("malformed block: {0}")]
    Block(DecodeError),
    /// Rule 1: the body is canonical.
    #[error("malformed body: {0}")]
    Body(DecodeError),
    /// Rule 2: the header's version is allowed.
    #[error("header version {0:#010x} has other fixed bits than 0x20000000")]
    Version(u32),
    /// Rule 3: the header names the block before it.
    #[error("names {found} as its parent, which is {expected}")]
    Link {
        /// Parent named.
        found: BlockHash,
        /// The block before.
        expected: BlockHash,
    },
    /// Rule 4: the header commits to the coinbase.
    #[error("transaction root is {found}, the coinbase's id is {expected}")]
    TxRoot {
        /// Root in the header.
        found: TxRoot,
        /// The coinbase's id.
        expected: TxRoot,
    },
    /// Rule 5: the coinbase commits to the body.
    #[error("coinbase commits to {found}, the body's commitment is {expected}")]
    Commitment {
        /// In the coinbase.
        found: BodyCommitment,
        /// The body's.
        expected: BodyCommitment,
    },
    /// Rule 6: the body commits to all previous blocks.
    #[error("root over previous blocks is {found}, expected {expected}")]
    PreviousBlocks {
        /// In the body.
        found: TreeRoot,
        /// Over the blocks before.
        expected: TreeRoot,
    },
    /// Rule 7: heights count from zero, in coinbase and body.
    #[error("says height {found}, expected {expected}")]
    Height {
        /// Height found.
        found: u32,
        /// Height expected.
        expected: u32,
    },
    /// Rule 8: start of the parent ≤ time when the parent was found ≤ start.
    #[error(
        "clock runs backwards: parent's start {} ms, parent found {} ms, start {} ms",
        parent_start.0, parent_found.0, start.0
    )]
    Clock {
        /// Start of the parent.
        parent_start: UnixMillis,
        /// When the parent was found.
        parent_found: UnixMillis,
        /// Start of this block.
        start: UnixMillis,
    },
    /// Rule 9: the header's time is in the window after the body's start.
    #[error("header time {found} s is not within 7200 s after the start, {} ms", start.0)]
    HeaderTime {
        /// Header time, seconds.
        found: u32,
        /// The body's start.
        start: UnixMillis,
    },
    /// Rule 10: the first block is genesis and no other is; then follow steps,
    /// then at most one final block.
    #[error("a {0} body cannot stand here")]
    KindOrder(&'static str),
    /// Rule 10: nothing follows the final block.
    #[error("follows the final block")]
    AfterFinal,
    /// Rule 11: the target is the one that genesis demands.
    #[error("target is {found}, genesis demands {expected}")]
    Bits {
        /// Target found.
        found: CompactTarget,
        /// Target demanded.
        expected: CompactTarget,
    },
    /// Rule 11: the hash meets the target.
    #[error("hash {hash} does not meet target {bits}")]
    Work {
        /// The block's hash.
        hash: BlockHash,
        /// Its target.
        bits: CompactTarget,
    },
    /// Rule 12: genesis' difficulty is consistent.
    #[error("genesis' difficulty: {0}")]
    Difficulty(#[from] DifficultyError),
    /// Rule 13: gate mode commits every step.
    #[error("gate mode with a commit interval of {0}")]
    GateInterval(u64),
    /// Rule 13: in gate mode a block has one entry.
    #[error("gate mode seals one entry a block, found {0}")]
    GateEntries(usize),
    /// Rule 14: the first entry is step 0, with the initial state of genesis
    /// and without batch digest and learning rate.
    #[error("the first entry is not step 0 with genesis' initial state and no batch")]
    FirstEntry,
    /// Rule 15: entries follow the commit interval, up to the planned length.
    #[error("entry of step {found} follows step {last}; the commit interval asks for {expected}")]
    Step {
        /// Step found.
        found: StepNumber,
        /// Last step.
        last: StepNumber,
        /// Step expected.
        expected: StepNumber,
    },
    /// Rule 15: no step beyond the planned length.
    #[error("step {found} lies beyond the planned {planned}")]
    BeyondPlan {
        /// Step found.
        found: StepNumber,
        /// Steps planned.
        planned: u64,
    },
    /// Rule 16: only the last entry may be off the commit interval, or have a
    /// checkpoint off the checkpoint interval.
    #[error("step {0} stands off the intervals, so it must be the last entry")]
    NotLast(StepNumber),
    /// Rule 17: an entry on the checkpoint interval has a checkpoint.
    #[error("step {0} must carry a checkpoint")]
    CheckpointMissing(StepNumber),
    /// Rule 18: the final block repeats the last entry.
    #[error("the final block says {found} steps, the last entry is step {expected}")]
    FinalSteps {
        /// In the final block.
        found: StepNumber,
        /// The last entry's.
        expected: StepNumber,
    },
    /// Rule 18: the final state root is the last entry's.
    #[error("the final block's state root is {found:?}, the last entry's is {expected:?}")]
    FinalState {
        /// In the final block.
        found: Option<StateRoot>,
        /// The last entry's.
        expected: Option<StateRoot>,
    },
    /// Rule 18: the artifact is the last entry's model.
    #[error("the artifact's root is {found}, the last entry's is {expected}")]
    FinalArtifact {
        /// In the final block.
        found: ParameterRoot,
        /// The last entry's.
        expected: ParameterRoot,
    },
    /// Rule 18: there is a last entry.
    #[error("a final block without any entry before it")]
    FinalWithoutEntry,
    /// Rule 19: a completed run of planned length took the planned steps and
    /// ends with a checkpoint.
    #[error("called completed after {steps} steps of {planned} planned, checkpoint: {checkpoint}")]
    NotCompleted {
        /// Steps taken.
        steps: StepNumber,
        /// Steps planned.
        planned: u64,
        /// Whether the last entry has a checkpoint.
        checkpoint: bool,
    },
    /// Rule 20: the genesis block is the pinned one.
    #[error("genesis is {found}, pinned is {expected}")]
    Pinned {
        /// Hash found.
        found: BlockHash,
        /// Hash pinned.
        expected: BlockHash,
    },
}

impl Violation {
    /// The rule's number in `docs/format.md`.
    pub fn rule(&self) -> u8 {
        match self {
            Violation::Block(_) | Violation::Body(_) => 1,
            Violation::Version(_) => 2,
            Violation::Link { .. } => 3,
            Violation::TxRoot { .. } => 4,
            Violation::Commitment { .. } => 5,
            Violation::PreviousBlocks { .. } => 6,
            Violation::Height { .. } => 7,
            Violation::Clock { .. } => 8,
            Violation::HeaderTime { .. } => 9,
            Violation::KindOrder(_) | Violation::AfterFinal => 10,
            Violation::Bits { .. } | Violation::Work { .. } => 11,
            Violation::Difficulty(_) => 12,
            Violation::GateInterval(_) | Violation::GateEntries(_) => 13,
            Violation::FirstEntry => 14,
            Violation::Step { .. } | Violation::BeyondPlan { .. } => 15,
            Violation::NotLast(_) => 16,
            Violation::CheckpointMissing(_) => 17,
            Violation::FinalSteps { .. }
            | Violation::FinalState { .. }
            | Violation::FinalArtifact { .. }
            | Violation::FinalWithoutEntry => 18,
            Violation::NotCompleted { .. } => 19,
            Violation::Pinned { .. } => 20,
        }
    }
}
