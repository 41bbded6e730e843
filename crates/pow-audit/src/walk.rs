//! Reads a chain through the verifier.

use crate::source::RunSource;
use pow_core::body::BodyKind;
use pow_core::chain::{ChainError, ChainVerifier, VerifiedBlock, VerifiedChain};
use pow_core::hash::BlockHash;
use pow_ledger::{ChainReader, LedgerError, ReadError, Record, RunFile, TornTail};
use std::io::BufReader;

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
/// # Errors
///
/// [`LedgerError`] if the file cannot be opened or read. Damaged content is no
/// error: it ends the walk, and [`WalkEnd::stopped_by`] says so.
pub fn walk(
    run: &dyn RunSource,
    genesis: Option<BlockHash>,
    visit: &mut dyn FnMut(&WalkedBlock<'_>, WalkProgress),
) -> Result<WalkEnd, LedgerError> {
    let mut walk = Walk {
        verifier: ChainVerifier::new(genesis),
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

struct Walk {
    verifier: ChainVerifier,
    blocks: u64,
    entries: u64,
}

impl Walk {
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
        let mut reader = ChainReader::new(bytes).map_err(failed)?;
        while let Some(record) = reader.next() {
            let record = record.map_err(failed)?;
            let block = match self.verifier.push(&record.block, &record.body) {
                Ok(block) => block,
                Err(error) => {
                    let offset = record.offset;
                    return Ok(StoppedBy::BrokenRule { offset, error });
                }
            };
            self.blocks += 1;
            if let BodyKind::Steps(entries) = &block.body().kind {
                self.entries += entries.len() as u64;
            }
            if let Some(chain) = self.verifier.chain() {
                let walked = WalkedBlock {
                    record: &record,
                    block: &block,
                    chain,
                };
                let at = WalkProgress {
                    bytes: reader.offset(),
                    blocks: self.blocks,
                };
                visit(&walked, at);
            }
        }
        Ok(match reader.torn() {
            Some(torn) => StoppedBy::TornTail(torn),
            None => StoppedBy::EndOfFile {
                offset: reader.offset(),
            },
        })
    }
}
