//! The rules of `docs/format.md`, one by one, on a chain in memory. The verifier
//! streams and stops at the first broken rule. This names all that a block
//! breaks.

use super::body::commitment;
use crate::oracle::{tagged, tree_root};
use bitcoin::hashes::Hash;
use pow_core::block::Block;
use pow_core::body::{Body, BodyKind, Ending, Entry, Final, Genesis, Mode};
use pow_core::difficulty::{Difficulty, Policy};
use pow_core::target::{CompactTarget, Target};
use ruint::Uint;
use std::collections::BTreeSet;

/// A block that holds all rules, with the hash that rust-bitcoin gives it.
pub(super) struct Good {
    pub(super) hash: [u8; 32],
    pub(super) body: Body,
}

/// The numbers of the rules that a block breaks after the blocks of `chain`. If
/// it breaks none, it is added to the chain. Rule 20 needs a pin and is left
/// out.
pub(super) fn judge(chain: &mut Vec<Good>, block: &[u8], body: &[u8]) -> BTreeSet<u8> {
    let (Ok(ours), Ok(parsed)) = (Block::from_bytes(block), Body::from_bytes(body)) else {
        return BTreeSet::from([1]);
    };
    let theirs: bitcoin::Block = bitcoin::consensus::deserialize(block).unwrap();
    let hash = theirs.block_hash().to_byte_array();
    let holds = [
        (2, ours.header.version.0 & 0xe000_1fff == 0x2000_0000),
        (
            3,
            ours.header.prev.0 == chain.last().map_or([0; 32], |good| good.hash),
        ),
        (4, theirs.check_merkle_root()),
        (5, ours.coinbase.commitment.0 == commitment(&parsed, body)),
        (6, parsed.common.previous_blocks.0 == previous_blocks(chain)),
        (7, height(chain, &ours, &parsed)),
        (8, clock(chain, &parsed)),
        (9, header_time(&ours, &parsed)),
        (10, kind_order(chain, &parsed)),
        (11, work(chain, &ours, &parsed, hash)),
    ];
    let mut broken: BTreeSet<u8> = holds
        .into_iter()
        .filter_map(|(rule, holds)| (!holds).then_some(rule))
        .collect();
    match (&parsed.kind, genesis(chain)) {
        (BodyKind::Genesis(genesis), None) => broken.extend(broken_by_genesis(genesis)),
        (BodyKind::Steps(entries), Some(genesis)) => {
            broken.extend(broken_by_entries(chain, genesis, entries));
        }
        (BodyKind::Final(end), Some(genesis)) => {
            broken.extend(broken_by_final(chain, genesis, end))
        }
        // Rule 10 is broken.
        _ => {}
    }
    if broken.is_empty() {
        chain.push(Good { hash, body: parsed });
    }
    broken
}

fn genesis(chain: &[Good]) -> Option<&Genesis> {
    match &chain.first()?.body.kind {
        BodyKind::Genesis(genesis) => Some(genesis),
        _ => None,
    }
}

fn previous_blocks(chain: &[Good]) -> [u8; 32] {
    let leaves = chain.iter().map(|good| tagged("block-hash", &good.hash));
    tree_root(&leaves.collect::<Vec<_>>())
}

fn height(chain: &[Good], block: &Block, body: &Body) -> bool {
    let expected = chain.len();
    let found = [block.coinbase.height, body.common.height];
    found.iter().all(|height| height.get() as usize == expected)
}

fn clock(chain: &[Good], body: &Body) -> bool {
    let (found, start) = (body.common.parent_found, body.common.start);
    match chain.last() {
        Some(parent) => parent.body.common.start <= found && found <= start,
        None => found == start,
    }
}

fn header_time(block: &Block, body: &Body) -> bool {
    let start = u128::from(body.common.start.0 / 1000);
    (start..=start + 7200).contains(&block.header.time.0.into())
}

fn kind_order(chain: &[Good], body: &Body) -> bool {
    let ended = chain
        .iter()
        .any(|good| matches!(good.body.kind, BodyKind::Final(_)));
    matches!(body.kind, BodyKind::Genesis(_)) == chain.is_empty() && !ended
}

fn work(chain: &[Good], block: &Block, body: &Body, hash: [u8; 32]) -> bool {
    let demanded = match (&body.kind, genesis(chain)) {
        (BodyKind::Genesis(genesis), None) => Some(reference(&genesis.difficulty)),
        (_, Some(genesis)) => demanded(chain, &genesis.difficulty, body),
        (_, None) => None,
    };
    // Compared as big-endian byte strings.
    let meets = |target: Target| hash.iter().rev().le(target.to_le_bytes().iter().rev());
    Some(block.header.bits) == demanded && block.header.bits.decode().is_ok_and(meets)
}

fn reference(difficulty: &Difficulty) -> CompactTarget {
    match difficulty.policy {
        Policy::Fixed(bits) => bits,
        Policy::Asert(asert) => asert.reference,
        _ => unreachable!("a policy that the format does not know"),
    }
}

