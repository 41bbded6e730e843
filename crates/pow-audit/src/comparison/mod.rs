//! Comparison: whether two chains are one, and whether somebody stands for both of two.
//!
//! Two copies of a run are the same, or one extends the other, or they part at a block. A
//! trainer may show one chain to one person and another to the next. If their key signed a
//! head in each, and no head extends the other, that is an *equivocation*, which two copies
//! of the run and their signatures show to anybody.

mod chains;
mod equivocation;
mod heads;
mod report;

pub use equivocation::{Equivocation, SignedHead};
pub use heads::{
    HeadComparison, HeadPair, HeadRelation, LooseHead, MAX_LOOSE_HEADS, compare_heads,
};
pub use report::{BlockSummary, Comparison, Relation, Side};

use crate::signature::{SignerKey, StoredSignatures};
use crate::source::SharedRun;
use chains::read_both;
use equivocation::find;
use pow_ledger::LedgerError;

/// Why two runs cannot be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ComparisonError {
    /// A chain cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A chain does not hold.
    #[error("{run}: the chain does not hold: {failure}")]
    Chain {
        /// The run.
        run: String,
        /// Why not.
        failure: String,
    },
    /// Something that was given as a signed head is none, or its signature is not right.
    #[error("{name}: {why}")]
    Head {
        /// Its name.
        name: String,
        /// Why not.
        why: String,
    },
    /// There are too many signed heads.
    #[error("{0} signed heads, at most {MAX_LOOSE_HEADS} are compared")]
    TooManyHeads(usize),
}

impl ComparisonError {
    /// Whether it speaks against a run or a signed head.
    pub fn is_verdict(&self) -> bool {
        matches!(
            self,
            ComparisonError::Chain { .. } | ComparisonError::Head { .. }
        )
    }
}

/// Compares two runs. Both chains are read and verified at once, in memory that does not
/// grow with them. The signatures of both runs are checked, those of minisign by `keys`.
///
/// # Errors
///
/// [`ComparisonError`] if a chain cannot be read or does not hold.
pub fn compare(
    a: &SharedRun,
    b: &SharedRun,
    keys: &[SignerKey],
) -> Result<Comparison, ComparisonError> {
    let stored = [a, b].map(|run| StoredSignatures::read(run.source()));
    let (heads, unused) = equivocation::signed_heads(&stored, keys);
    let chains = read_both(a, b, &heads)?;
    let [a, b] = chains.sides;
    Ok(Comparison {
        schema: "burn-pow/compare/v0",
        relation: chains.relation,
        a,
        b,
        equivocations: find(&heads, &chains.blocks),
        unused,
    })
}
