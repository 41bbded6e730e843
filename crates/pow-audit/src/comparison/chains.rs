//! Reads two chains side by side, to the first block in which they differ.

use super::ComparisonError;
use super::equivocation::FoundHead;
use super::report::{BlockSummary, Relation, Side, contents};
use crate::source::SharedRun;
use crate::walk::{WalkEnd, WalkedBlock, walk};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// How many blocks one chain may be read ahead of the other.
const AHEAD: usize = 1024;

/// The blocks of a chain at the heights that signed heads name.
pub(super) type BlocksAt = BTreeMap<Height, BlockHash>;

/// Two chains that hold.
pub(super) struct Chains {
    pub(super) sides: [Side; 2],
    pub(super) relation: Relation,
    pub(super) blocks: [BlocksAt; 2],
}

/// Reads and verifies both chains.
pub(super) fn read_both(
    a: &SharedRun,
    b: &SharedRun,
    heads: &[FoundHead],
) -> Result<Chains, ComparisonError> {
    let (send, receive) = sync_channel(AHEAD);
    let mut blocks = [BlocksAt::new(), BlocksAt::new()];
    let [at_a, at_b] = &mut blocks;
    let mut parted = None;
    let (end_a, end_b) = thread::scope(|scope| {
        let first = scope.spawn(move || {
            walk(a.source(), None, &mut |walked, _| {
                note(at_a, heads, walked);
                // Nobody receives if the other chain could not be read.
                let _ = send.send(summary(walked));
            })
        });
        let end_b = {
            let receive = receive;
            let end = walk(b.source(), None, &mut |walked, _| {
                note(at_b, heads, walked);
                if parted.is_none() {
                    parted = first_difference(&receive, walked);
                }
            });
            // The rest of the first chain, so that its reader comes to its end.
            receive.iter().for_each(drop);
            end
        };
        let end_a = first.join();
        (end_a, end_b)
    });
    let end_a = match end_a {
        Ok(end) => end?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let end_b = end_b?;
    let sides = [side(a, &end_a)?, side(b, &end_b)?];
    let relation = match parted {
        Some((a, b)) if a.height == 0 => Relation::OtherRun { a, b },
        Some((a, b)) => Relation::Diverge { a, b },
        None if sides[0].height > sides[1].height => Relation::AExtendsB,
        None if sides[0].height < sides[1].height => Relation::BExtendsA,
        None => Relation::Same,
    };
    Ok(Chains {
        sides,
        relation,
        blocks,
    })
}

/// The next block of the first chain and this one of the second, if they differ.
fn first_difference(
    first: &Receiver<BlockSummary>,
    walked: &WalkedBlock<'_>,
) -> Option<(BlockSummary, BlockSummary)> {
    let a = first.recv().ok()?;
    let b = summary(walked);
    (a.hash != b.hash).then_some((a, b))
}

pub(super) fn note(blocks: &mut BlocksAt, heads: &[FoundHead], walked: &WalkedBlock<'_>) {
    let height = walked.chain.height();
    // The heads are in the order of their heights.
    if heads
        .binary_search_by_key(&height, |head| head.height)
        .is_ok()
    {
        blocks.insert(height, walked.chain.head_hash());
    }
}

fn summary(walked: &WalkedBlock<'_>) -> BlockSummary {
    BlockSummary {
        height: walked.chain.height().get(),
        hash: walked.chain.head_hash().to_string(),
        prev: walked.block.header().prev.to_string(),
        started: walked.chain.last_start().0,
        holds: contents(&walked.block.body().kind),
    }
}

fn side(run: &SharedRun, end: &WalkEnd) -> Result<Side, ComparisonError> {
    match (&end.chain, end.failure()) {
        (Some(chain), None) => Ok(Side {
            run: run.source().name(),
            genesis: chain.genesis_hash().to_string(),
            head: chain.head_hash().to_string(),
            height: chain.height().get(),
        }),
        (_, failure) => Err(ComparisonError::Chain {
            run: run.source().name(),
            failure: failure.unwrap_or_default(),
        }),
    }
}
