//! Ranges and targets of every kind, against brute force.

use super::{Case, all, job, nonces};
use crate::forall::forall;
use pow_core::header::{Header, Nonce};
use pow_core::search::{CancelToken, Engine, HitLimit, Job};
use pow_core::target::Target;
use pow_tests::oracle;
use proptest::prelude::*;
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

/// The nonces of a range of the header of this seed, against a target.
#[derive(Clone, Copy, Debug)]
struct Range {
    seed: u64,
    start: u32,
    len: u64,
    target: [u8; 32],
}

/// Searches for all hits, the first and any, and compares with the oracle.
fn compare(engine: &mut dyn Engine, range: Range) {
    let Range {
        seed,
        start,
        len,
        target,
    } = range;
    let expected = oracle::hits(&oracle::header(seed), start, len, &target);
    let job = job(seed, target, start, len);
    let mut search = |limit| engine.search(&job, limit, &CancelToken::new()).unwrap();
    let all = search(HitLimit::All);
    assert_eq!(nonces(&all), expected, "{range:x?}");
    assert_eq!(all.scanned, len, "{range:x?}");
    assert!(all.hashes >= len, "{range:x?}");

    let until = |nonce: u32| u64::from(nonce.wrapping_sub(start)) + 1;
    let first = search(HitLimit::First);
    assert_eq!(
        nonces(&first),
        expected[..expected.len().min(1)],
        "{range:x?}"
    );
    let scanned = expected.first().map_or(len, |nonce| until(*nonce));
    assert_eq!(first.scanned, scanned, "{range:x?}");
    assert!(first.hashes >= scanned, "{range:x?}");

    let any = search(HitLimit::Any);
    assert_eq!(any.hits.len(), expected.len().min(1), "{range:x?}");
    let end = any.hits.first().map_or(len, |hit| until(hit.nonce().0));
    assert!(nonces(&any).iter().all(|nonce| expected.contains(nonce)));
    assert!(any.scanned <= end, "{range:x?}");
    assert!(any.scanned == end || !any.hits.is_empty(), "{range:x?}");
    assert!(any.hashes >= any.scanned, "{range:x?}");
}

fn edges_of_ranges(engine: &mut dyn Engine) {
    let starts = [0, 1, u32::MAX, u32::MAX - 1, u32::MAX - 1023, 0x8000_0000];
    // Around workgroups of 64 and 256, batches of 1024, and a first dispatch.
    let lens = [1, 2, 63, 64, 65, 255, 257, 1023, 1024, 1025, 2049, 16_385];
    let target = oracle::target(100);
    for (seed, start) in (0..).zip(starts) {
        for len in lens {
            compare(
                engine,
                Range {
                    seed,
                    start,
                    len,
                    target,
                },
            );
        }
    }
}

fn arbitrary_jobs(engine: &mut dyn Engine) {
    let jobs = (any::<u64>(), any::<u32>(), 1..6000u64, 1..5000u32);
    let engine = RefCell::new(engine);
    forall(150, jobs, |(seed, start, len, one_in)| {
        let target = oracle::target(one_in);
        compare(
            *engine.borrow_mut(),
            Range {
                seed,
                start,
                len,
                target,
            },
        );
    });
}

/// Past 2^32, and more hits than a dispatch can list.
const MANY: Range = Range {
    seed: 1,
    start: u32::MAX - 9_999,
    len: 20_000,
    target: [0xff; 32],
};

fn every_nonce_hits(engine: &mut dyn Engine) {
    compare(engine, MANY);
    // Every other one, at the easiest target that a block may have.
    let target = Target::LIMIT.to_le_bytes();
    compare(
        engine,
        Range {
            seed: 2,
            start: 77,
            target,
            ..MANY
        },
    );
}

fn no_nonce_hits(engine: &mut dyn Engine) {
    compare(
        engine,
        Range {
            seed: 3,
            target: [0; 32],
            ..MANY
        },
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
    compare(
        engine,
        Range {
            seed: 4,
            start: 0,
            len: 5000,
            target,
        },
    );
    target[0] = target[0].checked_sub(1).unwrap();
    assert!(oracle::hits(&header, 0, 5000, &target).is_empty());
    compare(
        engine,
        Range {
            seed: 4,
            start: 0,
            len: 5000,
            target,
        },
    );
}

fn the_header_s_own_nonce_is_ignored(engine: &mut dyn Engine) {
    let before = job(5, oracle::target(50), 9, 3000);
    let mut header = *before.header();
    header.nonce = Nonce(0xaaaa_aaaa);
    let after = Job::new(
        header,
        Target::from_le_bytes(oracle::target(50)),
        before.range(),
    );
    let [before, after] = [before, after].map(|job| all(engine, &job).unwrap());
    assert!(!after.hits.is_empty());
    assert_eq!(before.hits, after.hits);
}
