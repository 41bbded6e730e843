//! Work saved: easier targets, and clocks that lie.

use super::honest::{Attacked, BLOCKS, Honest, genesis, plan};
use pow_core::body::{Genesis, UnixMillis};
use pow_core::chain::ChainVerifier;
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::header::Header;
use pow_core::target::CompactTarget;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{BEGAN, Plan, bits};

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let lowered = Plan {
        zero_bits: 4,
        final_zero_bits: 4,
        ..plan()
    };
    let lowered = Honest::record(&lowered, |_| {});
    let asert = Honest::record(&plan(), adaptive);
    let in_genesis = |name, edit: fn(&mut Difficulty)| {
        honest.mined(name, |links| edit(&mut genesis(&mut links[0]).difficulty))
    };
    let too_easy = CompactTarget(0x207f_ffff);
    vec![
        lowered.unchanged("difficulty_lowered_in_genesis"),
        lowered.unchanged("difficulty_lowered_in_genesis_pinned"),
        honest.mined("final_block_too_easy_mined", |links| {
            links[BLOCKS - 1].header(|header| header.bits = bits(8));
        }),
        in_genesis("target_easier_than_the_floor", |difficulty| {
            difficulty.floor = bits(9);
        }),
        honest.mined("final_target_easier_than_the_others", |links| {
            let difficulty = &mut genesis(&mut links[0]).difficulty;
            (difficulty.floor, difficulty.final_bits) = (too_easy, too_easy);
        }),
        in_genesis("floor_not_canonical", |difficulty| {
            difficulty.floor = CompactTarget(0x2100_7f00);
        }),
        in_genesis("spacing_of_nothing", |difficulty| {
            difficulty.policy = Policy::Asert(Asert {
                spacing: Millis(0),
                ..adapting(difficulty)
            });
        }),
        asert.mined("asert_not_adapted_mined", |links| {
            links[3].header(|header| header.bits = bits(8));
        }),
        asert.with_chain("timewarp_of_the_whole_clock", slow_clock(&asert).to_bytes()),
    ]
}

/// Targets that adapt: the fixture finds a block in 400 ms, and this genesis
/// asks for 500 ms.
fn adaptive(genesis: &mut Genesis) {
    let difficulty = &mut genesis.difficulty;
    difficulty.floor = bits(6);
    difficulty.policy = Policy::Asert(adapting(difficulty));
}

fn adapting(difficulty: &Difficulty) -> Asert {
    Asert {
        reference: difficulty.of_genesis(),
        spacing: Millis(500),
        half_life: Millis(1000),
    }
}

/// The chain with clocks of a second's mining for each block, and the targets
/// that follow.
fn slow_clock(honest: &Honest) -> ChainFile {
    let mut chain = honest.chain.clone();
    // A block's target depends on the blocks before it, so one more is right
    // after each sealing.
    for right in 1..=BLOCKS {
        let mut verifier = ChainVerifier::new(None);
        for record in &chain.records[..right] {
            verifier.push(&record.block, &record.body).unwrap();
        }
        let next = (right < BLOCKS).then(|| {
            let found = UnixMillis(BEGAN.0 + 1000 * right as u64);
            let chain = verifier.chain().unwrap();
            chain.required(found, right == BLOCKS - 1).unwrap()
        });
        let header = |block: &[u8]| Header::from_bytes(block.first_chunk().unwrap());
        let known = chain.records[..right].iter();
        let known = known.map(|record| header(&record.block).bits).chain(next);
        let known: Vec<CompactTarget> = known.collect();
        chain = honest.sealed(|links| {
            for (at, link) in links.iter_mut().enumerate().skip(1) {
                link.common(|common| common.parent_found = common.start);
                if let Some(bits) = known.get(at).copied() {
                    link.header(move |header| header.bits = bits);
                }
            }
        });
    }
    chain
}
