//! Finds a block by its height, a step, or the beginning of a hash or root.

use crate::host::{Host, HostFile};
use crate::overview::Overview;
use crate::records::{RecordError, StoredBlock, read_from};
use pow_core::body::BodyKind;
use serde::Serialize;

/// The fewest hex digits that are looked for.
const MIN_DIGITS: usize = 6;
/// The most places that are returned.
const MAX_FOUND: usize = 20;

/// A place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What was found there.
    pub what: &'static str,
    /// The block.
    pub block: u64,
    /// The step, if it is one.
    pub step: Option<u64>,
}

/// Why nothing was looked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// The text is nothing to look for.
    #[error(
        "type a step, # and a block's height, or at least {MIN_DIGITS} hex digits of a hash or root behind 0x"
    )]
    Query,
    /// The chain file could not be read.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Looks for what somebody typed: a step, `#` and a height, or the first hex digits of a
/// block's hash, parameter root, state root or batch digest. Hex digits need `0x` before them,
/// or a letter or 20 digits among them.
///
/// # Errors
///
/// [`SearchError`] if the text is none of these, or the chain file cannot be read.
pub fn search<H: Host>(
    host: &H,
    chain: HostFile,
    overview: &Overview,
    query: &str,
) -> Result<Vec<Found>, SearchError> {
    let query = query.trim().to_ascii_lowercase();
    if let Some(height) = query.strip_prefix('#') {
        let height = height.trim().parse().map_err(|_| SearchError::Query)?;
        let found = (height < overview.blocks).then_some(Found {
            what: "block",
            block: height,
            step: None,
        });
        return Ok(found.into_iter().collect());
    }
    let digits = query.strip_prefix("0x");
    let is_number = digits.is_none() && query.len() < 20;
    if let Some(step) = query.parse().ok().filter(|_| is_number) {
        return step_in(host, chain, overview, step);
    }
    let digits = digits.unwrap_or(&query);
    if digits.len() < MIN_DIGITS || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(SearchError::Query);
    }
    let mut found = Vec::new();
    let Some(first) = overview.mark_before_height(0) else {
        return Ok(found);
    };
    read_from(host, chain, first, |block| {
        find_digits(&block, digits, &mut found);
        found.truncate(MAX_FOUND);
        found.len() < MAX_FOUND && block.height + 1 < overview.blocks
    })?;
    Ok(found)
}

fn step_in<H: Host>(
    host: &H,
    chain: HostFile,
    overview: &Overview,
    step: u64,
) -> Result<Vec<Found>, SearchError> {
    let mut found = Vec::new();
    let Some(mark) = overview.mark_before_step(step) else {
        return Ok(found);
    };
    read_from(host, chain, mark, |block| {
        let mut goes_on = block.height + 1 < overview.blocks;
        if let BodyKind::Steps(entries) = &block.body.kind {
            if entries.iter().any(|entry| entry.step.0 == step) {
                found.push(Found {
                    what: "step",
                    block: block.height,
                    step: Some(step),
                });
            }
            goes_on &= entries.last().is_none_or(|last| last.step.0 < step);
        }
        goes_on
    })?;
    Ok(found)
}

/// Whether the hex digits of a hash or root begin with some digits.
fn begins(root: &impl ToString, digits: &str) -> bool {
    root.to_string().starts_with(digits)
}

fn find_digits(block: &StoredBlock, digits: &str, found: &mut Vec<Found>) {
    let mut add = |what, step| {
        found.push(Found {
            what,
            block: block.height,
            step,
        });
    };
    if begins(&block.hash, digits) {
        add("block hash", None);
    }
    match &block.body.kind {
        BodyKind::Genesis(genesis) => {
            if begins(&genesis.initial.root, digits) {
                add("initial state root", None);
            }
        }
        BodyKind::Steps(entries) => {
            for entry in entries {
                let step = Some(entry.step.0);
                if begins(&entry.parameters, digits) {
                    add("parameter root", step);
                }
                if entry.state_root().is_some_and(|root| begins(&root, digits)) {
                    add("state root", step);
                }
                if entry.batch.is_some_and(|batch| begins(&batch, digits)) {
                    add("batch digest", step);
                }
            }
        }
        BodyKind::Final(last) => {
            if begins(&last.artifact, digits) {
                add("artifact root", Some(last.steps.0));
            }
        }
    }
}
