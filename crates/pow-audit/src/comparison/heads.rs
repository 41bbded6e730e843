//! Signed heads that lie in no run: whether they are of one chain, and who stands for two.

use super::chains::BlocksAt;
use super::equivocation::{Equivocation, FoundHead, find, signed_heads};
use super::{ComparisonError, equivocation};
use crate::display::printable;
use crate::signature::{SignerKey, StoredSignature, StoredSignatures};
use crate::source::SharedRun;
use crate::walk::walk;
use pow_core::hash::BlockHash;
use serde::Serialize;
use std::fmt;

/// The most loose heads that are compared, each with each.
pub const MAX_LOOSE_HEADS: usize = 256;

/// A signature over a head, and its statement, which lie in no run.
#[derive(Clone, Debug)]
pub struct LooseHead {
    /// How it is called in the report, such as the path of its file.
    pub name: String,
    /// The bytes of the statement.
    pub statement: Vec<u8>,
    /// The bytes of the signature.
    pub signature: Vec<u8>,
}

/// What was found out about loose heads.
#[derive(Clone, Debug, Serialize)]
pub struct HeadComparison {
    /// Always `burn-pow/compare-heads/v0`.
    pub schema: &'static str,
    /// Each pair of loose heads, and each of a loose head and a run.
    pub pairs: Vec<HeadPair>,
    /// The keys that stand for two chains of one run, the first two such heads of each, also
    /// if one of them lies in a run.
    pub equivocations: Vec<Equivocation>,
    /// The signatures that say nothing here, each with the reason.
    pub unused: Vec<String>,
}

/// Two loose heads, or one and a run.
#[derive(Clone, Debug, Serialize)]
pub struct HeadPair {
    /// The name of the one with the smaller height.
    pub first: String,
    /// The name of the other one, or of the run.
    pub second: String,
    /// How they lie to each other.
    pub relation: HeadRelation,
}

/// How two heads lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HeadRelation {
    /// They are the same block.
    Same,
    /// A run that was given has both blocks.
    OneChain,
    /// No chain has both blocks.
    Diverge,
    /// Their genesis blocks differ.
    OtherRun,
    /// No run that was given has the later block.
    NotKnown,
}

impl HeadRelation {
    fn words(self) -> &'static str {
        match self {
            HeadRelation::Same => "the SAME block",
            HeadRelation::OneChain => "of ONE CHAIN",
            HeadRelation::Diverge => "of chains that DIVERGE",
            HeadRelation::OtherRun => "of DIFFERENT RUNS",
            HeadRelation::NotKnown => {
                "NOT KNOWN: whether one extends the other, only a run with the later block shows"
            }
        }
    }
}

/// Compares signed heads with each other and with those in `runs`. The runs also show which
/// head extends which. Their chains are read and verified. The signatures are checked, those
/// of minisign by `keys`.
///
/// # Errors
///
/// [`ComparisonError`] if there are more than [`MAX_LOOSE_HEADS`], if one is not a signed head
/// that can be checked, or if a chain cannot be read or does not hold.
pub fn compare_heads(
    loose: Vec<LooseHead>,
    runs: &[SharedRun],
    keys: &[SignerKey],
) -> Result<HeadComparison, ComparisonError> {
    if loose.len() > MAX_LOOSE_HEADS {
        return Err(ComparisonError::TooManyHeads(loose.len()));
    }
    let mut found = Vec::new();
    for head in loose {
        let signature = StoredSignature::outside(head.signature, &head.statement);
        found.push(FoundHead::loose(head.name, &signature, keys)?);
    }
    found.sort_by_key(|head| head.height);
    let loose = found.clone();

    let stored: Vec<_> = runs
        .iter()
        .map(|run| StoredSignatures::read(run.source()))
        .collect();
    let (of_runs, unused) = signed_heads(&stored, keys);
    found.extend(of_runs);
    found.sort_by_key(|head| head.height);
    let (mut blocks, mut with_runs) = (Vec::new(), Vec::new());
    for run in runs {
        let (genesis, chain) = read(run, &found)?;
        with_runs.extend(loose.iter().map(|head| HeadPair {
            first: head.file.clone(),
            second: run.source().name(),
            relation: relation_to_run(head, genesis, &chain),
        }));
        blocks.push(chain);
    }
    let pairs = loose.iter().enumerate().flat_map(|(index, second)| {
        loose[..index].iter().map(|first| HeadPair {
            first: first.file.clone(),
            second: second.file.clone(),
            relation: relation(first, second, &blocks),
        })
    });
    Ok(HeadComparison {
        schema: "burn-pow/compare-heads/v0",
        pairs: pairs.chain(with_runs).collect(),
        equivocations: find(&found, &blocks),
        unused,
    })
}

/// The genesis block of a chain, and its blocks at the heights of heads.
fn read(run: &SharedRun, heads: &[FoundHead]) -> Result<(BlockHash, BlocksAt), ComparisonError> {
    let mut blocks = BlocksAt::new();
    let end = walk(run.source(), None, &mut |walked, _| {
        super::chains::note(&mut blocks, heads, walked);
    })?;
    match (&end.chain, end.failure()) {
        (Some(chain), None) => Ok((chain.genesis_hash(), blocks)),
        (_, failure) => Err(ComparisonError::Chain {
            run: run.source().name(),
            failure: failure.unwrap_or_default(),
        }),
    }
}

/// How two heads lie to each other. `first` has the smaller height.
fn relation(first: &FoundHead, second: &FoundHead, blocks: &[BlocksAt]) -> HeadRelation {
    let has_both = |chain: &BlocksAt| {
        chain.get(&first.height) == Some(&first.hash)
            && chain.get(&second.height) == Some(&second.hash)
    };
    if first.genesis != second.genesis {
        HeadRelation::OtherRun
    } else if first.height == second.height && first.hash == second.hash {
        HeadRelation::Same
    } else if equivocation::part(first, second, blocks) {
        HeadRelation::Diverge
    } else if blocks.iter().any(has_both) {
        HeadRelation::OneChain
    } else {
        HeadRelation::NotKnown
    }
}

/// How a head lies to a run.
fn relation_to_run(head: &FoundHead, genesis: BlockHash, chain: &BlocksAt) -> HeadRelation {
    match chain.get(&head.height) {
        _ if head.genesis != genesis => HeadRelation::OtherRun,
        Some(hash) if *hash == head.hash => HeadRelation::OneChain,
        Some(_) => HeadRelation::Diverge,
        None => HeadRelation::NotKnown,
    }
}

impl HeadComparison {
    /// Whether all heads are shown to be of one chain, and no key stands for two.
    pub fn agrees(&self) -> bool {
        let one =
            |pair: &HeadPair| matches!(pair.relation, HeadRelation::Same | HeadRelation::OneChain);
        self.pairs.iter().all(one) && self.equivocations.is_empty()
    }
}

impl fmt::Display for HeadComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for pair in &self.pairs {
            let (first, second) = (printable(&pair.first), printable(&pair.second));
            writeln!(f, "{first}, {second}: {}", pair.relation.words())?;
        }
        for found in &self.equivocations {
            found.fmt(f)?;
        }
        for words in &self.unused {
            writeln!(f, "{}", printable(words))?;
        }
        Ok(())
    }
}
