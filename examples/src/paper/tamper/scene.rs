//! The run that is tampered with.

use super::Plan;
use super::training::Program;
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

/// A finished run in a temporary directory, what is in it, and what is needed to
/// forge it.
pub struct Scene {
    place: TempDir,
    run: RunDir,
    program: Program,
    record: RunSummary,
    files: Files,
    blocks: Vec<Recorded>,
    pub(super) miner: Miner,
}

/// Contents by path within the run; `None` for a file that is to be removed.
pub(super) type Changes = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// Contents by path within the run.
type Files = BTreeMap<PathBuf, Vec<u8>>;

/// A block of the chain.
pub(super) struct Recorded {
    pub(super) block: Block,
    pub(super) body: Body,
    /// Where its record lies in the chain file.
    pub(super) range: Range<usize>,
}

pub(super) const CHAIN: &str = "chain.pow";
pub(super) const ARTIFACT: &str = "model.safetensors";
pub(super) const CONFIG: &str = "config.json";

impl Scene {
    /// Trains and records.
    ///
    /// # Errors
    ///
    /// If the run cannot be recorded or read.
    pub fn record(plan: &Plan) -> anyhow::Result<Self> {
        let place = TempDir::new()?;
        let program = Program::new(plan, &place.path().join("run"))?;
        let record = program.record()?;
        let run = record.dir.clone();
        let mut files = BTreeMap::new();
        collect(run.path(), run.path(), &mut files)?;
        // It holds nothing, and no verifier reads it.
        files.remove(Path::new("lock"));
        let mut blocks: Vec<Recorded> = Vec::new();
        let mut reader = ChainReader::open(&run.chain())?;
        while let Some(record) = reader.next() {
            let record = record?;
            blocks.push(Recorded {
                block: Block::from_bytes(&record.block)?,
                body: Body::from_bytes(&record.body)?,
                range: usize::try_from(record.offset)?..usize::try_from(reader.offset())?,
            });
        }
        let miner = Miner::new(select(EngineChoice::Cpu, CpuShare::default())?.engine);
        Ok(Scene {
            place,
            run,
            program,
            record,
            files,
            blocks,
            miner,
        })
    }

    pub(super) fn run(&self) -> &RunDir {
        &self.run
    }

    /// A directory beside the run, for what a forger makes there.
    pub(super) fn workshop(&self) -> &Path {
        self.place.path()
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn genesis(&self) -> BlockHash {
        self.record.genesis
    }

    pub(super) fn head(&self) -> BlockHash {
        self.record.head
    }

    /// The blocks of the honest chain; at least those of genesis, step 0, one
    /// more step, and the end.
    pub(super) fn blocks(&self) -> &[Recorded] {
        &self.blocks
    }

    /// A file of the honest run.
    pub(super) fn file(&self, path: &Path) -> anyhow::Result<&[u8]> {
        let file = self.files.get(path);
        Ok(file.with_context(|| format!("the run has no {}", path.display()))?)
    }

    /// The entries that have a checkpoint, in order, each with its block.
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

    /// Makes the changes, and returns how they are undone.
    pub(super) fn change(&self, changes: &Changes) -> anyhow::Result<Changes> {
        for (path, content) in changes {
            self.write(path, content.as_deref())?;
        }
        let before = |path: &PathBuf| (path.clone(), self.files.get(path).cloned());
        Ok(changes.keys().map(before).collect())
    }

    /// Undoes changes.
    pub(super) fn restore(&self, changed: &Changes) -> anyhow::Result<()> {
        for (path, content) in changed {
            self.write(path, content.as_deref())?;
        }
        Ok(())
    }

    /// A directory whose last file is removed goes as well.
    fn write(&self, path: &Path, content: Option<&[u8]>) -> anyhow::Result<()> {
        let path = self.run.path().join(path);
        let parent = path.parent().context("a file in no directory")?;
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
