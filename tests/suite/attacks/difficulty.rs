//! Work saved: easier targets, and clocks that lie.

use super::honest::{BLOCKS, Case, Honest, genesis, plan};
use pow_core::body::{Genesis, UnixMillis};
use pow_core::chain::ChainVerifier;
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::target::CompactTarget;
use pow_tests::fixture::bits;

pub fn cases(honest: &Honest) -> Vec<Case> {
    let lowered = Honest::record(
        &pow_tests::fixture::Plan {
            zero_bits: 4,
            final_zero_bits: 4,
            ..plan()
        },
        |_| {},
    );
    let asert = Honest::record(&plan(), adaptive);
    let in_genesis = |name, attack: &str, why: &str, words: &str, edit: fn(&mut Difficulty)| {
        honest
            .attack(name, attack, why)
            .blocks(&honest.mined(|links| edit(&mut genesis(&mut links[0]).difficulty)))
            .breaks(0, 12, &format!("genesis' difficulty: {words}"))
    };
    let lowering = "The whole run is mined anew with a sixteenth of the work, which genesis says.";
    vec![
        lowered
            .attack(
                "difficulty_lowered_in_genesis",
                lowering,
                "NOT SHOWN without a pinned genesis: it is another chain, consistent in itself. \
                 The report says how much work it holds.",
            )
            .says(&format!("{} expected hashes", work(&lowered))),
        Honest {
            genesis: honest.genesis.clone(),
            ..lowered
        }
        .attack(
            "difficulty_lowered_in_genesis_pinned",
            lowering,
            "The targets are in genesis, so it is another genesis.",
        )
        .pinned()
        .breaks(0, 20, "genesis is "),
        honest
            .attack(
                "final_block_too_easy_mined",
                "The final block has the target of the others, not the harder one of its own.",
                "Genesis says how easy the final block may be.",
            )
            .blocks(&honest.mined(|links| links[BLOCKS - 1].header(|header| header.bits = bits(8))))
            .breaks(5, 11, "target is"),
        in_genesis(
            "target_easier_than_the_floor",
            "Genesis has an easier target than its own floor.",
            "The floor is what a verifier looks at.",
            "target 0x2000ffff is easier than the floor",
            |difficulty| difficulty.floor = bits(9),
        ),
        in_genesis(
            "final_target_easier_than_the_others",
            "Genesis lets the final block be easier than the others.",
            "The final block is what a forger would try again and again.",
            "the final block's target",
            |difficulty| {
                difficulty.floor = CompactTarget(0x207f_ffff);
                difficulty.final_bits = CompactTarget(0x207f_ffff);
            },
        ),
        in_genesis(
            "floor_not_canonical",
            "Genesis' floor has the right value in a longer form.",
            "There is one form of each target.",
            "compact target 0x21007f00 is not canonical",
            |difficulty| difficulty.floor = CompactTarget(0x2100_7f00),
        ),
        in_genesis(
            "spacing_of_nothing",
            "Genesis adapts the target towards blocks that take no time.",
            "Spacing and half-life are at least 1 ms.",
            "spacing 0 ms",
            |difficulty| {
                difficulty.policy = Policy::Asert(Asert {
                    spacing: Millis(0),
                    ..adapting(difficulty)
                });
            },
        ),
        asert
            .attack(
                "asert_not_adapted_mined",
                "Where the target adapts and had become harder, block 3 keeps that of genesis.",
                "ASERT gives the target of each block from the mining times before it.",
            )
            .blocks(&asert.mined(|links| links[3].header(|header| header.bits = bits(8))))
            .breaks(3, 11, "target is 0x2000ffff, genesis demands"),
        asert
            .attack(
                "timewarp_of_the_whole_clock",
                "Each block claims to have taken as long as the clock can hold, so that the \
                 target becomes as easy as the floor.",
                "NOT SHOWN. The clock is self-reported. The floor bounds what it gains, and the \
                 report says how much work the chain holds.",
            )
            .blocks(&slow_clock(&asert))
            .says("UNANCHORED: the chain may have been made at any time"),
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
fn slow_clock(honest: &Honest) -> pow_tests::chain_file::ChainFile {
    let mut chain = honest.chain.clone();
    // A block's target depends on the blocks before it, so one more is right
    // after each sealing.
    for right in 1..=BLOCKS {
        let mut verifier = ChainVerifier::new(None);
        for record in &chain.records[..right] {
            verifier.push(&record.block, &record.body).unwrap();
        }
        let height = right as u64;
        let found = |height: u64| UnixMillis(pow_tests::fixture::BEGAN.0 + 1000 * height);
        let next = (right < BLOCKS).then(|| {
            let is_final = right == BLOCKS - 1;
            let state = verifier.chain().unwrap();
            state.required(found(height), is_final).unwrap()
        });
        let known: Vec<CompactTarget> = chain.records[..right]
            .iter()
            .map(|record| {
                let header = record.block.first_chunk().unwrap();
                pow_core::header::Header::from_bytes(header).bits
            })
            .chain(next)
            .collect();
        chain = honest.mined(|links| {
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

fn work(honest: &Honest) -> String {
    let mut verifier = ChainVerifier::new(None);
    for record in &honest.chain.records {
        verifier.push(&record.block, &record.body).unwrap();
    }
    verifier.chain().unwrap().work().to_string()
}
