//! Reads a chain through the verifier.

mod ahead;

use crate::RunHasher;
use crate::source::RunSource;
use ahead::{Batch, Batches};
use pow_core::body::BodyKind;
use pow_core::chain::{ChainError, ChainVerifier, VerifiedBlock, VerifiedChain};
use pow_core::hash::{BlockHash, PlainSha2};
use pow_ledger::{ChainReader, LedgerError, ReadError, Record, RunFile, TornTail};
use std::io::BufReader;
use std::thread;

/// How far a walk has come.
#[derive(Clone, Copy, Debug)]
pub struct WalkProgress {
    /// Bytes of the chain file read.
    pub bytes: u64,
    /// Blocks checked.
    pub blocks: u64,
}

/// A verified block and where it is.
#[derive(Debug)]
pub struct WalkedBlock<'a> {
    /// The block's record in the chain file.
    pub record: &'a Record,
    /// The block.
    pub block: &'a VerifiedBlock,
    /// The chain up to and including it.
    pub chain: &'a VerifiedChain,
}

/// How a walk ended.
#[derive(Debug)]
pub struct WalkEnd {
    /// The blocks that hold every rule, from genesis on. `None` if genesis does
    /// not.
    pub chain: Option<VerifiedChain>,
    /// Blocks in `chain`.
    pub blocks: u64,
    /// Entries in `chain`.
    pub entries: u64,
    /// What ended the walk.
    pub stopped_by: StoppedBy,
}

/// What ended a walk.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoppedBy {
    /// The end of the file, after a whole record or after the file header.
    EndOfFile {
        /// Length of the file, in bytes.
        offset: u64,
    },
    /// The file ends inside a record.
    TornTail(TornTail),
    /// The file is damaged.
    Damage(ReadError),
    /// A block breaks a rule.
    BrokenRule {
        /// Offset of the block's record, in bytes.
        offset: u64,
        /// The block, the rule, and how it is broken.
        error: ChainError,
    },
}

impl WalkEnd {
    /// Why the chain does not hold, with the byte offset. `None` if it holds: it
    /// has a block, and every block in the file holds every rule.
    pub fn failure(&self) -> Option<String> {
        let offset = match &self.stopped_by {
            StoppedBy::Damage(error) => return Some(error.to_string()),
            StoppedBy::BrokenRule { offset, error } => {
                return Some(format!("byte {offset}: {error}"));
            }
            StoppedBy::EndOfFile { offset } => offset,
            StoppedBy::TornTail(torn) => &torn.offset,
        };
        self.chain.is_none().then(|| {
            format!(
                "byte {offset}: no genesis block yet: it is still being mined, or the writer ended before it was found"
            )
        })
    }

    /// Whether the file holds no whole block and nothing that is wrong: genesis
    /// is still being mined, or the writer ended before it was found.
    pub fn no_block_yet(&self) -> bool {
        let is_at_end = matches!(
            self.stopped_by,
            StoppedBy::EndOfFile { .. } | StoppedBy::TornTail(_)
        );
        self.chain.is_none() && is_at_end
    }

    /// Whether the chain holds but has no final block.
    pub fn is_unfinished(&self) -> bool {
        self.failure().is_none()
            && self
                .chain
                .as_ref()
                .is_some_and(|chain| chain.end().is_none())
    }

    /// The incomplete record at the end of the file.
    pub fn torn(&self) -> Option<TornTail> {
        match self.stopped_by {
            StoppedBy::TornTail(torn) => Some(torn),
            _ => None,
        }
    }
}

/// Reads and verifies a run's chain from the first block on. A chain file without a run
/// is a [`ChainFile`](crate::source::ChainFile). Calls `visit` after
/// each good block, up to the first bad one or the end of the file.
///
/// Some blocks are read ahead, and a long chain is hashed on two cores. The answers are
/// those of one block after another.
///
/// # Errors
///
/// [`LedgerError`] if the file cannot be opened or read. Damaged content is no
/// error: it ends the walk, and [`WalkEnd::stopped_by`] says so.
pub fn walk(
    run: &dyn RunSource,
    genesis: Option<BlockHash>,
    visit: &mut dyn FnMut(&WalkedBlock<'_>, WalkProgress),
) -> Result<WalkEnd, LedgerError> {
    walk_with(run, genesis, &PlainSha2, visit)
}

/// Like [`walk`], but `hasher` hashes headers and tree nodes. The answers then depend on
/// it.
///
/// # Errors
///
/// As [`walk`].
pub fn walk_with(
    run: &dyn RunSource,
    genesis: Option<BlockHash>,
    hasher: &dyn RunHasher,
    visit: &mut dyn FnMut(&WalkedBlock<'_>, WalkProgress),
) -> Result<WalkEnd, LedgerError> {
    let mut walk = Walk {
        verifier: ChainVerifier::new(genesis),
        hasher,
        blocks: 0,
        entries: 0,
    };
    let stopped_by = match walk.read(run, visit) {
        Ok(stopped_by) => stopped_by,
        Err(LedgerError::Chain { source, .. }) if !matches!(source, ReadError::Io { .. }) => {
            StoppedBy::Damage(source)
        }
        Err(error) => return Err(error),
    };
    Ok(WalkEnd {
        chain: walk.verifier.chain().cloned(),
        blocks: walk.blocks,
        entries: walk.entries,
        stopped_by,
    })
}

struct Walk<'a> {
    verifier: ChainVerifier,
    hasher: &'a dyn RunHasher,
    blocks: u64,
    entries: u64,
}

impl Walk<'_> {
    fn read(
        &mut self,
        run: &dyn RunSource,
        visit: &mut dyn FnMut(&WalkedBlock<'_>, WalkProgress),
    ) -> Result<StoppedBy, LedgerError> {
        let failed = |source| LedgerError::Chain {
            path: run.path(RunFile::Chain),
            source,
        };
        let bytes = run.open(RunFile::Chain)?.bytes;
        let bytes = BufReader::with_capacity(1 << 16, bytes);
        let reader = ChainReader::new(bytes).map_err(failed)?;
        thread::scope(|scope| {
            let mut batches = Batches::new(reader, self.hasher, scope);
            while let Some(batch) = batches.next() {
                if let Some(broken) = self.push(batch, visit) {
                    return Ok(broken);
                }
            }
            let reader = batches.finish().map_err(failed)?;
            Ok(match reader.torn() {
                Some(torn) => StoppedBy::TornTail(torn),
                None => StoppedBy::EndOfFile {
                    offset: reader.offset(),
                },
            })
        })
    }

    /// Checks the blocks of a batch, up to the first bad one.
    fn push(
        &mut self,
        batch: Batch,
        visit: &mut dyn FnMut(&WalkedBlock<'_>, WalkProgress),
    ) -> Option<StoppedBy> {
        let mut records = batch.records.iter();
        let mut each = |block: VerifiedBlock, chain: &VerifiedChain| {
            self.blocks += 1;
            if let BodyKind::Steps(entries) = &block.body().kind {
                self.entries += entries.len() as u64;
            }
            // Each block was made from one record.
            if let Some(read) = records.next() {
                let walked = WalkedBlock {
                    record: &read.record,
                    block: &block,
                    chain,
                };
                let at = WalkProgress {
                    bytes: read.end,
                    blocks: self.blocks,
                };
                visit(&walked, at);
            }
        };
        let hasher = self.hasher;
        let result = self.verifier.push_all(batch.blocks, hasher, &mut each);
        let error = result.err()?;
        let offset = records.next().map_or(0, |read| read.record.offset);
        Some(StoppedBy::BrokenRule { offset, error })
    }
}
