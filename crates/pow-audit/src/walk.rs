//! Walking a chain file through the verifier.

use crate::AuditError;
use pow_core::body::BodyKind;
use pow_core::chain::{ChainVerifier, VerifiedBlock, VerifiedChain};
use pow_core::hash::BlockHash;
use pow_ledger::{ChainReader, LedgerError, ReadError, Record, RunDir, TornTail};
use std::path::Path;

/// How far a walk is.
#[derive(Clone, Copy, Debug)]
pub struct WalkProgress {
    /// Bytes of the chain file read.
    pub bytes: u64,
    /// Blocks checked.
    pub blocks: u64,
}

/// A verified block and where it lies.
#[derive(Debug)]
pub struct BlockRow<'a> {
    /// Its record in the chain file.
    pub record: &'a Record,
    /// The block.
    pub block: &'a VerifiedBlock,
    /// The chain up to and including it.
    pub chain: &'a VerifiedChain,
}

/// How a walk ended.
#[derive(Debug)]
pub struct WalkEnd {
    /// The blocks that hold every rule, from genesis on; `None` if not even
    /// genesis does.
    pub chain: Option<VerifiedChain>,
    /// Blocks in `chain`.
    pub blocks: u64,
    /// Entries in `chain`.
    pub entries: u64,
    /// What ended the walk before the end of the file, or why there is no chain
    /// in it, with the byte offset.
    pub failure: Option<String>,
    /// There is no chain because the file holds no whole block, and nothing
    /// wrong: genesis is being mined, or never was found.
    pub no_block_yet: bool,
    /// The file ends inside a record.
    pub torn: Option<TornTail>,
}

impl WalkEnd {
    /// No failure, at least one block, but no final block.
    pub fn is_unfinished(&self) -> bool {
        self.failure.is_none()
            && self
                .chain
                .as_ref()
                .is_some_and(|chain| chain.end().is_none())
    }
}

/// Reads and verifies a run's chain from the first block on, calling `visit`
/// after each good block, up to the first bad one or the end of the file.
///
/// # Errors
///
/// [`AuditError`] if the file cannot be opened or read; damaged content ends
/// the walk with [`WalkEnd::failure`].
pub fn walk(
    run: &RunDir,
    genesis: Option<BlockHash>,
    visit: &mut dyn FnMut(&BlockRow<'_>, WalkProgress),
) -> Result<WalkEnd, AuditError> {
    walk_file(&run.chain(), genesis, visit)
}

/// As [`walk`], of a chain file wherever it lies.
///
/// # Errors
///
/// As [`walk`].
pub fn walk_file(
    path: &Path,
    genesis: Option<BlockHash>,
    visit: &mut dyn FnMut(&BlockRow<'_>, WalkProgress),
) -> Result<WalkEnd, AuditError> {
    let mut end = WalkEnd {
        chain: None,
        blocks: 0,
        entries: 0,
        failure: None,
        no_block_yet: false,
        torn: None,
    };
    let mut reader = match ChainReader::open(path) {
        Ok(reader) => reader,
        Err(LedgerError::Chain { source, .. }) if !matches!(source, ReadError::Io { .. }) => {
            end.failure = Some(source.to_string());
            return Ok(end);
        }
        Err(error) => return Err(error.into()),
    };
    let mut verifier = ChainVerifier::new(genesis);
    while let Some(record) = reader.next() {
        let record = match record {
            Ok(record) => record,
            Err(source @ ReadError::Io { .. }) => {
                let path = path.to_owned();
                return Err(LedgerError::Chain { path, source }.into());
            }
            Err(error) => {
                end.failure = Some(error.to_string());
                break;
            }
        };
        let block = match verifier.push(&record.block, &record.body) {
            Ok(block) => block,
            Err(error) => {
                end.failure = Some(format!("byte {}: {error}", record.offset));
                break;
            }
        };
        end.blocks += 1;
        if let BodyKind::Steps(entries) = &block.body().kind {
            end.entries += entries.len() as u64;
        }
        if let Some(chain) = verifier.chain() {
            let row = BlockRow {
                record: &record,
                block: &block,
                chain,
            };
            let at = WalkProgress {
                bytes: reader.offset(),
                blocks: end.blocks,
            };
            visit(&row, at);
        }
    }
    end.torn = reader.torn();
    end.chain = verifier.chain().cloned();
    if end.chain.is_none() && end.failure.is_none() {
        end.no_block_yet = true;
        end.failure = Some(format!(
            "byte {}: no genesis block yet: it is still being mined, or the writer ended before it was found",
            reader.offset()
        ));
    }
    Ok(end)
}
