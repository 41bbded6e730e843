//! Which step of a run has the tensors of a model.

use super::convert::Conversion;
use super::fingerprint::{Fingerprint, TensorFingerprint};
use crate::source::RunSource;
use crate::tensors::open_tensors;
use crate::walk::{WalkProgress, walk};
use pow_core::body::{BodyKind, StepNumber};
use pow_core::coinbase::Height;
use pow_core::draft::{AnyDType, ModelRoot};
use pow_core::hash::{BlockHash, ParameterRoot, StateRoot};
use pow_core::tensor::{DType, DataHasher, TensorHasher, TensorInfo, TensorSet, leaf_of_root};
use pow_ledger::{CheckpointPart, LedgerError, RunFile, StoredTensor, TensorBytes};
use std::collections::{BTreeMap, BTreeSet};

/// A committed step, and the block that commits to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedStep {
    /// The step.
    pub step: StepNumber,
    /// Height of the block.
    pub height: Height,
    /// Hash of the block.
    pub block: BlockHash,
}

/// The steps that committed to exactly these tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExactSteps {
    /// The first of them.
    pub first: CommittedStep,
    /// The last of them.
    pub last: CommittedStep,
    /// How many there are. A run can pass through the same weights again.
    pub count: u64,
}

/// Where a model is in a run.
#[derive(Clone, Debug)]
pub struct Located {
    /// Hash of the run's genesis block. Absent if there is none that holds.
    pub genesis: Option<BlockHash>,
    /// Entries that were compared.
    pub entries: u64,
    /// Why the chain does not hold, if it does not. Only entries of the blocks before were
    /// compared.
    pub failure: Option<String>,
    /// The steps that committed to exactly these tensors, if any did.
    pub exact: Option<ExactSteps>,
    /// Checkpoints whose tensors were compared one by one. This is only done if no step is
    /// exact.
    pub compared: u64,
    /// Of these, the one with the most tensors of the model. Absent if none was compared, or
    /// if none has a tensor of the model.
    pub nearest: Option<Nearest>,
    /// Checkpoints that are there and were not compared, with the reason.
    pub skipped: Vec<String>,
}

/// The checkpoint with the most tensors of a model.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// Its step.
    pub at: CommittedStep,
    /// The model's tensors, in the order of the fingerprint.
    pub tensors: Vec<TensorStanding>,
    /// Tensors of the checkpoint that the model does not have.
    pub others: Vec<String>,
}

/// How a tensor of the model stands to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorStanding {
    /// How it stands to the nearest checkpoint.
    pub nearest: Standing,
    /// The last compared step that has exactly this tensor, if it is not the nearest.
    pub elsewhere: Option<StepNumber>,
}

/// How a tensor of a model stands to the tensor of the same path in a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It is the same.
    Equal,
    /// It is the tensor of this type, with each element rounded to the model's type.
    Converted(DType),
    /// It has the same type and dims, and other values.
    OtherValues,
    /// It has the same dims and this other type, and is no conversion.
    OtherType(DType),
    /// It has other dims.
    OtherDims,
    /// The checkpoint has no tensor of this path.
    Missing,
}

/// How far the search has come.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum LocateProgress {
    /// The chain is read.
    Chain(WalkProgress),
    /// This many checkpoints of so many were compared.
    Checkpoints(u64, u64),
}

/// Looks for the step of a run that committed to exactly the tensors of a model. If there is
/// none, compares each tensor with those of the checkpoints that the run still has, and of its
/// final artifact. A file of the run counts only if it has the root that the chain commits to.
///
/// A match says that the chain commits to the tensors. It does not say that a training made
/// them, nor when.
///
/// # Errors
///
/// [`LedgerError`] if the chain cannot be opened or read. A chain that does not hold is no
/// error ([`Located::failure`]).
pub fn locate(
    model: &Fingerprint,
    run: &dyn RunSource,
    hasher: &dyn TensorHasher,
    progress: &mut dyn FnMut(LocateProgress),
) -> Result<Located, LedgerError> {
    let mut committed = Committed::new(model.root);
    let end = walk(run, None, &mut |walked, at| {
        let (height, block) = (walked.chain.height(), walked.block.hash());
        if let BodyKind::Steps(entries) = &walked.block.body().kind {
            for entry in entries {
                let step = entry.step;
                let at = CommittedStep {
                    step,
                    height,
                    block,
                };
                committed.entry(at, entry.parameters, entry.state_root());
            }
        }
        progress(LocateProgress::Chain(at));
    })?;
    let mut located = Located {
        genesis: end.chain.as_ref().map(|chain| chain.genesis_hash()),
        entries: end.entries,
        failure: end.failure(),
        exact: committed.exact,
        compared: 0,
        nearest: None,
        skipped: Vec::new(),
    };
    if located.exact.is_none() {
        let files = committed.files(run)?;
        compare(model, run, files, hasher, &mut located, progress);
    }
    Ok(located)
}

