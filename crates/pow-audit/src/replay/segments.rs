//! The segments of a verified chain.

use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkProgress, WalkedBlock, walk};
use pow_core::body::{BodyKind, StepNumber};
use pow_core::chain::VerifiedChain;
use pow_core::challenge::{SegmentCount, SegmentIndex};
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, StateRoot};
use pow_ledger::LedgerError;

/// The steps between two consecutive checkpoints of a chain, or from the last checkpoint
/// to the last entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number, counted from 0.
    pub index: SegmentIndex,
    /// The step of the checkpoint that it starts from.
    pub from_step: StepNumber,
    /// The step that it ends with. It is larger than `from_step`.
    pub to_step: StepNumber,
    /// The state root of the checkpoint that it starts from.
    pub from_state: StateRoot,
    /// The state root of the checkpoint that it ends with. Absent if it ends with the last
    /// entry and that entry has no checkpoint.
    pub to_state: Option<StateRoot>,
    /// Height of the block that holds its last entry.
    pub block: Height,
    /// Number of entries after `from_step`, up to and including `to_step`.
    pub entries: u64,
}

/// The segments of a chain in which every block holds every rule.
#[derive(Clone, Debug)]
pub struct Segments {
    chain: VerifiedChain,
    checkpoints: Vec<Sealed<StateRoot>>,
    /// The last entry, if it has no checkpoint.
    tail: Option<Sealed<()>>,
}

/// An entry, and its state root if it has a checkpoint.
#[derive(Clone, Copy, Debug)]
struct Sealed<S> {
    step: StepNumber,
    state: S,
    block: Height,
    /// Number of entries of the chain up to and including this one.
    entries: u64,
}

/// Why the segments of a chain are not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentsError {
    /// The chain file could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The chain breaks a rule, its file is damaged, or has no block yet.
    #[error("the chain does not hold: {0}")]
    Chain(String),
}

impl Segments {
    /// Reads and verifies the chain of a run, or a
    /// [`ChainFile`](crate::source::ChainFile), and lists its segments. If `genesis` is given, the
    /// first block must have that hash. An unfinished chain has the segments of the
    /// blocks that are there.
    ///
    /// # Errors
    ///
    /// [`SegmentsError`] if the file cannot be read or the chain does not hold.
    pub fn of(
        run: &dyn RunSource,
        genesis: Option<BlockHash>,
        progress: &mut dyn FnMut(WalkProgress),
    ) -> Result<Segments, SegmentsError> {
        let mut collector = SegmentCollector::default();
        let end = walk(run, genesis, &mut |walked, at| {
            collector.block(walked);
            progress(at);
        })?;
        if let Some(failure) = end.failure() {
            return Err(SegmentsError::Chain(failure));
        }
        collector
            .finish(&end)
            .ok_or_else(|| SegmentsError::Chain("there is no block".into()))
    }

    /// The chain.
    pub fn chain(&self) -> &VerifiedChain {
        &self.chain
    }

    /// The number of segments. It is one less than the number of checkpoints. Entries
    /// after the last checkpoint are one more segment.
    pub fn count(&self) -> SegmentCount {
        let between = self.checkpoints.len().saturating_sub(1);
        SegmentCount(between as u64 + u64::from(self.tail.is_some()))
    }

    /// A segment. `None` after the last one.
    pub fn get(&self, index: SegmentIndex) -> Option<Segment> {
        let at = usize::try_from(index.0).ok()?;
        let from = self.checkpoints.get(at)?;
        let to = match self.checkpoints.get(at.checked_add(1)?) {
            Some(to) => to.map(Some),
            None => self.tail?.map(|()| None),
        };
        Some(Segment {
            index,
            from_step: from.step,
            to_step: to.step,
            from_state: from.state,
            to_state: to.state,
            block: to.block,
            entries: to.entries - from.entries,
        })
    }

    /// All segments, in order.
    pub fn iter(&self) -> impl Iterator<Item = Segment> {
        (0..self.count().0).filter_map(|index| self.get(SegmentIndex(index)))
    }
}

impl<S: Copy> Sealed<S> {
    fn map<T>(&self, state: impl FnOnce(S) -> T) -> Sealed<T> {
        Sealed {
            step: self.step,
            state: state(self.state),
            block: self.block,
            entries: self.entries,
        }
    }
}

/// Collects checkpoints block by block.
#[derive(Debug, Default)]
pub(crate) struct SegmentCollector {
    checkpoints: Vec<Sealed<StateRoot>>,
    tail: Option<Sealed<()>>,
    entries: u64,
}

impl SegmentCollector {
    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        let BodyKind::Steps(entries) = &walked.block.body().kind else {
            return;
        };
        for entry in entries {
            self.entries += 1;
            let sealed = Sealed {
                step: entry.step,
                state: (),
                block: walked.chain.height(),
                entries: self.entries,
            };
            match entry.state_root() {
                Some(state) => {
                    self.checkpoints.push(sealed.map(|()| state));
                    self.tail = None;
                }
                None => self.tail = Some(sealed),
            }
        }
    }

    /// The segments of the good blocks. `None` if there is no good block.
    pub(crate) fn finish(self, end: &WalkEnd) -> Option<Segments> {
        Some(Segments {
            chain: end.chain.clone()?,
            checkpoints: self.checkpoints,
            tail: self.tail,
        })
    }
}
