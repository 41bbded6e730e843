//! Whether a replay report speaks of a chain, and of all that the challenge
//! asks for.

use crate::replay::{Amount, Challenge, Machine, Reason, ReplayReport, ReplayedChain, Segments};
use pow_core::challenge::SegmentIndex;

/// Why the report is not one on this chain; `None` if it is.
pub(super) fn mismatch(report: &ReplayReport, segments: &Segments) -> Option<String> {
    let (here, there) = (ReplayedChain::of(segments), report.chain());
    if there.genesis != here.genesis {
        return Some(format!(
            "it is about another chain: genesis is {}, here {}",
            there.genesis, here.genesis
        ));
    }
    if there.head != here.head || there.height != here.height {
        return Some(format!(
            "the chain that was replayed ends with block {} ({}), this one with block {} ({})",
            there.height.get(),
            there.head,
            here.height.get(),
            here.head
        ));
    }
    if there.finished != here.finished {
        return Some("it is wrong about whether the chain is finished".into());
    }
    if *report.recorded() != Machine::of_genesis(segments.chain().genesis()) {
        return Some("what it says of the recording machine is not what genesis says".into());
    }
    challenge_mismatch(report.challenge(), segments).or_else(|| {
        let mut results = report.results().iter().map(|result| result.segment);
        let other = results.find(|segment| segments.get(segment.index) != Some(*segment))?;
        Some(format!(
            "segment {}: steps, state roots, block or entries are not this chain's",
            other.index
        ))
    })
}

/// Draws the challenge again: nobody may choose the segments that suit them.
fn challenge_mismatch(claimed: &Challenge, segments: &Segments) -> Option<String> {
    if claimed.segments() != segments.count() {
        return Some(format!(
            "it speaks of {} segments, the chain has {}",
            claimed.segments(),
            segments.count()
        ));
    }
    let named = claimed.always().iter();
    let named: Vec<SegmentIndex> = named
        .filter(|(_, why)| *why == Reason::Named)
        .map(|(segment, _)| *segment)
        .collect();
    let amount = match claimed.goal() {
        Some(goal) => Amount::Goal(goal),
        None => Amount::Count(claimed.picks()),
    };
    let drawn = match Challenge::draw(segments, claimed.source().clone(), amount, named) {
        Ok(drawn) => drawn,
        Err(error) => return Some(format!("there is no such challenge: {error}")),
    };
    if drawn.picks() != claimed.picks() {
        return Some(format!(
            "{} segments were picked; the goal that it states takes {}",
            claimed.picks(),
            drawn.picks()
        ));
    }
    (drawn != *claimed).then(|| "the challenge picks other segments of this chain".into())
}
