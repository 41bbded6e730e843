//! A run whose files the host gives.

use crate::host::{Host, HostFile, HostReader};
use pow_audit::source::{OpenFile, RunSource};
use pow_core::hash::{FileDigest, StateRoot};
use pow_ledger::{AnchorFile, AnchorKind, LedgerError, RunFile, SignatureFile, SignatureKind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

/// The files of a run, as the host lists them.
#[derive(Clone, Debug, Deserialize)]
pub struct RunFiles {
    /// The name of the run's folder, or of the chain file.
    pub name: String,
    /// Whether only the chain file was given. It then has the path `chain.pow`.
    pub chain_alone: bool,
    /// The files by their paths in the folder, with `/` between names.
    pub files: BTreeMap<String, HostFile>,
}

/// A run whose files the host gives.
#[derive(Clone, Debug)]
pub struct HostRun<H> {
    host: H,
    files: RunFiles,
}

impl<H: Host> HostRun<H> {
    /// The run with these files. Nothing is read.
    pub fn new(host: H, files: RunFiles) -> Self {
        HostRun { host, files }
    }

    /// What gives the bytes.
    pub fn host(&self) -> &H {
        &self.host
    }

    /// Whether only the chain file was given.
    pub fn is_chain_alone(&self) -> bool {
        self.files.chain_alone
    }

    /// The chain file, if it is there.
    pub fn chain(&self) -> Option<HostFile> {
        self.file(RunFile::Chain)
    }

    fn file(&self, file: RunFile) -> Option<HostFile> {
        let path = file.path();
        self.files.files.get(path.to_str()?).copied()
    }

    /// What the names inside a folder of the run stand for.
    fn named<T: Ord>(&self, folder: &str, named: impl Fn(&str) -> Option<T>) -> BTreeSet<T> {
        let paths = self.files.files.keys();
        paths
            .filter_map(|path| path.strip_prefix(folder)?.strip_prefix('/'))
            .filter_map(named)
            .collect()
    }
}

impl<H: Host> RunSource for HostRun<H> {
    fn name(&self) -> String {
        self.files.name.clone()
    }

    fn open(&self, file: RunFile) -> Result<OpenFile<'_>, LedgerError> {
        let Some(found) = self.file(file) else {
            // As Linux says it, so that both reports have the same words.
            let words = "No such file or directory (os error 2)";
            return Err(LedgerError::Io {
                path: self.path(file),
                source: Error::new(ErrorKind::NotFound, words),
            });
        };
        Ok(OpenFile {
            bytes: Box::new(HostReader::new(self.host.clone(), found, 0)),
            len: Some(found.len),
        })
    }

    fn checkpoints(&self) -> Result<Option<BTreeSet<StateRoot>>, LedgerError> {
        if self.files.chain_alone {
            return Ok(None);
        }
        Ok(Some(self.named("checkpoints", |path| {
            let name = path.split('/').next()?;
            let root: StateRoot = name.parse().ok()?;
            (name == root.to_string()).then_some(root)
        })))
    }

    fn anchors(&self) -> Result<BTreeSet<AnchorFile>, LedgerError> {
        let kinds = [AnchorKind::OpenTimestamps, AnchorKind::Rfc3161];
        Ok(self.named("anchors", |name| {
            let digest = digest(name)?;
            let mut files = kinds.into_iter().map(|kind| AnchorFile { digest, kind });
            files.find(|file| file.path() == Path::new("anchors").join(name))
        }))
    }

    fn signatures(&self) -> Result<BTreeSet<SignatureFile>, LedgerError> {
        let kinds = [SignatureKind::Ssh, SignatureKind::Minisign];
        Ok(self.named("signatures", |name| {
            let digest = digest(name)?;
            let mut files = kinds.into_iter().map(|kind| SignatureFile { digest, kind });
            files.find(|file| file.path() == Path::new("signatures").join(name))
        }))
    }

    fn path(&self, file: RunFile) -> PathBuf {
        let name = Path::new(&self.files.name);
        match (self.files.chain_alone, file) {
            (true, RunFile::Chain) => name.to_owned(),
            (true, other) => other.path(),
            (false, file) => name.join(file.path()),
        }
    }
}

/// The digest for which a file is named.
fn digest(name: &str) -> Option<FileDigest> {
    name.split('.').next()?.parse().ok()
}
