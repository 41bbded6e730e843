//! What a run that goes on finds in its directory.

use crate::config::PowConfig;
use crate::error::PowError;
use crate::state::deferred::Stored;
use burn::store::RecordError;
use pow_audit::replay::{EntryField, Machine};
use pow_core::body::{BodyKind, Entry, Genesis, StepNumber};
use pow_core::chain::{ChainError, ChainVerifier};
use pow_core::hash::{BlockHash, FileDigest, ParameterRoot, StateRoot};
use pow_core::state::state_root;
use pow_ledger::{CheckpointFiles, LedgerError, RunDir, SavedRun, StateFile};
use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a run cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// The writer was killed before the first block.
    #[error("{} holds no block yet: remove it and begin anew", .0.display())]
    NoBlock(PathBuf),
    /// The chain has its final block.
    #[error("the run has ended: {ending} after {steps} steps")]
    Ended {
        /// How.
        ending: &'static str,
        /// After how many steps.
        steps: StepNumber,
    },
    /// The run was being ended, and only its final block is missing.
    #[error(
        "the chain ends with step {0}, which is off its intervals: the run was being ended, and \
         no step can follow"
    )]
    EndBegun(StepNumber),
    /// A block breaks a rule.
    #[error("byte {offset}: {error}; nothing is appended to such a chain")]
    Chain {
        /// Where the block's record begins.
        offset: u64,
        /// The rule.
        error: ChainError,
    },
    /// No checkpoint that the chain commits to is there.
    #[error("none of the chain's checkpoints is there to go on from")]
    NoCheckpoint,
    /// A checkpoint holds something else than it is called.
    #[error(
        "{} holds step {step} with state root {root}: remove it to go on from an earlier one",
        dir.display()
    )]
    Checkpoint {
        /// The checkpoint's directory.
        dir: PathBuf,
        /// The step that it holds.
        step: StepNumber,
        /// The state root that it holds.
        root: StateRoot,
    },
    /// Which samples were trained on was not recorded.
    #[error("the order of its samples is not declared, so nobody can say where it stood")]
    ForeignOrder,
    /// The program is not the one that began the run.
    #[error("{what} is {found}, but the run was begun with {expected}")]
    Differs {
        /// What.
        what: &'static str,
        /// As the program has it now.
        found: String,
        /// As genesis has it.
        expected: String,
    },
    /// The order depends on a block that the chain does not have.
    #[error("the order depends on the block of step {0}, which the chain does not have")]
    NoKey(StepNumber),
    /// The model does not take the checkpoint's parameters.
    #[error("the checkpoint does not fit the model: {0}")]
    Model(RecordError),
    /// The loop began without the restored state.
    #[error("a step was about to be taken with a model that was not restored: call PowRun::start")]
    NotRestored,
    /// A step that is in the chain already came out otherwise.
    #[error(transparent)]
    Diverged(Difference),
}

/// How a step that was taken again differs from its entry in the chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "step {step} came out otherwise than it is in the chain: its {} is {found}, in the chain \
     {expected}",
    field.name()
)]
#[non_exhaustive]
pub struct Difference {
    /// The step.
    pub step: StepNumber,
    /// The field of its entry.
    pub field: EntryField,
    /// Now.
    pub found: String,
    /// In the chain.
    pub expected: String,
}

impl From<ResumeError> for PowError {
    fn from(error: ResumeError) -> Self {
        PowError::Resume(Arc::new(error))
    }
}

/// Where a resumed run goes on, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resumed {
    /// The step of the checkpoint that it goes on from.
    pub step: StepNumber,
    /// The last step in the chain. Those up to it are taken again, and compared
    /// with the chain in place of being appended to it.
    pub chain_step: StepNumber,
    /// Where a torn record was put that a killed writer left.
    pub torn: Option<PathBuf>,
    /// The machine and the program that the run was begun with.
    pub begun: Machine,
}

/// The run as it was left.
pub(crate) struct Left {
    pub(crate) verifier: ChainVerifier,
    pub(crate) genesis: Genesis,
    pub(crate) start: Start,
    /// The entries of the chain after that of `start`.
    pub(crate) ahead: VecDeque<Entry>,
    /// Checkpoints on disk up to `start`, besides the first; oldest first.
    pub(crate) kept: VecDeque<StateRoot>,
    /// Hashes of the blocks that seal checkpoints, by step.
    pub(crate) keys: BTreeMap<StepNumber, BlockHash>,
}

