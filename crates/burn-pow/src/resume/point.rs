//! Where a resumed run stands, as its directory shows.

use super::saved_state::SavedState;
use super::settings::check_settings;
use crate::config::PowConfig;
use crate::error::{PowError, ResumeError};
use pow_core::body::{BodyKind, Entry, Genesis, StepNumber};
use pow_core::chain::ChainVerifier;
use pow_core::hash::{BlockHash, StateRoot};
use pow_ledger::{RunDir, SavedRun};
use std::collections::{BTreeMap, VecDeque};

/// Where a run stands that does not start at its first step. A resumed run reads
/// this once from its directory. A replay has the same for its segment. The recorder
/// and its threads all start from it.
pub(crate) struct ResumePoint {
    pub(crate) genesis: Genesis,
    /// The state to start from.
    pub(crate) saved: SavedState,
    /// The entries that the chain has after `saved`. Their steps are repeated, and
    /// compared with these entries.
    pub(crate) ahead: VecDeque<Entry>,
    /// The checkpoints on disk up to `saved`, oldest first, without the one of step 0.
    pub(crate) kept: VecDeque<StateRoot>,
    /// The hashes of the blocks that seal checkpoints, by step.
    pub(crate) keys: BTreeMap<StepNumber, BlockHash>,
    /// The chain as it was verified. A replay does not need it.
    pub(crate) verifier: ChainVerifier,
}

impl ResumePoint {
    /// Reads and verifies the chain, and opens its newest checkpoint. This changes
    /// no file. If `config` has no name, it gets the name of the run.
    pub(crate) fn read(dir: &RunDir, config: &mut PowConfig) -> Result<(Self, SavedRun), PowError> {
        let mut scan = Scan {
            dir,
            verifier: ChainVerifier::new(None),
            newest: None,
            kept: VecDeque::new(),
            keys: BTreeMap::new(),
            ahead: VecDeque::new(),
        };
        let saved_run =
            dir.read_saved(|record| scan.block(record.offset, &record.block, &record.body))?;
        let genesis = scan.genesis()?;
        config.name.get_or_insert_with(|| genesis.name.clone());
        check_settings(dir, config, genesis.config)?;
        let point = ResumePoint {
            saved: scan.newest_state(&genesis)?,
            genesis,
            ahead: scan.ahead,
            kept: scan.kept,
            keys: scan.keys,
            verifier: scan.verifier,
        };
        Ok((point, saved_run))
    }

    /// The last step in the chain.
    pub(crate) fn chain_step(&self) -> StepNumber {
        let saved = self.saved.step();
        self.ahead.back().map_or(saved, |entry| entry.step)
    }
}

/// Reads the chain block by block.
struct Scan<'a> {
    dir: &'a RunDir,
    verifier: ChainVerifier,
    /// The newest entry whose checkpoint is on disk.
    newest: Option<Entry>,
    kept: VecDeque<StateRoot>,
    keys: BTreeMap<StepNumber, BlockHash>,
    ahead: VecDeque<Entry>,
}

impl Scan<'_> {
    fn block(&mut self, offset: u64, block: &[u8], body: &[u8]) -> Result<(), PowError> {
        let pushed = self.verifier.push(block, body);
        let block = pushed.map_err(|error| ResumeError::Chain { offset, error })?;
        let BodyKind::Steps(entries) = &block.body().kind else {
            return Ok(());
        };
        let hash = block.hash();
        for entry in entries {
            if entry.rest.is_some() {
                self.keys.insert(entry.step, hash);
            }
            let on_disk = entry
                .state_root()
                .filter(|root| self.dir.checkpoint(*root).dir().exists());
            match on_disk {
                Some(root) => {
                    if entry.step.0 > 0 {
                        self.kept.push_back(root);
                    }
                    self.newest = Some(*entry);
                    self.ahead.clear();
                }
                None => self.ahead.push_back(*entry),
            }
        }
        Ok(())
    }

    /// The genesis of the chain, if steps can follow it.
    fn genesis(&self) -> Result<Genesis, ResumeError> {
        let Some(chain) = self.verifier.chain() else {
            return Err(ResumeError::NoBlock(self.dir.path().to_owned()));
        };
        if let Some(end) = chain.end() {
            let (ending, steps) = (end.ending.name(), end.steps);
            return Err(ResumeError::Ended { ending, steps });
        }
        if let Some(last) = chain.last_entry() {
            check_intervals(last, chain.genesis())?;
        }
        Ok(chain.genesis().clone())
    }

    /// Opens the newest checkpoint on disk.
    fn newest_state(&self, genesis: &Genesis) -> Result<SavedState, PowError> {
        let root = match self.newest {
            Some(entry) => entry.state_root(),
            // The chain has only the genesis block. The checkpoint of the initial
            // state is written before it.
            None if self.ahead.is_empty() => Some(genesis.initial.root),
            None => None,
        };
        let (root, files) = root
            .map(|root| (root, self.dir.checkpoint(root)))
            .filter(|(_, files)| files.dir().exists())
            .ok_or(ResumeError::NoCheckpoint)?;
        SavedState::load(&files, root, self.newest)
    }
}

/// An entry that is not on the intervals must be the last entry (rule 16 of the
/// format).
fn check_intervals(last: &Entry, genesis: &Genesis) -> Result<(), ResumeError> {
    let (step, schedule) = (last.step, &genesis.schedule);
    let is_due = |every: u64| every != 0 && step.0.is_multiple_of(every);
    let ends = schedule.planned == Some(step.0);
    let committed = is_due(schedule.commit_every);
    let checkpoint = last.rest.is_none() || step.0 == 0 || is_due(schedule.checkpoint_every);
    if ends || (committed && checkpoint) {
        Ok(())
    } else {
        Err(ResumeError::WasEnding(step))
    }
}
