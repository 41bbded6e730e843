//! Chains whose difficulty adapts: what the rules demand of their blocks.

use pow_core::body::{BodyKind, Genesis};
use pow_core::chain::{ChainVerifier, Violation};
use pow_core::difficulty::{Asert, Difficulty, Millis, Policy};
use pow_core::target::{CompactTarget, ZeroBits};
use pow_ledger::{ChainReader, RunDir};
use pow_tests::fixture::{Plan, Recorder};
use tempfile::TempDir;

tests! {
    targets_follow_the_mining_clock, the_final_block_has_the_harder_target,
    no_time_is_no_difficulty
}

fn bits(zero_bits: u32) -> CompactTarget {
    ZeroBits::new(zero_bits).unwrap().compact()
}

/// The fixture's blocks take 400 ms each and come a second apart.
fn record(spacing: u64, final_bits: CompactTarget) -> (TempDir, RunDir) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("run");
    let edit = |genesis: &mut Genesis| {
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
    let mut recorder = Recorder::begin_with(&path, &Plan::default(), edit);
    for steps in [&[0][..], &[1], &[2, 3], &[4, 5, 6]] {
        recorder.steps(steps);
    }
    recorder.finish();
    (dir, RunDir::new(path))
}

/// Each block's target, from a chain that verifies.
fn targets(run: &RunDir) -> Vec<CompactTarget> {
    let mut verifier = ChainVerifier::new(None);
    ChainReader::open(&run.chain())
        .unwrap()
        .map(|record| {
            let record = record.unwrap();
            let block = verifier.push(&record.block, &record.body).unwrap();
            block.header().bits
        })
        .collect()
}

/// Leading zero bits of the targets.
fn zero_bits(targets: &[CompactTarget]) -> Vec<u32> {
    let leading = |target: &CompactTarget| {
        let bytes = target.decode().unwrap().to_le_bytes();
        let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
        8 * zeros as u32 + bytes[31 - zeros].leading_zeros()
    };
    targets.iter().map(leading).collect()
}

fn targets_follow_the_mining_clock() {
    // Genesis took 400 ms of its 400: on schedule, and so on.
    let (_dir, run) = record(400, bits(8));
    assert_eq!(zero_bits(&targets(&run)), [8; 6]);
    // 400 ms ahead of schedule with each block: twice as hard each time.
    let (_dir, run) = record(800, bits(8));
    assert_eq!(zero_bits(&targets(&run)), [8, 9, 10, 11, 12, 13]);
}

fn the_final_block_has_the_harder_target() {
    let (_dir, run) = record(400, bits(14));
    assert_eq!(zero_bits(&targets(&run)), [8, 8, 8, 8, 8, 14]);
    let (_dir, run) = record(800, bits(10));
    assert_eq!(zero_bits(&targets(&run)), [8, 9, 10, 11, 12, 13]);
}

/// A spacing of nothing would divide by zero in a verifier less careful.
fn no_time_is_no_difficulty() {
    let (_dir, run) = record(400, bits(8));
    let record = ChainReader::open(&run.chain()).unwrap().next();
    let record = record.unwrap().unwrap();
    let mut body = pow_core::body::Body::from_bytes(&record.body).unwrap();
    let BodyKind::Genesis(genesis) = &mut body.kind else {
        panic!("the first block is genesis")
    };
    let Policy::Asert(asert) = &mut genesis.difficulty.policy else {
        panic!("the difficulty adapts")
    };
    asert.half_life = Millis(0);
    let template = pow_core::block::Template {
        height: body.common.height,
        prev: pow_core::hash::BlockHash::ZERO,
        time: pow_core::header::HeaderTime((body.common.start.0 / 1000) as u32),
        bits: bits(8),
        commitment: body.commitment(),
    };
    let block = pow_tests::fixture::mine(&template).to_bytes();
    let error = ChainVerifier::new(None).push(&block, &body.to_bytes());
    let violation = error.unwrap_err().violation;
    assert!(matches!(violation, Violation::Difficulty(_)), "{violation}");
}
