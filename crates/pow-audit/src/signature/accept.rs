//! What `pow sign` writes, and what `pow add-signature` takes in.

use super::file::{CheckError, Signature, SignatureError};
use super::key::SignerKey;
use super::statement::{Statement, StatementError};
use crate::source::RunSource;
use crate::walk::walk;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_ledger::LedgerError;

/// Why a statement is not one about this run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunStatementError {
    /// The chain cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The chain does not hold.
    #[error("the chain does not hold: {0}")]
    Chain(String),
    /// The chain has no block at this height.
    #[error("there is no block {asked}; the last one is block {last}")]
    NoBlock {
        /// The height asked for.
        asked: Height,
        /// That of the last block.
        last: Height,
    },
    /// It is about another run.
    #[error(
        "it is about another run: its genesis block is {found}, and that of this run {expected}"
    )]
    OtherRun {
        /// The genesis block of the statement.
        found: BlockHash,
        /// That of the run.
        expected: BlockHash,
    },
    /// It is about another block of a run with this genesis block.
    #[error(
        "it is about another chain of this run: its block {height} is {found}, and here {expected}"
    )]
    OtherBlock {
        /// The height.
        height: Height,
        /// The block of the statement.
        found: BlockHash,
        /// That of the run.
        expected: BlockHash,
    },
}

impl RunStatementError {
    /// Whether it speaks against the run or the statement.
    pub fn is_verdict(&self) -> bool {
        match self {
            RunStatementError::Ledger(_) | RunStatementError::NoBlock { .. } => false,
            RunStatementError::Chain(_)
            | RunStatementError::OtherRun { .. }
            | RunStatementError::OtherBlock { .. } => true,
        }
    }
}

/// The statement about the head of a run's chain, or about the chain up to `height`. The
/// whole chain is verified.
///
/// # Errors
///
/// [`RunStatementError`] if the chain cannot be read or does not hold, or lacks the block.
pub fn head_statement(
    run: &dyn RunSource,
    height: Option<Height>,
) -> Result<Statement, RunStatementError> {
    let heads = heads(run, height)?;
    Ok(Statement::Head {
        genesis: heads.genesis,
        height: heads.height,
        hash: heads.hash,
    })
}

/// The statement about a run's genesis block. The whole chain is verified.
///
/// # Errors
///
/// [`RunStatementError`] if the chain cannot be read or does not hold.
pub fn genesis_statement(run: &dyn RunSource) -> Result<Statement, RunStatementError> {
    let heads = heads(run, Some(Height::GENESIS))?;
    Ok(Statement::Genesis {
        genesis: heads.genesis,
    })
}

/// Checks that a statement is about this run, and that its block is in the chain. The whole
/// chain is verified.
///
/// # Errors
///
/// [`RunStatementError`] if not, or if the chain cannot be read or does not hold.
pub fn check_statement(
    run: &dyn RunSource,
    statement: &Statement,
) -> Result<(), RunStatementError> {
    let block = match statement {
        Statement::Genesis { .. } => None,
        Statement::Head { height, hash, .. } => Some((*height, *hash)),
        Statement::ReplayReport { height, hash, .. } => Some((*height, *hash)),
    };
    // Another run lacks the block in most cases. That it is another one says more.
    let genesis = heads(run, Some(Height::GENESIS))?.genesis;
    if genesis != statement.genesis() {
        return Err(RunStatementError::OtherRun {
            found: statement.genesis(),
            expected: genesis,
        });
    }
    let Some((height, found)) = block else {
        return Ok(());
    };
    match heads(run, Some(height))?.hash {
        expected if expected == found => Ok(()),
        expected => Err(RunStatementError::OtherBlock {
            height,
            found,
            expected,
        }),
    }
}

struct Heads {
    genesis: BlockHash,
    height: Height,
    hash: BlockHash,
}

/// The block at `height`, or the last one, and genesis.
fn heads(run: &dyn RunSource, height: Option<Height>) -> Result<Heads, RunStatementError> {
    let mut found = None;
    let end = walk(run, None, &mut |walked, _| {
        let at = walked.chain.height();
        if height.is_none_or(|height| height == at) {
            found = Some((at, walked.chain.head_hash()));
        }
    })?;
    let (Some(chain), None) = (&end.chain, end.failure()) else {
        let failure = end.failure().unwrap_or_default();
        return Err(RunStatementError::Chain(failure));
    };
    let (height, hash) = found.ok_or(RunStatementError::NoBlock {
        asked: height.unwrap_or(Height::GENESIS),
        last: chain.height(),
    })?;
    Ok(Heads {
        genesis: chain.genesis_hash(),
        height,
        hash,
    })
}

/// A signature that belongs to a run.
#[derive(Clone, Debug)]
pub struct AcceptedSignature {
    /// The signature.
    pub signature: Signature,
    /// What it is over.
    pub statement: Statement,
    /// The key that made it.
    pub key: SignerKey,
}

/// Why a signature is not taken in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptSignatureError {
    /// The statement is none.
    #[error("the statement: {0}")]
    Statement(#[from] StatementError),
    /// The statement is about a replay report, which does not lie in the run.
    #[error(
        "the statement is about a replay report: keep the signature beside the report, for `pow verify --report-signature`"
    )]
    ReplayReport,
    /// The signature is none that can be checked.
    #[error("the signature: {0}")]
    Signature(#[from] SignatureError),
    /// The signature is not right.
    #[error("the signature: {0}")]
    Check(#[from] CheckError),
    /// The statement is not about this run.
    #[error("the statement: {0}")]
    Run(#[from] RunStatementError),
}

impl AcceptSignatureError {
    /// Whether it is a verdict on the signature, the statement or the run.
    pub fn is_verdict(&self) -> bool {
        match self {
            AcceptSignatureError::Check(CheckError::KeyNotGiven { .. }) => false,
            AcceptSignatureError::Run(error) => {
                error.is_verdict() || matches!(error, RunStatementError::NoBlock { .. })
            }
            _ => true,
        }
    }
}

/// Checks that a signature is right over a statement about this run. An SSH signature
/// carries its key. For one of minisign, `key` is needed.
///
/// # Errors
///
/// [`AcceptSignatureError`] if it is not, or if the chain cannot be read or does not hold.
pub fn accept_signature(
    run: &dyn RunSource,
    statement: &[u8],
    signature: &[u8],
    key: Option<&SignerKey>,
) -> Result<AcceptedSignature, AcceptSignatureError> {
    let statement = Statement::parse(statement)?;
    if matches!(statement, Statement::ReplayReport { .. }) {
        return Err(AcceptSignatureError::ReplayReport);
    }
    let signature = Signature::parse(signature)?;
    let key = match key.cloned().or_else(|| signature.key()) {
        Some(key) => key,
        None => {
            let made_by = signature.made_by();
            return Err(CheckError::KeyNotGiven { made_by }.into());
        }
    };
    signature.check(&key, &statement)?;
    check_statement(run, &statement)?;
    Ok(AcceptedSignature {
        signature,
        statement,
        key,
    })
}