/// What the chain commits to.
struct Committed {
    wanted: Option<ParameterRoot>,
    exact: Option<ExactSteps>,
    /// Steps with a checkpoint. A state that several steps have is the last one's.
    checkpoints: BTreeMap<StateRoot, (CommittedStep, ParameterRoot)>,
    /// The last entry, which is that of the artifact.
    last: Option<(CommittedStep, ParameterRoot)>,
}

/// A file of the run with parameters, and what the chain says of it.
type Parameters = (RunFile, CommittedStep, ParameterRoot);

impl Committed {
    fn new(root: ModelRoot) -> Self {
        Committed {
            // No entry commits to a root of the draft.
            wanted: match root {
                ModelRoot::V1(root) => Some(root),
                ModelRoot::Draft(_) => None,
            },
            exact: None,
            checkpoints: BTreeMap::new(),
            last: None,
        }
    }

    fn entry(&mut self, at: CommittedStep, parameters: ParameterRoot, state: Option<StateRoot>) {
        if self.wanted == Some(parameters) {
            let first = self.exact.map_or(at, |exact| exact.first);
            let count = self.exact.map_or(0, |exact| exact.count) + 1;
            self.exact = Some(ExactSteps {
                first,
                last: at,
                count,
            });
        }
        if let Some(state) = state {
            self.checkpoints.insert(state, (at, parameters));
        }
        self.last = Some((at, parameters));
    }

    /// The files to compare, by their steps. The artifact is among them if its parameters
    /// are in no checkpoint.
    fn files(self, run: &dyn RunSource) -> Result<Vec<Parameters>, LedgerError> {
        let Some(there) = run.checkpoints()? else {
            return Ok(Vec::new());
        };
        let present = self.checkpoints.into_iter();
        let mut files: Vec<Parameters> = present
            .filter(|(state, _)| there.contains(state))
            .map(|(state, (at, parameters))| {
                let file = RunFile::Checkpoint(state, CheckpointPart::Model);
                (file, at, parameters)
            })
            .collect();
        files.sort_by_key(|(_, at, _)| at.step);
        if let Some((at, parameters)) = self.last
            && files.last().is_none_or(|(_, last, _)| last.step != at.step)
        {
            files.push((RunFile::Artifact, at, parameters));
        }
        Ok(files)
    }
}

