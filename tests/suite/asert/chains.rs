//! Chains whose difficulty adapts: what the rules demand of their blocks.

use pow_core::block::Template;
use pow_core::body::{Body, BodyKind, Genesis};
use pow_core::chain::{ChainVerifier, Violation};
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::hash::BlockHash;
use pow_core::header::HeaderTime;
use pow_core::target::CompactTarget;
use pow_tests::fixture::{Fixture, Plan, bits, mine};

tests! {
    targets_follow_the_mining_clock, the_final_block_has_the_harder_target,
    no_time_is_no_difficulty
}

/// The fixture's blocks take 400 ms each and come a second apart.
fn record(spacing: u64, final_bits: CompactTarget) -> Fixture {
    let adapt = |genesis: &mut Genesis| {
        genesis.difficulty = Difficulty {
            policy: Policy::Asert(Asert {
                reference: bits(8),
                spacing: Millis(spacing),
                half_life: Millis(400),
            }),
            floor: bits(2),
            final_bits,
        };
    };
    let blocks = [&[0][..], &[1], &[2, 3], &[4, 5, 6]];
    Fixture::record_with(&Plan::default(), adapt, |recorder| {
        recorder.finish_after(blocks)
    })
}

/// Each block's target, from a chain that verifies.
fn targets(fixture: &Fixture) -> Vec<CompactTarget> {
    let mut verifier = ChainVerifier::new(None);
    let records = fixture.file().records.into_iter();
    let blocks = records.map(|record| verifier.push(&record.block, &record.body).unwrap());
    blocks.map(|block| block.header().bits).collect()
}

/// Leading zero bits of each block's target.
fn zero_bits(fixture: &Fixture) -> Vec<u32> {
    let leading = |target: &CompactTarget| {
        let bytes = target.decode().unwrap().to_le_bytes();
        let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
        8 * zeros as u32 + bytes[31 - zeros].leading_zeros()
    };
    targets(fixture).iter().map(leading).collect()
}

fn targets_follow_the_mining_clock() {
    // Genesis took 400 ms of its 400: on schedule, and so are the others.
    assert_eq!(zero_bits(&record(400, bits(8))), [8; 6]);
    // 400 ms ahead of schedule with each block: twice as hard each time.
    assert_eq!(zero_bits(&record(800, bits(8))), [8, 9, 10, 11, 12, 13]);
}

fn the_final_block_has_the_harder_target() {
    assert_eq!(zero_bits(&record(400, bits(14))), [8, 8, 8, 8, 8, 14]);
    assert_eq!(zero_bits(&record(800, bits(10))), [8, 9, 10, 11, 12, 13]);
}

/// A careless verifier would divide by zero.
fn no_time_is_no_difficulty() {
    let record = record(400, bits(8)).file().records.remove(0);
    let mut body = Body::from_bytes(&record.body).unwrap();
    let BodyKind::Genesis(genesis) = &mut body.kind else {
        panic!("the first block is genesis")
    };
    let Policy::Asert(asert) = &mut genesis.difficulty.policy else {
        panic!("the difficulty adapts")
    };
    asert.half_life = Millis(0);
    let template = Template {
        height: body.common.height,
        prev: BlockHash::ZERO,
        time: HeaderTime((body.common.start.0 / 1000) as u32),
        bits: bits(8),
        commitment: body.commitment(),
    };
    let error = ChainVerifier::new(None).push(&mine(&template).to_bytes(), &body.to_bytes());
    let violation = error.unwrap_err().violation;
    assert!(matches!(violation, Violation::Difficulty(_)), "{violation}");
}
