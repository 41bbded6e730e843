//! Whether a replay report is about a chain, and covers the whole challenge.

use crate::replay::{Amount, Challenge, Machine, Reason, ReplayReport, ReplayedChain, Segments};
use pow_core::body::Genesis;
use pow_core::challenge::SegmentIndex;
use pow_core::hash::BlockHash;

/// Why the report is not about this chain. `None` if it is.
pub(super) fn mismatch(report: &ReplayReport, segments: &Segments) -> Option<String> {
    let chain = ReplayedChain::of(segments);
    if let Some(why) = other_chain(report, &chain, segments.chain().genesis()) {
        return Some(why);
    }
    let claimed = report.challenge();
    if claimed.segments() != segments.count() {
        return Some(format!(
            "it is about {} segments, but the chain has {}",
            claimed.segments(),
            segments.count()
        ));
    }
    other_picks(claimed, chain.head).or_else(|| {
        let mut results = report.results().iter().map(|result| result.segment);
        let other = results.find(|segment| segments.get(segment.index) != Some(*segment))?;
        Some(format!(
            "segment {}: its steps, state roots, block or entries are not this chain's",
            other.index
        ))
    })
}

/// Why the report is about a chain with other ends. `None` if it is not.
pub(super) fn other_chain(
    report: &ReplayReport,
    here: &ReplayedChain,
    genesis: &Genesis,
) -> Option<String> {
    let there = report.chain();
    if there.genesis != here.genesis {
        return Some(format!(
            "it is about another chain: its genesis is {}, here it is {}",
            there.genesis, here.genesis
        ));
    }
    if there.head != here.head || there.height != here.height {
        return Some(format!(
            "the chain that was replayed ends with block {} ({}), this one ends with block {} ({})",
            there.height.get(),
            there.head,
            here.height.get(),
            here.head
        ));
    }
    if there.finished != here.finished {
        return Some("it is wrong about whether the chain is finished".into());
    }
    if *report.recorded() != Machine::of_genesis(genesis) {
        return Some("it describes another recording machine than genesis".into());
    }
    None
}

/// Draws the challenge again, so that nobody can choose the segments that suit them. It hashes
/// once for each segment that the challenge claims.
pub(super) fn other_picks(claimed: &Challenge, head: BlockHash) -> Option<String> {
    let named = claimed.always().iter();
    let named: Vec<SegmentIndex> = named
        .filter(|(_, why)| *why == Reason::Named)
        .map(|(segment, _)| *segment)
        .collect();
    let amount = match claimed.goal() {
        Some(goal) => Amount::Goal(goal),
        None => Amount::Count(claimed.picks()),
    };
    let (count, source) = (claimed.segments(), claimed.source().clone());
    let drawn = match Challenge::draw_from(count, head, source, amount, named) {
        Ok(drawn) => drawn,
        Err(error) => return Some(format!("there is no such challenge: {error}")),
    };
    if drawn.picks() != claimed.picks() {
        return Some(format!(
            "{} segments were picked, but its goal needs {}",
            claimed.picks(),
            drawn.picks()
        ));
    }
    (drawn != *claimed).then(|| "the challenge picks other segments of this chain".into())
}
