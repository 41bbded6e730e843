//! The link from a run to the published model that it went on from.

use super::compare::{CheckpointOf, Leaves, NotCompared};
use super::run::Beginning;
use super::start::{Counts, Start};
use crate::report::verdict::Verdict;
use crate::source::{RunSource, open_file};
use pow_core::hash::ParameterRoot;
use pow_core::state::RestOfState;
use pow_core::tensor::TensorHasher;
use pow_ledger::{LedgerError, TensorReader};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A published model: a safetensors file that the verifier has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseFile(PathBuf);

impl BaseFile {
    /// The file at `path`, which may be a link. Nothing is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        BaseFile(path.into())
    }

    fn reader(&self) -> Result<TensorReader<impl std::io::Read>, LedgerError> {
        let opened = open_file(&self.0)?;
        match opened.len {
            Some(len) => TensorReader::new(opened.bytes, len, &self.0),
            None => Err(LedgerError::Tensors {
                path: self.0.clone(),
                reason: "not a regular file, so its length is not known".into(),
            }),
        }
    }

    fn root(&self, hasher: &dyn TensorHasher) -> Result<ParameterRoot, LedgerError> {
        self.reader()?.root_with(hasher)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

/// What was found out about the published model that a run names, or that the verifier has.
#[derive(Clone, Debug, Serialize)]
pub struct BaseLink {
    /// The parameter root that genesis names. Absent if it names none.
    pub root: Option<String>,
    /// The file that was compared. Absent if none was given.
    pub file: Option<String>,
    /// Whether the run starts with the tensors of that file.
    pub verdict: Verdict,
    /// What the run took over. Absent where nothing can be said.
    pub start: Option<Start>,
    /// What was found. The most important line is first.
    pub lines: Vec<String>,
    /// Whether something was not checked because a file that is there could not be read.
    #[serde(skip)]
    pub(crate) could_not_check: bool,
}

impl BaseLink {
    fn with(mut self, verdict: Verdict, line: impl Into<String>) -> Self {
        self.verdict = verdict;
        self.lines.push(line.into());
        self
    }
}

/// Compares the first weights of a run with the model that genesis names, and with `file`.
/// `None` if there is neither.
///
/// # Errors
///
/// [`LedgerError`] if `file` cannot be read or is no tensor file.
pub(crate) fn check_base(
    (source, child): (&dyn RunSource, &Beginning),
    file: Option<&BaseFile>,
    hasher: &dyn TensorHasher,
) -> Result<Option<BaseLink>, LedgerError> {
    let named = match &child.base {
        Ok(named) => *named,
        Err(_) => None,
    };
    let link = BaseLink {
        root: named.map(|root| root.to_string()),
        file: file.map(|file| file.path().display().to_string()),
        verdict: Verdict::NotChecked,
        start: None,
        lines: Vec::new(),
        could_not_check: false,
    };
    match (file, named) {
        (None, None) => Ok(None),
        (None, Some(named)) => Ok(Some(link.without_file(child, named))),
        (Some(file), named) => {
            let root = file.root(hasher)?;
            link.with_file((source, child), (file, root), named, hasher)
                .map(Some)
        }
    }
}

impl BaseLink {
    /// Without the file, the roots in the chain are all that there is to compare.
    fn without_file(self, child: &Beginning, named: ParameterRoot) -> Self {
        let starts = match child.first {
            Some(first) if first.parameters == named => "which are its initial weights",
            Some(_) => "which are not its initial weights as a whole",
            None => "and there is no entry yet to compare with it",
        };
        let line = format!(
            "genesis names a base model with parameter root {named}, {starts}; whose model that is, is the trainer's own word, because no file was given"
        );
        self.with(Verdict::NotChecked, line)
    }

    fn with_file(
        self,
        (source, child): (&dyn RunSource, &Beginning),
        (file, root): (&BaseFile, ParameterRoot),
        named: Option<ParameterRoot>,
        hasher: &dyn TensorHasher,
    ) -> Result<Self, LedgerError> {
        let name = file.path().display();
        if let Some(named) = named.filter(|named| *named != root) {
            let line = format!("{name}: its parameter root is {root}, but genesis names {named}");
            return Ok(self.with(Verdict::Fails, line));
        }
        let Some(first) = child.first else {
            let line = format!("{name}: this run has no entry yet to compare with it");
            return Ok(self.with(Verdict::NotChecked, line).named(named));
        };
        if first.parameters == root {
            let fresh = RestOfState::fresh();
            let is_fresh = first.rest == fresh.root();
            let mut link = self.with(
                Verdict::Holds,
                match is_fresh {
                    true => format!("{name}: starts with its weights, and a fresh optimizer"),
                    false => format!("{name}: starts with its weights"),
                },
            );
            if !is_fresh {
                link.lines.push("the optimizer's state at the start is not a fresh one, and no file of weights shows where it came from".into());
            }
            link.start = Some(match is_fresh {
                true => Start::Weights(Counts::of(&fresh)),
                false => Start::WeightsOnly {
                    why: "a file of weights has none".into(),
                },
            });
            return Ok(link.named(named));
        }
        let own = CheckpointOf {
            source,
            root: child.state,
            committed: first,
            whose: "this run's first",
        };
        let compared = match Leaves::read(file.reader()?, file.path(), hasher)? {
            Ok(theirs) => own.leaves(hasher).map(|own| own.taken_from(&theirs)),
            Err(not) => Err(not),
        };
        Ok(self.some_tensors(compared).named(named))
    }

    /// The verdict if the first weights are not those of the file as a whole.
    fn some_tensors(mut self, compared: Result<Option<Start>, NotCompared>) -> Self {
        let name = self.file.clone().unwrap_or_default();
        match compared {
            Ok(Some(start)) => {
                let line = format!("{name}: starts with {} of it", start.words());
                self = self.with(Verdict::Partly, line);
                self.lines.extend(start.remark());
                self.start = Some(start);
                self
            }
            Ok(None) => self.with(
                Verdict::Fails,
                format!("{name}: starts with no tensor of it"),
            ),
            Err(not) => {
                self.could_not_check = not.could_not_read;
                let line = format!(
                    "{name}: starts with other weights than the whole of it; single tensors were not compared: {}",
                    not.why
                );
                self.with(Verdict::NotChecked, line)
            }
        }
    }

    /// Says whether it is the verifier's file only, or genesis' as well.
    fn named(mut self, named: Option<ParameterRoot>) -> Self {
        self.lines.push(match named {
            Some(root) => format!("genesis names it: parameter root {root}"),
            None => "genesis names no base model, so this rests on your file alone".into(),
        });
        self
    }
}
