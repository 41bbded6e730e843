//! Where the bytes of a run come from.
//!
//! Everything in this crate that reads a run reads it through [`RunSource`]. A run
//! directory ([`RunDir`]) is one source, and a chain file alone ([`ChainFile`]) another. A
//! program without a file system, such as a page in a browser, implements the trait for
//! what it holds.

use pow_core::hash::StateRoot;
use pow_ledger::open::open_named;
use pow_ledger::{AnchorFile, LedgerError, RunDir, RunFile, SignatureFile};
use std::collections::BTreeSet;
use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the bytes of a run come from.
pub trait RunSource {
    /// The name of the run or of the chain file, for the report.
    fn name(&self) -> String;

    /// Opens a file of the run, at its first byte.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] with [`ErrorKind::NotFound`] if the run has no such file. An
    /// error for which [`LedgerError::could_not_read`] is true says nothing about the run,
    /// and any other speaks against it.
    fn open(&self, file: RunFile) -> Result<OpenFile<'_>, LedgerError>;

    /// The state roots that name a checkpoint of the run, whether or not all its files are
    /// there. `None` if the chain alone was given, so that nothing is known about other
    /// files.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open). A run without any checkpoint has an empty set.
    fn checkpoints(&self) -> Result<Option<BTreeSet<StateRoot>>, LedgerError>;

    /// The anchors of the run. A source that has no place for them has none.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    fn anchors(&self) -> Result<BTreeSet<AnchorFile>, LedgerError> {
        Ok(BTreeSet::new())
    }

    /// The signatures of the run. A source that has no place for them has none.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    fn signatures(&self) -> Result<BTreeSet<SignatureFile>, LedgerError> {
        Ok(BTreeSet::new())
    }

    /// The name of a file in messages.
    fn path(&self, file: RunFile) -> PathBuf;
}

/// A file that is read from its first byte to its last.
pub struct OpenFile<'a> {
    /// Its bytes.
    pub bytes: Box<dyn Read + 'a>,
    /// How many there are. Absent for a pipe.
    pub len: Option<u64>,
}

impl fmt::Debug for OpenFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OpenFile");
        shown.field("len", &self.len).finish_non_exhaustive()
    }
}

impl OpenFile<'static> {
    fn of(file: std::fs::File, path: &Path) -> Result<Self, LedgerError> {
        let meta = file.metadata().map_err(|source| LedgerError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(OpenFile {
            bytes: Box::new(file),
            len: meta.is_file().then_some(meta.len()),
        })
    }
}

/// Opens a file that the verifier named. It may be a link or a pipe.
pub(crate) fn open_file(path: &Path) -> Result<OpenFile<'static>, LedgerError> {
    OpenFile::of(open_named(path)?, path)
}

/// A run that several owners read.
#[derive(Clone)]
pub struct SharedRun(Arc<dyn RunSource + Send + Sync>);

impl SharedRun {
    /// The run whose bytes come from `source`. Nothing is read.
    pub fn new(source: impl RunSource + Send + Sync + 'static) -> Self {
        SharedRun(Arc::new(source))
    }

    /// Where its bytes come from.
    pub fn source(&self) -> &dyn RunSource {
        &*self.0
    }
}

impl fmt::Debug for SharedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedRun").field(&self.0.name()).finish()
    }
}

impl<S: RunSource + ?Sized> RunSource for &S {
    fn name(&self) -> String {
        (**self).name()
    }

    fn open(&self, file: RunFile) -> Result<OpenFile<'_>, LedgerError> {
        (**self).open(file)
    }

    fn checkpoints(&self) -> Result<Option<BTreeSet<StateRoot>>, LedgerError> {
        (**self).checkpoints()
    }

    fn anchors(&self) -> Result<BTreeSet<AnchorFile>, LedgerError> {
        (**self).anchors()
    }

    fn signatures(&self) -> Result<BTreeSet<SignatureFile>, LedgerError> {
        (**self).signatures()
    }

    fn path(&self, file: RunFile) -> PathBuf {
        (**self).path(file)
    }
}

impl RunSource for RunDir {
    fn name(&self) -> String {
        RunDir::path(self).display().to_string()
    }

    fn open(&self, file: RunFile) -> Result<OpenFile<'_>, LedgerError> {
        OpenFile::of(RunDir::open(self, file)?, &RunSource::path(self, file))
    }

    fn checkpoints(&self) -> Result<Option<BTreeSet<StateRoot>>, LedgerError> {
        self.checkpoint_roots().map(Some)
    }

    fn anchors(&self) -> Result<BTreeSet<AnchorFile>, LedgerError> {
        RunDir::anchors(self)
    }

    fn signatures(&self) -> Result<BTreeSet<SignatureFile>, LedgerError> {
        RunDir::signatures(self)
    }

    fn path(&self, file: RunFile) -> PathBuf {
        RunDir::path(self).join(file.path())
    }
}

/// A chain file without the run around it. It may be a link or a pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainFile(PathBuf);

impl ChainFile {
    /// The chain file at `path`. Nothing is read.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        ChainFile(path.into())
    }
}

impl RunSource for ChainFile {
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    fn open(&self, file: RunFile) -> Result<OpenFile<'_>, LedgerError> {
        match file {
            RunFile::Chain => open_file(&self.0),
            other => Err(LedgerError::Io {
                path: other.path(),
                source: ErrorKind::NotFound.into(),
            }),
        }
    }

    fn checkpoints(&self) -> Result<Option<BTreeSet<StateRoot>>, LedgerError> {
        Ok(None)
    }

    fn path(&self, file: RunFile) -> PathBuf {
        match file {
            RunFile::Chain => self.0.clone(),
            other => other.path(),
        }
    }
}
