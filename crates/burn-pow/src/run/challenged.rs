//! What a replay needs of the chain: the entries of the chosen segments.

use super::replay_error::ReplayError;
use pow_audit::replay::{Segment, Segments};
use pow_audit::walk::walk;
use pow_core::body::{BodyKind, Entry, StepNumber};
use pow_core::hash::BlockHash;
use pow_ledger::RunDir;

/// The hashes of the blocks that the order is bound to, by step.
pub(super) type Keys = Vec<(StepNumber, BlockHash)>;

/// The entry that a segment starts from, and the entries after it.
pub(super) type SegmentEntries = (Entry, Vec<Entry>);

/// The entries of each chosen segment, and the keys, if the order is bound. `chosen` is
/// in ascending order.
///
/// The segments were listed from the same file before. Blocks may follow the last one
/// that was listed. That one must be there, and with it, because blocks are linked by
/// their hashes, all before it.
pub(super) fn entries(
    run: &RunDir,
    segments: &Segments,
    chosen: &[Segment],
) -> Result<(Vec<SegmentEntries>, Keys), ReplayError> {
    let listed = segments.chain();
    let is_bound = listed.genesis().bound_order().is_some();
    let mut keys = Vec::new();
    let mut found: Vec<(Option<Entry>, Vec<Entry>)> = vec![(None, Vec::new()); chosen.len()];
    let mut head = None;
    walk(run, None, &mut |row, _| {
        let height = row.chain.height();
        if height > listed.height() {
            return;
        }
        let hash = row.chain.head_hash();
        if height == listed.height() {
            head = Some(hash);
        }
        let BodyKind::Steps(entries) = &row.block.body().kind else {
            return;
        };
        for entry in entries {
            if is_bound && entry.rest.is_some() {
                keys.push((entry.step, hash));
            }
            // Chosen segments are in order, and share at most the entry at an end.
            let first = chosen.partition_point(|segment| segment.to_step < entry.step);
            for (segment, found) in chosen.iter().zip(&mut found).skip(first).take(2) {
                if entry.step == segment.from_step {
                    found.0 = Some(*entry);
                } else if entry.step > segment.from_step && entry.step <= segment.to_step {
                    found.1.push(*entry);
                }
            }
        }
    })?;
    let changed = ReplayError::Changed {
        found: head,
        expected: listed.head_hash(),
    };
    found
        .into_iter()
        .zip(chosen)
        .map(|((from, after), segment)| {
            let state = from?.state_root();
            let ends = state == Some(segment.from_state)
                && after.last().and_then(Entry::state_root) == segment.to_state
                && after.len() as u64 == segment.entries;
            Some((from?, after)).filter(|_| ends)
        })
        .collect::<Option<Vec<_>>>()
        .filter(|_| head == Some(listed.head_hash()))
        .map(|found| (found, keys))
        .ok_or(changed)
}