/// Compares the model with each of the files.
fn compare(
    model: &Fingerprint,
    run: &dyn RunSource,
    files: Vec<Parameters>,
    hasher: &dyn TensorHasher,
    located: &mut Located,
    progress: &mut dyn FnMut(LocateProgress),
) {
    let count = files.len() as u64;
    let mut best: Option<(Score, CommittedStep, Compared)> = None;
    let mut elsewhere = vec![None; model.tensors.len()];
    for (done, (file, at, parameters)) in files.into_iter().enumerate() {
        progress(LocateProgress::Checkpoints(done as u64, count));
        let compared = match Compared::read(model, run, file, hasher) {
            Ok((root, compared)) if root == parameters => compared,
            Ok((root, _)) => {
                let path = run.path(file);
                located.skipped.push(format!(
                    "{}: its root is {root}, but the chain says {parameters}",
                    path.display()
                ));
                continue;
            }
            // An unfinished run has no artifact, and old checkpoints are removed.
            Err(LedgerError::Io { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound =>
            {
                continue;
            }
            Err(error) => {
                located.skipped.push(error.to_string());
                continue;
            }
        };
        located.compared += 1;
        for (step, standing) in elsewhere.iter_mut().zip(&compared.standings) {
            if *standing == Standing::Equal {
                *step = Some(at.step);
            }
        }
        let score = compared.score();
        // Of equal ones, the latest.
        if best.as_ref().is_none_or(|(best, ..)| score >= *best) {
            best = Some((score, at, compared));
        }
    }
    located.nearest =
        best.filter(|(score, ..)| *score > Score::default())
            .map(|(_, at, compared)| Nearest {
                at,
                tensors: compared
                    .standings
                    .into_iter()
                    .zip(elsewhere)
                    .map(|(nearest, elsewhere)| TensorStanding {
                        nearest,
                        elsewhere: elsewhere.filter(|_| nearest != Standing::Equal),
                    })
                    .collect(),
                others: compared.others.into_iter().collect(),
            });
}

/// Tensors that are equal or converted, and tensors that are equal.
type Score = (usize, usize);

/// A model beside the parameters in one file of a run.
struct Compared {
    /// Of the model's tensors, in their order.
    standings: Vec<Standing>,
    /// Paths that only the run's file has.
    others: BTreeSet<String>,
}

impl Compared {
    fn score(&self) -> Score {
        let count = |is: fn(&Standing) -> bool| self.standings.iter().filter(|s| is(s)).count();
        let equal = count(|standing| *standing == Standing::Equal);
        let converted = count(|standing| matches!(standing, Standing::Converted(_)));
        (equal + converted, equal)
    }

    /// Reads a file of a run once, and computes its root.
    fn read(
        model: &Fingerprint,
        run: &dyn RunSource,
        file: RunFile,
        hasher: &dyn TensorHasher,
    ) -> Result<(ParameterRoot, Self), LedgerError> {
        let mut set = TensorSet::new();
        let mut compared = Compared {
            standings: vec![Standing::Missing; model.tensors.len()],
            others: BTreeSet::new(),
        };
        open_tensors(run, file)?.stream(|stored, bytes| {
            let info = stored.info();
            let found = model
                .tensors
                .binary_search_by(|own| (*own.path).cmp(info.path));
            let own = found.ok().map(|at| &model.tensors[at]);
            let (leaf, standing) = one(own, stored, bytes, hasher)?;
            set.insert_leaf(info.path, leaf)
                .map_err(|error| malformed(run, file, &error))?;
            match found {
                Ok(at) => compared.standings[at] = standing,
                Err(_) => {
                    compared.others.insert(info.path.into());
                }
            }
            Ok::<_, LedgerError>(())
        })?;
        Ok((set.root(), compared))
    }
}

fn malformed(run: &dyn RunSource, file: RunFile, error: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Tensors {
        path: run.path(file),
        reason: error.to_string(),
    }
}

/// The leaf of a stored tensor, and how the model's tensor of the same path stands to it.
fn one(
    own: Option<&TensorFingerprint>,
    stored: &StoredTensor,
    bytes: &mut TensorBytes<'_>,
    hasher: &dyn TensorHasher,
) -> Result<([u8; 32], Standing), LedgerError> {
    let info = stored.info();
    let conversion = own.and_then(|own| conversion(own, &info));
    let mut data = DataHasher::new(hasher);
    let (mut converted, mut elements) = (DataHasher::new(hasher), Vec::new());
    while let Some(piece) = bytes.next_piece()? {
        data.update(piece);
        if let Some(conversion) = conversion {
            elements.clear();
            conversion.convert(piece, &mut elements);
            converted.update(&elements);
        }
    }
    let leaf = leaf_of_root(&info, data.finish());
    // The reader has checked that the shape has a length.
    let leaf = leaf.unwrap_or_default();
    let Some(own) = own else {
        return Ok((leaf, Standing::Missing));
    };
    let is_converted = conversion.is_some() && converted.finish() == own.data;
    let standing = if leaf == own.leaf {
        Standing::Equal
    } else if *own.dims != *info.dims {
        Standing::OtherDims
    } else if own.dtype == AnyDType::V1(info.dtype) {
        Standing::OtherValues
    } else if is_converted {
        Standing::Converted(info.dtype)
    } else {
        Standing::OtherType(info.dtype)
    };
    Ok((leaf, standing))
}

/// The conversion that would make the model's tensor from a stored one.
fn conversion(own: &TensorFingerprint, stored: &TensorInfo<'_>) -> Option<Conversion> {
    match own.dtype {
        AnyDType::V1(to) if *own.dims == *stored.dims => Conversion::new(stored.dtype, to),
        _ => None,
    }
}
