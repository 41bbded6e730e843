//! Where a resumed run stands, as its directory shows.

use super::saved_state::SavedState;
use super::settings::check_settings;
use crate::config::PowConfig;
use crate::error::{PowError, ResumeError};
use pow_core::body::{BodyKind, Entry, Genesis, Schedule, StepNumber};
use pow_core::chain::ChainVerifier;
use pow_core::hash::{BlockHash, StateRoot};
use pow_ledger::{RunDir, SavedRun};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    /// Reads and verifies the chain, and opens its newest checkpoint. If that is
    /// damaged, opens the one before. This changes no file. If `config` has no name, it
    /// gets the name of the run.
    pub(crate) fn read(dir: &RunDir, config: &mut PowConfig) -> Result<FoundPoint, PowError> {
        let mut damaged = Vec::new();
        loop {
            // What follows a checkpoint is known only after its choice, so the chain is
            // read again for each.
            let (scan, saved_run) = Scan::read(dir, &damaged)?;
            let genesis = scan.genesis()?;
            config.name.get_or_insert_with(|| genesis.name.clone());
            check_settings(dir, config, genesis.config)?;
            let uncommitted = scan.uncommitted(&genesis)?;
            let extra = scan.extra_state(&uncommitted);
            let newest = scan.newest_checkpoint(&genesis);
            let Some(start) = extra.or(newest) else {
                let first = damaged.into_iter().next();
                return Err(first.map_or(ResumeError::NoCheckpoint.into(), |first| first.why));
            };
            match scan.open(&start) {
                Ok(saved) => {
                    return Ok(FoundPoint {
                        leftovers: scan.leftovers(&start, &uncommitted, &genesis.schedule),
                        point: scan.point(saved, genesis),
                        saved_run,
                        damaged,
                    });
                }
                Err(why) => damaged.push(Damaged {
                    root: start.root,
                    step: start.step(),
                    why,
                }),
            }
        }
    }

    /// The state root that the run starts from, if no entry commits to it.
    pub(crate) fn extra_state(&self) -> Option<StateRoot> {
        let is_committed = self.saved.entry.is_none_or(|entry| entry.rest.is_some());
        (!is_committed).then(|| self.saved.files.root())
    }

    /// The last step in the chain.
    pub(crate) fn chain_step(&self) -> StepNumber {
        let saved = self.saved.step();
        self.ahead.back().map_or(saved, |entry| entry.step)
    }
}

/// Where a run stands, and what else is on disk.
pub(crate) struct FoundPoint {
    pub(crate) point: ResumePoint,
    pub(crate) saved_run: SavedRun,
    /// The newer checkpoints that cannot be used, the newest first.
    pub(crate) damaged: Vec<Damaged>,
    /// Other states that no entry commits to, and that are not needed any more.
    pub(crate) leftovers: Vec<StateRoot>,
}

/// A state on disk that the run can start from.
struct Start {
    root: StateRoot,
    /// Absent if the chain has only the genesis block.
    entry: Option<Entry>,
}

impl Start {
    fn step(&self) -> StepNumber {
        self.entry.map_or(StepNumber(0), |entry| entry.step)
    }
}

/// A checkpoint on disk that is not what the chain commits to.
pub(crate) struct Damaged {
    pub(crate) root: StateRoot,
    pub(crate) step: StepNumber,
    pub(crate) why: PowError,
}

/// Reads the chain block by block.
struct Scan<'a> {
    dir: &'a RunDir,
    /// The checkpoints that count as absent.
    damaged: &'a [Damaged],
    verifier: ChainVerifier,
    /// The newest entry whose checkpoint is on disk.
    newest: Option<Entry>,
    kept: VecDeque<StateRoot>,
    /// The state roots of all entries.
    committed: BTreeSet<StateRoot>,
    keys: BTreeMap<StepNumber, BlockHash>,
    ahead: VecDeque<Entry>,
}

