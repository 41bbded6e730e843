//! The run that is tampered with.

use super::plan::TamperPlan;
use super::training::DigitsTraining;
use anyhow::Context;
use burn_pow::RunSummary;
use pow_core::block::Block;
use pow_core::body::{Body, BodyKind, Entry};
use pow_core::hash::BlockHash;
use pow_ledger::{ChainReader, RunDir};
use pow_mine::{CpuShare, EngineChoice, Miner, select};
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A finished run in a temporary directory, with its contents and the means to
/// forge it.
pub struct TamperedRun {
    place: TempDir,
    dir: RunDir,
    training: DigitsTraining,
    record: RunSummary,
    files: Files,
    blocks: Vec<ChainBlock>,
    pub(super) miner: Miner,
}

/// New contents by path within the run. `None` removes the file.
pub(super) type Changes = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Contents by path within the run.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A block of the chain.
pub(super) struct ChainBlock {
    pub(super) block: Block,
    pub(super) body: Body,
    /// The bytes of its record in the chain file.
    pub(super) range: Range<usize>,
}

pub(super) const CHAIN: &str = "chain.pow";
pub(super) const ARTIFACT: &str = "model.safetensors";
pub(super) const CONFIG: &str = "config.json";

impl TamperedRun {
    /// Trains and records a run.
    ///
    /// # Errors
    ///
    /// If the run cannot be recorded or read.
    pub fn record(plan: &TamperPlan) -> anyhow::Result<Self> {
        let place = TempDir::new()?;
        let training = DigitsTraining::new(plan, &place.path().join("run"))?;
        let record = training.record()?;
        let dir = record.dir.clone();
        let mut files = BTreeMap::new();
        collect(dir.path(), dir.path(), &mut files)?;
        // The lock file is empty, and no verifier reads it.
        files.remove(Path::new("lock"));
        let mut blocks: Vec<ChainBlock> = Vec::new();
        let mut reader = ChainReader::open(&dir.chain())?;
        while let Some(record) = reader.next() {
            let record = record?;
            blocks.push(ChainBlock {
                block: Block::from_bytes(&record.block)?,
                body: Body::from_bytes(&record.body)?,
                range: usize::try_from(record.offset)?..usize::try_from(reader.offset())?,
            });
        }
        let miner = Miner::new(select(EngineChoice::Cpu, CpuShare::default())?.engine);
        Ok(TamperedRun {
            place,
            dir,
            training,
            record,
            files,
            blocks,
            miner,
        })
    }

    pub(super) fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// A directory beside the run, for a forger's temporary files.
    pub(super) fn workshop(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn training(&self) -> &DigitsTraining {
        &self.training
    }

    pub(super) fn genesis(&self) -> BlockHash {
        self.record.genesis
    }

    pub(super) fn head(&self) -> BlockHash {
        self.record.head
    }

    /// The blocks of the honest chain. There are at least four: genesis, step 0,
    /// one more step, and the end.
    pub(super) fn blocks(&self) -> &[ChainBlock] {
        &self.blocks
    }

    /// A file of the honest run.
    pub(super) fn file(&self, path: &Path) -> anyhow::Result<&[u8]> {
        let file = self.files.get(path);
        Ok(file.with_context(|| format!("the run has no {}", path.display()))?)
    }

    /// The entries that have a checkpoint, in order, each with the number of its
    /// block.
    pub(super) fn checkpoints(&self) -> Vec<(usize, Entry)> {
        let mut found = Vec::new();
        for (at, recorded) in self.blocks.iter().enumerate() {
            if let BodyKind::Steps(entries) = &recorded.body.kind {
                let with_state = entries.iter().filter(|entry| entry.rest.is_some());
                found.extend(with_state.map(|entry| (at, *entry)));
            }
        }
        found
    }

    /// Makes the changes, and returns the changes that undo them.
    pub(super) fn change(&self, changes: &Changes) -> anyhow::Result<Changes> {
        self.apply(changes)?;
        let before = |path: &PathBuf| (path.clone(), self.files.get(path).cloned());
        Ok(changes.keys().map(before).collect())
    }

    /// Makes the changes.
    pub(super) fn apply(&self, changes: &Changes) -> anyhow::Result<()> {
        for (path, content) in changes {
            self.write(path, content.as_deref())?;
        }
        Ok(())
    }

    /// Writes or removes a file. A directory that becomes empty is removed too.
    fn write(&self, path: &Path, content: Option<&[u8]>) -> anyhow::Result<()> {
        let path = self.dir.path().join(path);
        let parent = path.parent().context("a file outside any directory")?;
        match content {
            Some(content) => {
                fs::create_dir_all(parent)?;
                fs::write(&path, content)?;
            }
            None => {
                fs::remove_file(&path)?;
                if fs::read_dir(parent)?.next().is_none() {
                    fs::remove_dir(parent)?;
                }
            }
        }
        Ok(())
    }
}

/// Reads all files below `dir`, by path within `root`.
pub(super) fn collect(root: &Path, dir: &Path, files: &mut Files) -> anyhow::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            files.insert(path.strip_prefix(root)?.to_owned(), fs::read(&path)?);
        }
    }
    Ok(())
}