/// The state that the run goes on from.
pub(crate) struct Start {
    /// Its entry; absent if only genesis was sealed.
    pub(crate) entry: Option<Entry>,
    pub(crate) state: StateFile,
    /// The file of the parameters.
    pub(crate) file: PathBuf,
    pub(crate) model: Vec<Stored>,
    pub(crate) optimizer: Vec<Stored>,
    /// Roots of both.
    pub(crate) parameters: ParameterRoot,
    pub(crate) optimizer_root: ParameterRoot,
    /// The program's own model must have these parameters, rather than be given
    /// them.
    pub(crate) regenerate: bool,
}

impl Left {
    /// Reads and verifies the chain, and loads its newest checkpoint. Nothing
    /// is changed. A run that was given no name keeps the one it has.
    pub(crate) fn read(dir: &RunDir, config: &mut PowConfig) -> Result<(Self, SavedRun), PowError> {
        let mut scan = Scan {
            dir,
            verifier: ChainVerifier::new(None),
            newest: None,
            kept: VecDeque::new(),
            keys: BTreeMap::new(),
            ahead: VecDeque::new(),
        };
        let left_run =
            dir.read_saved(|record| scan.block(record.offset, &record.block, &record.body))?;
        let genesis = match scan.verifier.chain() {
            Some(chain) => {
                if let Some(end) = chain.end() {
                    let (ending, steps) = (end.ending.name(), end.steps);
                    return Err(ResumeError::Ended { ending, steps }.into());
                }
                if let Some(last) = chain.last_entry() {
                    check_intervals(last, chain.genesis())?;
                }
                chain.genesis().clone()
            }
            None => return Err(ResumeError::NoBlock(dir.path().to_owned()).into()),
        };
        config.name.get_or_insert_with(|| genesis.name.clone());
        check_config(dir, config, genesis.config)?;
        let has_entries = scan.newest.is_some() || !scan.ahead.is_empty();
        let (root, entry) = match scan.newest {
            Some(entry) => (entry.state_root(), Some(entry)),
            // Genesis alone: the initial state's checkpoint is written before it.
            None if !has_entries => (Some(genesis.initial.root), None),
            None => (None, None),
        };
        let files = root.map(|root| (root, dir.checkpoint(root)));
        let (root, files) = files
            .filter(|(_, files)| files.dir().exists())
            .ok_or(ResumeError::NoCheckpoint)?;
        let left = Left {
            verifier: scan.verifier,
            genesis,
            start: Start::load(&files, root, entry)?,
            ahead: scan.ahead,
            kept: scan.kept,
            keys: scan.keys,
        };
        Ok((left, left_run))
    }

    /// The last step in the chain.
    pub(crate) fn chain_step(&self) -> StepNumber {
        let start = StepNumber(self.start.state.step);
        self.ahead.back().map_or(start, |entry| entry.step)
    }
}

/// Reading the chain block by block.
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
            let present = entry
                .state_root()
                .filter(|root| self.dir.checkpoint(*root).dir().exists());
            match present {
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
}

/// An entry off the intervals must be the last: rule 16 of the format.
fn check_intervals(last: &Entry, genesis: &Genesis) -> Result<(), ResumeError> {
    let (step, schedule) = (last.step, &genesis.schedule);
    let is_due = |every: u64| every != 0 && step.0.is_multiple_of(every);
    let ends = schedule.planned == Some(step.0);
    let committed = is_due(schedule.commit_every);
    let checkpoint = last.rest.is_none() || step.0 == 0 || is_due(schedule.checkpoint_every);
    if ends || (committed && checkpoint) {
        Ok(())
    } else {
        Err(ResumeError::EndBegun(step))
    }
}

/// Compares the settings with those that the run was begun with.
pub(crate) fn check_config(
    dir: &RunDir,
    config: &PowConfig,
    expected: FileDigest,
) -> Result<(), PowError> {
    let ours = config.config_bytes();
    if FileDigest::of(&ours) == expected {
        return Ok(());
    }
    let theirs = read_config(dir)?;
    let object = |bytes: &[u8]| serde_json::from_slice::<serde_json::Map<_, _>>(bytes).ok();
    let show = |value: Option<&serde_json::Value>| {
        value.map_or_else(|| "absent".into(), ToString::to_string)
    };
    let (found, begun) = (object(&ours), object(&theirs));
    let names = |all: &Option<serde_json::Map<String, serde_json::Value>>| {
        all.iter()
            .flat_map(|all| all.keys().cloned())
            .collect::<Vec<_>>()
    };
    for name in names(&found).into_iter().chain(names(&begun)) {
        let value = |all: &Option<serde_json::Map<_, _>>| {
            all.as_ref().and_then(|all| all.get(&name)).cloned()
        };
        let (found, begun) = (value(&found), value(&begun));
        if found != begun {
            return Err(PowError::Config(format!(
                "{name} is {}, but the run was begun with {}",
                show(found.as_ref()),
                show(begun.as_ref())
            )));
        }
    }
    Err(ResumeError::Differs {
        what: "the digest of config.json",
        found: FileDigest::of(&ours).to_string(),
        expected: expected.to_string(),
    }
    .into())
}