impl<'a> Scan<'a> {
    fn read(dir: &'a RunDir, damaged: &'a [Damaged]) -> Result<(Self, SavedRun), PowError> {
        let mut scan = Scan {
            dir,
            damaged,
            verifier: ChainVerifier::new(None),
            newest: None,
            kept: VecDeque::new(),
            committed: BTreeSet::new(),
            keys: BTreeMap::new(),
            ahead: VecDeque::new(),
        };
        let saved_run =
            dir.read_saved(|record| scan.block(record.offset, &record.block, &record.body))?;
        Ok((scan, saved_run))
    }

    /// Whether the checkpoint is on disk, and not known to be damaged.
    fn has_checkpoint(&self, root: StateRoot) -> bool {
        self.damaged.iter().all(|damaged| damaged.root != root)
            && self.dir.checkpoint(root).dir().exists()
    }

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
            self.committed.extend(entry.state_root());
            match entry.state_root().filter(|root| self.has_checkpoint(*root)) {
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

    /// The newest checkpoint on disk.
    fn newest_checkpoint(&self, genesis: &Genesis) -> Option<Start> {
        let root = match self.newest {
            Some(entry) => entry.state_root(),
            // The chain has only the genesis block. The checkpoint of the initial
            // state is written before it.
            None if self.ahead.is_empty() => Some(genesis.initial.root),
            None => None,
        };
        let root = root.filter(|root| self.has_checkpoint(*root))?;
        let entry = self.newest;
        Some(Start { root, entry })
    }

    /// The newest state of a pause, or one that was kept after some time, that is newer than
    /// the newest checkpoint. The chain does not commit to it. Its name is the root of all of
    /// it, and its parameters are compared with the chain.
    fn extra_state(&self, uncommitted: &[(StateRoot, StepNumber)]) -> Option<Start> {
        let starts = uncommitted.iter().filter_map(|(root, step)| {
            let entry = self.ahead.iter().find(|entry| entry.step == *step)?;
            Some(Start {
                root: *root,
                entry: Some(*entry),
            })
        });
        starts.max_by_key(Start::step)
    }

    /// The states that no entry commits to and that are not needed any more. A newer
    /// checkpoint than the chain's last entry stays: its writer was killed, and it will be
    /// written again.
    fn leftovers(
        &self,
        start: &Start,
        uncommitted: &[(StateRoot, StepNumber)],
        schedule: &Schedule,
    ) -> Vec<StateRoot> {
        let last = self.ahead.back().or(self.newest.as_ref());
        let last = last.map_or(StepNumber(0), |entry| entry.step);
        let needless = |step: StepNumber| step <= last || !schedule.has_checkpoint(step);
        let needless = uncommitted.iter().filter(|(_, step)| needless(*step));
        let roots = needless.map(|(root, _)| *root);
        roots.filter(|root| *root != start.root).collect()
    }

    /// The states on disk that no entry commits to, with their steps, but for damaged ones.
    fn uncommitted(&self, genesis: &Genesis) -> Result<Vec<(StateRoot, StepNumber)>, PowError> {
        let mut found = Vec::new();
        for root in self.dir.checkpoint_roots()? {
            let is_committed = self.committed.contains(&root) || root == genesis.initial.root;
            if is_committed || !self.has_checkpoint(root) {
                continue;
            }
            // Without its step, it is no state to start from.
            if let Ok(state) = self.dir.checkpoint(root).state_file() {
                found.push((root, StepNumber(state.step)));
            }
        }
        Ok(found)
    }

    fn open(&self, start: &Start) -> Result<SavedState, PowError> {
        let files = self.dir.checkpoint(start.root);
        let saved = SavedState::load(&files, start.root, start.entry)?;
        match start.entry {
            Some(entry) if entry.parameters != saved.model_root => Err(ResumeError::Mismatch {
                what: "the saved state's parameter root",
                found: saved.model_root.to_string(),
                expected: entry.parameters.to_string(),
            }
            .into()),
            _ => Ok(saved),
        }
    }

    fn point(mut self, saved: SavedState, genesis: Genesis) -> ResumePoint {
        let step = saved.step();
        self.ahead.retain(|entry| entry.step > step);
        ResumePoint {
            saved,
            genesis,
            ahead: self.ahead,
            kept: self.kept,
            keys: self.keys,
            verifier: self.verifier,
        }
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
