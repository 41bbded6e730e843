//! A run, as far as its place among others needs it.

use crate::source::RunSource;
use crate::walk::{WalkEnd, WalkProgress, WalkedBlock, walk};
use pow_core::body::{BodyKind, Entry, StepNumber};
use pow_core::chain::VerifiedChain;
use pow_core::extension::{Parent, Unusable};
use pow_core::hash::{BlockHash, ParameterRoot, RestRoot, StateRoot};
use pow_ledger::LedgerError;
use std::collections::BTreeMap;
use std::fmt;

/// What a run says of its start, from its chain alone.
#[derive(Clone, Debug)]
pub(crate) struct Beginning {
    pub(crate) parent: Result<Option<Parent>, Unusable>,
    pub(crate) base: Result<Option<ParameterRoot>, Unusable>,
    /// The initial state root in genesis. Rule 14 makes it that of entry 0.
    pub(crate) state: StateRoot,
    /// Entry 0. Absent if the chain ends before it.
    pub(crate) first: Option<Committed>,
}

/// The two roots of a state that a chain commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    pub(crate) parameters: ParameterRoot,
    pub(crate) rest: RestRoot,
}

impl Committed {
    /// The entry of a step, if it has a checkpoint.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        Some(Committed {
            parameters: entry.parameters,
            rest: entry.rest?,
        })
    }
}

impl Beginning {
    /// `first` is entry 0 of the chain.
    pub(crate) fn of(chain: &VerifiedChain, first: Option<Committed>) -> Self {
        Beginning {
            parent: chain.genesis().parent(),
            base: chain.genesis().base_model(),
            state: chain.genesis().initial.root,
            first,
        }
    }

    /// Whether genesis has an extension that names a parent or a base model, readable or
    /// not.
    pub(crate) fn names_an_origin(&self) -> bool {
        !matches!((&self.parent, &self.base), (Ok(None), Ok(None)))
    }
}

/// A run whose chain was read and verified. It keeps the roots of each checkpoint: 72
/// bytes for each.
pub struct LineageRun<'a> {
    source: &'a dyn RunSource,
    end: WalkEnd,
    checkpoints: BTreeMap<StepNumber, Committed>,
}

impl fmt::Debug for LineageRun<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineageRun")
            .field("source", &self.source.name())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl<'a> LineageRun<'a> {
    /// Reads and verifies the run's chain. Calls `progress` after every block. Files beside
    /// the chain are opened only when a link needs them.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if the chain file cannot be opened or read. Damage in its content is
    /// no error: [`failure`](Self::failure) has it.
    pub fn read(
        source: &'a dyn RunSource,
        progress: &mut dyn FnMut(WalkProgress),
    ) -> Result<Self, LedgerError> {
        let mut checkpoints = BTreeMap::new();
        let end = walk(source, None, &mut |walked, at| {
            collect(walked, &mut checkpoints);
            progress(at);
        })?;
        Ok(LineageRun {
            source,
            end,
            checkpoints,
        })
    }

    /// The run's path, or the name that its source gives.
    pub fn name(&self) -> String {
        self.source.name()
    }

    /// The blocks that hold every rule. `None` if genesis does not.
    pub fn chain(&self) -> Option<&VerifiedChain> {
        self.end.chain.as_ref()
    }

    /// Hash of the genesis block, which names the run. `None` without a good one.
    pub fn genesis(&self) -> Option<BlockHash> {
        self.chain().map(VerifiedChain::genesis_hash)
    }

    /// Why the chain does not hold, with the byte offset. `None` if it holds.
    pub fn failure(&self) -> Option<String> {
        self.end.failure()
    }

    pub(crate) fn source(&self) -> &'a dyn RunSource {
        self.source
    }

    /// What the chain commits to at a step that has a checkpoint.
    pub(crate) fn at(&self, step: StepNumber) -> Option<Committed> {
        self.checkpoints.get(&step).copied()
    }

    pub(crate) fn beginning(&self) -> Option<Beginning> {
        let chain = self.chain()?;
        Some(Beginning::of(chain, self.at(StepNumber(0))))
    }
}

fn collect(walked: &WalkedBlock<'_>, checkpoints: &mut BTreeMap<StepNumber, Committed>) {
    if let BodyKind::Steps(entries) = &walked.block.body().kind {
        let committed = entries
            .iter()
            .filter_map(|entry| Some((entry.step, Committed::of(entry)?)));
        checkpoints.extend(committed);
    }
}