/// What [`PowConfig::program`] kept in the config.json of a run; `None` if it
/// kept nothing. Whether that is what the run was begun with is known once the
/// run is opened with it.
///
/// # Errors
///
/// [`PowError::Ledger`] if there is no config.json; [`PowError::Config`] if it
/// is no JSON object, or longer than a mebibyte.
pub fn program_settings(dir: &RunDir) -> Result<Option<serde_json::Value>, PowError> {
    let bytes = read_config(dir)?;
    let mut object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes)
        .map_err(|error| PowError::Config(format!("{}: {error}", dir.config().display())))?;
    Ok(object.remove("program").filter(|value| !value.is_null()))
}

/// The longest config.json that is read, in bytes.
const MAX_CONFIG_LEN: u64 = 1 << 20;

fn read_config(dir: &RunDir) -> Result<Vec<u8>, PowError> {
    let path = dir.config();
    let mut bytes = Vec::new();
    std::fs::File::open(&path)
        .and_then(|file| file.take(MAX_CONFIG_LEN + 1).read_to_end(&mut bytes))
        .map_err(|source| LedgerError::Io {
            path: path.clone(),
            source,
        })?;
    if bytes.len() as u64 > MAX_CONFIG_LEN {
        let path = path.display();
        let reason = format!("{path} is longer than {MAX_CONFIG_LEN} bytes");
        return Err(PowError::Config(reason));
    }
    Ok(bytes)
}

impl Start {
    pub(crate) fn load(
        files: &CheckpointFiles,
        expected: StateRoot,
        entry: Option<Entry>,
    ) -> Result<Self, PowError> {
        let state = files.state_file()?;
        let (model, parameters) = Stored::open(&files.model())?;
        let (optimizer, optimizer_root) = Stored::open(&files.optimizer())?;
        let rest = state.rest(optimizer_root);
        let (root, step) = (state_root(parameters, rest.root()), StepNumber(state.step));
        let due = entry.map_or(StepNumber(0), |entry| entry.step);
        if root != expected || step != due {
            let dir = files.dir().to_owned();
            return Err(ResumeError::Checkpoint { dir, step, root }.into());
        }
        Ok(Start {
            entry,
            state,
            file: files.model(),
            model,
            optimizer,
            parameters,
            optimizer_root,
            regenerate: false,
        })
    }
}

/// Compares a step that was taken again with its entry in the chain.
pub(crate) fn compare(found: &Entry, expected: &Entry) -> Result<(), Difference> {
    let hex = |digest: Option<[u8; 32]>| digest.map(ParameterRoot);
    let rest = |entry: &Entry| entry.rest.map(|rest| state_root(entry.parameters, rest));
    let differing = [
        (
            EntryField::Step,
            found.step != expected.step,
            [found.step.to_string(), expected.step.to_string()],
        ),
        (
            EntryField::Batch,
            found.batch != expected.batch,
            [found, expected].map(|entry| shown(hex(entry.batch.map(|digest| digest.0)))),
        ),
        (
            EntryField::LearningRate,
            found.learning_rate != expected.learning_rate,
            [found, expected].map(|entry| shown(entry.learning_rate.map(f64::from_bits))),
        ),
        (
            EntryField::Loss,
            found.loss != expected.loss,
            [found, expected].map(|entry| shown(entry.loss.map(f64::from_bits))),
        ),
        (
            EntryField::Parameters,
            found.parameters != expected.parameters,
            [found, expected].map(|entry| entry.parameters.to_string()),
        ),
        (
            EntryField::State,
            found.rest != expected.rest,
            [found, expected].map(|entry| shown(rest(entry))),
        ),
    ];
    match differing.into_iter().find(|(_, differs, _)| *differs) {
        None => Ok(()),
        Some((field, _, [found_value, expected_value])) => Err(Difference {
            step: found.step,
            field,
            found: found_value,
            expected: expected_value,
        }),
    }
}

fn shown(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "absent".into(), |value| value.to_string())
}
