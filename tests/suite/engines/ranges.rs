//! Ranges and targets of every kind, against a brute force of our own.

use super::{Case, oracle};
use pow_core::header::{Header, Nonce};
use pow_core::search::{CancelToken, Engine, Found, HitLimit, Job, NonceRange};
use pow_core::target::Target;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;

pub const CASES: &[Case] = &[
    ("edges_of_ranges", edges_of_ranges),
    ("arbitrary_jobs", arbitrary_jobs),
    ("every_nonce_hits", every_nonce_hits),
    ("no_nonce_hits", no_nonce_hits),
    ("the_target_itself_is_a_hit", the_target_itself_is_a_hit),
    (
        "the_header_s_own_nonce_is_ignored",
        the_header_s_own_nonce_is_ignored,
    ),
];

/// Searches for all hits and for the first, and compares both with the oracle.
fn compare(engine: &mut dyn Engine, header: &[u8; 80], start: u32, len: u64, target: [u8; 32]) {
    let expected = oracle::hits(header, start, len, &target);
    let context = format!("start {start:#x}, len {len}, target {target:02x?}");
    let all = search(engine, header, start, len, target, HitLimit::All);
    assert_eq!(nonces(&all), expected, "{context}");
    assert_eq!(all.scanned, len, "{context}");
    assert!(all.hashes >= len, "{context}");

    let first = search(engine, header, start, len, target, HitLimit::First);
    assert_eq!(
        nonces(&first),
        expected[..expected.len().min(1)],
        "{context}"
    );
    let scanned = expected
        .first()
        .map_or(len, |nonce| u64::from(nonce.wrapping_sub(start)) + 1);
    assert_eq!(first.scanned, scanned, "{context}");
    assert!(first.hashes >= scanned, "{context}");

    let any = search(engine, header, start, len, target, HitLimit::Any);
    assert_eq!(any.hits.len(), expected.len().min(1), "{context}");
    let end = match any.hits.first() {
        Some(hit) => u64::from(hit.nonce().0.wrapping_sub(start)) + 1,
        None => len,
    };
    assert!(nonces(&any).iter().all(|nonce| expected.contains(nonce)));
    assert!(any.scanned <= end, "{context}");
    assert!(any.scanned == end || !any.hits.is_empty(), "{context}");
    assert!(any.hashes >= any.scanned, "{context}");
}

fn search(
    engine: &mut dyn Engine,
    header: &[u8; 80],
    start: u32,
    len: u64,
    target: [u8; 32],
    limit: HitLimit,
) -> Found {
    let range = NonceRange::new(Nonce(start), len).unwrap();
    let job = Job::new(
        Header::from_bytes(header),
        Target::from_le_bytes(target),
        range,
    );
    engine.search(&job, limit, &CancelToken::new()).unwrap()
}

fn nonces(found: &Found) -> Vec<u32> {
    found.hits.iter().map(|hit| hit.nonce().0).collect()
}

fn edges_of_ranges(engine: &mut dyn Engine) {
    let starts = [0, 1, u32::MAX, u32::MAX - 1, u32::MAX - 1023, 0x8000_0000];
    // Around workgroups of 64 and 256, batches of 1024, and a first dispatch.
    let lens = [1, 2, 63, 64, 65, 255, 257, 1023, 1024, 1025, 2049, 16_385];
    for (i, start) in starts.into_iter().enumerate() {
        for len in lens {
            compare(
                engine,
                &oracle::header(i as u64),
                start,
                len,
                oracle::target(100),
            );
        }
    }
}

fn arbitrary_jobs(engine: &mut dyn Engine) {
    // A fixed seed: a failure is seen by everyone or by nobody.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config {
        cases: 150,
        failure_persistence: None,
        ..Config::default()
    };
    let jobs = (any::<u64>(), any::<u32>(), 1..6000u64, 1..5000u32);
    let engine = RefCell::new(engine);
    TestRunner::new_with_rng(config, rng)
        .run(&jobs, |(seed, start, len, one_in)| {
            let (header, target) = (oracle::header(seed), oracle::target(one_in));
            compare(*engine.borrow_mut(), &header, start, len, target);
            Ok(())
        })
        .unwrap();
}

fn every_nonce_hits(engine: &mut dyn Engine) {
    // Past 2^32, and more hits than a dispatch can list.
    compare(
        engine,
        &oracle::header(1),
        u32::MAX - 9_999,
        20_000,
        [0xff; 32],
    );
    // Every other one, at the easiest target that a block may have.
    let limit = Target::LIMIT.to_le_bytes();
    compare(engine, &oracle::header(2), 77, 20_000, limit);
}

fn no_nonce_hits(engine: &mut dyn Engine) {
    compare(
        engine,
        &oracle::header(3),
        u32::MAX - 9_999,
        20_000,
        [0; 32],
    );
}

fn the_target_itself_is_a_hit(engine: &mut dyn Engine) {
    // The smallest hash of the range as the target: the comparison must
    // include equality, and look at all 256 bits.
    let header = oracle::header(4);
    let hash = |nonce| {
        let header = Header {
            nonce: Nonce(nonce),
            ..Header::from_bytes(&header)
        };
        Target::from_le_bytes(header.hash().0)
    };
    let (smallest, nonce) = (0..5000).map(|nonce| (hash(nonce), nonce)).min().unwrap();
    let mut target = smallest.to_le_bytes();
    assert_eq!(oracle::hits(&header, 0, 5000, &target), [nonce]);
    compare(engine, &header, 0, 5000, target);
    target[0] = target[0].checked_sub(1).unwrap();
    assert!(oracle::hits(&header, 0, 5000, &target).is_empty());
    compare(engine, &header, 0, 5000, target);
}

fn the_header_s_own_nonce_is_ignored(engine: &mut dyn Engine) {
    let mut header = oracle::header(5);
    let target = oracle::target(50);
    let before = search(engine, &header, 9, 3000, target, HitLimit::All);
    header[76..].copy_from_slice(&[0xaa; 4]);
    let after = search(engine, &header, 9, 3000, target, HitLimit::All);
    assert!(!after.hits.is_empty());
    assert_eq!(before.hits, after.hits);
}