/// Five steps of the document's section on difficulty.
fn demanded(chain: &[Good], difficulty: &Difficulty, body: &Body) -> Option<CompactTarget> {
    let reference = reference(difficulty).decode().ok()?;
    let target = match difficulty.policy {
        Policy::Asert(asert) => {
            let found = chain.iter().skip(1).map(|good| &good.body).chain([body]);
            let mined: i128 = chain
                .iter()
                .zip(found)
                .map(|(good, next)| {
                    let spent = next
                        .common
                        .parent_found
                        .0
                        .checked_sub(good.body.common.start.0);
                    // Without it, rule 8 is broken.
                    i128::from(spent.unwrap_or(0))
                })
                .sum();
            let due = i128::from(asert.spacing.0) * chain.len() as i128;
            let x = (mined - due) * 65_536 / i128::from(asert.half_life.0);
            adjusted(reference, x, difficulty.floor.decode().ok()?)
        }
        _ => reference,
    };
    let ends = matches!(body.kind, BodyKind::Final(_));
    let last = difficulty.final_bits.decode().ok()?;
    let target = if ends { target.min(last) } else { target };
    Some(target.to_compact())
}

fn adjusted(reference: Target, x: i128, floor: Target) -> Target {
    type Wide = Uint<1024, 16>;
    let wide = |target: Target| Wide::from_le_slice(&target.to_le_bytes());
    let (n, f) = (x.div_euclid(65_536), x.rem_euclid(65_536) as u128);
    let cubic = 195_766_423_245_049 * f + 971_821_376 * f * f + 5127 * f * f * f + (1 << 47);
    let factor = 65_536 + (cubic >> 48);
    // 300 doublings either way pass both ends.
    let n = n.clamp(-300, 300);
    let scaled = (wide(reference) * Wide::from(factor)) << (n + 300) as usize;
    let target = (scaled >> 316_usize).clamp(Wide::from(1), wide(floor));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&target.to_le_bytes::<128>()[..32]);
    Target::from_le_bytes(bytes)
}

fn broken_by_genesis(genesis: &Genesis) -> Vec<u8> {
    let difficulty = &genesis.difficulty;
    let targets = [
        reference(difficulty),
        difficulty.floor,
        difficulty.final_bits,
    ];
    let consistent = match targets.map(|bits| bits.decode()) {
        [Ok(target), Ok(floor), Ok(last)] => target <= floor && last <= target,
        _ => false,
    };
    let times = match difficulty.policy {
        Policy::Asert(asert) => asert.spacing.0 > 0 && asert.half_life.0 > 0,
        _ => true,
    };
    let gate = genesis.mode != Mode::Gate || genesis.schedule.commit_every == 1;
    [(12, consistent && times), (13, gate)]
        .into_iter()
        .filter_map(|(rule, holds)| (!holds).then_some(rule))
        .collect()
}

fn entries(chain: &[Good]) -> impl Iterator<Item = &Entry> {
    chain.iter().flat_map(|good| match &good.body.kind {
        BodyKind::Steps(entries) => &entries[..],
        _ => &[],
    })
}

fn broken_by_entries(chain: &[Good], genesis: &Genesis, new: &[Entry]) -> Vec<u8> {
    let mut broken = Vec::new();
    if genesis.mode == Mode::Gate && new.len() != 1 {
        broken.push(13);
    }
    let all: Vec<&Entry> = entries(chain).chain(new).collect();
    let first = all[0];
    let fits = first.step.0 == 0
        && first.state_root() == Some(genesis.initial.root)
        && first.batch.is_none()
        && first.learning_rate.is_none();
    if !fits {
        broken.push(14);
    }
    let schedule = &genesis.schedule;
    for pair in all.windows(2) {
        let [last, entry] = [pair[0], pair[1]];
        let (step, after) = (entry.step.0, entry.step.0.checked_sub(last.step.0));
        let in_reach = after.is_some_and(|after| after > 0 && after <= schedule.commit_every);
        if !in_reach || schedule.planned.is_some_and(|planned| step > planned) {
            broken.push(15);
        }
        if must_be_last(genesis, &all, last) {
            broken.push(16);
        }
        if checkpoint_is_due(genesis, entry) && entry.rest.is_none() {
            broken.push(17);
        }
    }
    broken
}

/// Rule 16: off one of the two intervals.
fn must_be_last(genesis: &Genesis, all: &[&Entry], entry: &Entry) -> bool {
    let at = all.iter().position(|other| std::ptr::eq(*other, entry));
    let Some(before) = at.and_then(|at| at.checked_sub(1)) else {
        return false;
    };
    let after = entry.step.0.saturating_sub(all[before].step.0);
    after < genesis.schedule.commit_every
        || (entry.rest.is_some() && !checkpoint_is_due(genesis, entry))
}

fn checkpoint_is_due(genesis: &Genesis, entry: &Entry) -> bool {
    let schedule = &genesis.schedule;
    let on_interval =
        schedule.checkpoint_every != 0 && entry.step.0.is_multiple_of(schedule.checkpoint_every);
    on_interval || schedule.planned == Some(entry.step.0)
}

fn broken_by_final(chain: &[Good], genesis: &Genesis, end: &Final) -> Vec<u8> {
    let Some(last) = entries(chain).last() else {
        return vec![18];
    };
    let mut broken = Vec::new();
    let repeats =
        end.steps == last.step && end.state == last.state_root() && end.artifact == last.parameters;
    if !repeats {
        broken.push(18);
    }
    if let (Ending::Completed, Some(planned)) = (end.ending, genesis.schedule.planned)
        && !(last.step.0 == planned && end.state.is_some())
    {
        broken.push(19);
    }
    broken
}
