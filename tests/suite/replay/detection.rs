//! The formula of detection: against counting all sets, against exact
//! fractions, and against challenges that are really drawn.

use pow_audit::HashRate;
use pow_audit::replay::{Detection, Fraction, Goal, SecurityBits};
use pow_core::challenge::{ChallengeSource, Domain, SegmentCount, SegmentIndex};
use pow_core::hash::BlockHash;
use pow_core::target::Work;
use pow_tests::fixture;
use pow_tests::model::mix;
use std::collections::BTreeSet;

tests! {
    is_what_counting_all_sets_gives, is_what_exact_fractions_give,
    of_a_goal_takes_the_fewest_picks, is_what_challenges_really_find,
    costs_a_forger_the_last_block_so_many_times, takes_shares_as_people_write_them
}

fn detection(remaining: u64, picks: u64) -> Detection {
    Detection::new(SegmentCount(remaining), SegmentCount(picks))
}

fn is_close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-12 * expected.abs().max(1e-3)
}

/// Of all sets of `q` of `n` segments, how many have none of the first `m`.
fn is_what_counting_all_sets_gives() {
    for n in 0..=10u32 {
        for q in 0..=n {
            for m in 0..=n {
                let bad = (1u32 << m) - 1;
                let sets = || (0u32..1 << n).filter(|set| set.count_ones() == q);
                let all = sets().count() as f64;
                let misses = sets().filter(|set| set & bad == 0).count() as f64;
                let found = detection(n.into(), q.into()).caught(SegmentCount(m.into()));
                let expected = 1.0 - misses / all;
                assert!(is_close(found, expected), "{n} {q} {m}: {found} {expected}");
                assert!(found.is_sign_positive() && found <= 1.0);
            }
        }
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// C(n − m, q) / C(n, q) as a fraction of two integers.
fn miss(n: u64, q: u64, m: u64) -> (u128, u128) {
    (0..q).fold((1, 1), |(above, below), i| {
        let (above, below) = (
            above * u128::from((n - m).saturating_sub(i)),
            below * u128::from(n - i),
        );
        let common = gcd(above, below);
        (above / common, below / common)
    })
}

fn is_what_exact_fractions_give() {
    for n in 1..=60 {
        for q in 0..=n.min(12) {
            for m in 0..=n {
                let (above, below) = miss(n, q, m);
                let expected = above as f64 / below as f64;
                let found = detection(n, q).ln_miss(SegmentCount(m)).exp();
                let off = (found - expected).abs();
                assert!(
                    off <= 1e-12 * expected,
                    "{n} {q} {m}: {found}, {above}/{below}"
                );
            }
        }
        let single = detection(n, n / 3).caught_single();
        assert!(is_close(single, (n / 3) as f64 / n as f64));
        let caught = detection(n, n / 3).caught(SegmentCount(1));
        assert!(is_close(caught, single));
    }
    // 1,000,000 segments, 1,000 bad, 5,000 picked: by the sum of logarithms of
    // the other product, which has five times as many factors.
    let factors = (0..5000u32).map(|i| (f64::from(999_000 - i) / f64::from(1_000_000 - i)).ln());
    let expected: f64 = factors.sum();
    let found = detection(1_000_000, 5000).ln_miss(SegmentCount(1000));
    let off = (found - expected).abs();
    assert!(off < 1e-9 * expected.abs(), "{found} {expected}");
    // More than all is all.
    assert_eq!(detection(5, 9).picks(), SegmentCount(5));
    assert_eq!(detection(5, 1).caught(SegmentCount(9)), 1.0);
    assert_eq!(detection(0, 0).caught_single(), 0.0);
}

fn of_a_goal_takes_the_fewest_picks() {
    for n in 0..=40 {
        for percent in [1u32, 5, 10, 25, 50, 100] {
            let fraction = Fraction::new(f64::from(percent) / 100.0).unwrap();
            let m = (n * u64::from(percent)).div_ceil(100);
            let of = fraction.of(SegmentCount(n));
            assert_eq!(of, SegmentCount(m), "{percent} % of {n}");
            for bits in 0..=9 {
                let goal = Goal {
                    fraction,
                    security: SecurityBits(bits),
                };
                let found = Detection::for_goal(SegmentCount(n), goal).picks().0;
                // The least q with C(n−m, q)/C(n, q) ≤ 2^−bits, exactly.
                let holds = |q: &u64| {
                    let (above, below) = miss(n, *q, m);
                    above << bits <= below
                };
                let expected = (0..=n).find(holds).unwrap_or(n);
                assert_eq!(found, expected, "n {n}, m {m}, {bits} bits");
            }
        }
    }
}

/// The share of 4,000 challenges that find one of the bad segments is within
/// three standard deviations of the formula. The seeds are fixed.
fn is_what_challenges_really_find() {
    const TRIALS: u64 = 4000;
    let cases: [(u64, u64, u64, &[u64]); 5] = [
        (40, 10, 1, &[]),
        (40, 10, 4, &[]),
        (40, 3, 12, &[7, 8]),
        (100, 20, 5, &[]),
        (12, 1, 1, &[]),
    ];
    for (case, (segments, picks, bad, named)) in cases.into_iter().enumerate() {
        let named = named.iter().map(|index| SegmentIndex(*index));
        let domain = Domain::new(SegmentCount(segments), named).unwrap();
        // Bad ones anywhere but among those always checked: the last of the rest.
        let all = (0..segments).rev().map(SegmentIndex);
        let rest = all.filter(|segment| !domain.always().contains(segment));
        let bad_ones: BTreeSet<SegmentIndex> = rest.take(bad as usize).collect();
        let caught = (0..TRIALS).filter(|trial| {
            let number = mix(trial + TRIALS * case as u64).to_le_bytes();
            let mut head = [0; 32];
            head[..8].copy_from_slice(&number);
            let seed = ChallengeSource::Head.seed(BlockHash(head));
            let picked = domain.pick(seed, SegmentCount(picks)).unwrap();
            picked.iter().any(|segment| bad_ones.contains(segment))
        });
        let found = caught.count() as f64 / TRIALS as f64;
        let detection = Detection::new(domain.remaining(), SegmentCount(picks));
        let expected = detection.caught(SegmentCount(bad));
        let sigma = (expected * (1.0 - expected) / TRIALS as f64).sqrt();
        let off = (found - expected) / sigma;
        assert!(
            off.abs() < 3.0,
            "case {case}: {found}, not {expected}: {off} sigma"
        );
    }
}

fn work(bits: u32) -> Work {
    fixture::bits(bits).decode().unwrap().work()
}

/// A forger who mines heads until the challenge misses the bad segments needs
/// as many as is said, on average, each of which costs the last block's work.
fn costs_a_forger_the_last_block_so_many_times() {
    let (segments, bad) = (22, SegmentCount(4));
    let domain = Domain::new(SegmentCount(segments), []).unwrap();
    let detection = Detection::new(domain.remaining(), SegmentCount(5));
    let cost = detection.forging_cost(bad, work(20)).unwrap();
    // C(16, 5) / C(20, 5) = 4368 / 15504.
    let heads = 15504.0f64 / 4368.0;
    assert!((cost.log2_heads - heads.log2()).abs() < 1e-12);
    let hashes = 2f64.powf(cost.log2_hashes);
    let expected = heads * work(20).saturating_u128() as f64;
    let off = hashes / expected - 1.0;
    assert!(off.abs() < 1e-12, "{hashes} {expected}");
    let seconds = cost.seconds(HashRate(1000));
    assert!((seconds / (expected / 1000.0) - 1.0).abs() < 1e-12);

    const FORGERIES: u64 = 1000;
    let mut tries = 0u64;
    let mut candidates = 0u64..;
    for _ in 0..FORGERIES {
        let missed = candidates.by_ref().find(|candidate| {
            tries += 1;
            let mut head = [1; 32];
            head[..8].copy_from_slice(&candidate.to_le_bytes());
            let seed = ChallengeSource::Head.seed(BlockHash(head));
            let picked = domain.pick(seed, detection.picks()).unwrap();
            picked.iter().all(|segment| segment.0 > bad.0)
        });
        assert!(missed.is_some());
    }
    let mean = tries as f64 / FORGERIES as f64;
    // A geometric distribution: its variance is (1 − p) / p².
    let sigma = ((1.0 - 1.0 / heads).sqrt() * heads) / (FORGERIES as f64).sqrt();
    let off = (mean - heads).abs() / sigma;
    assert!(off < 3.0, "{mean}, expected {heads}");

    // What cannot be missed has no price; what is always missed costs one head.
    assert!(detection.forging_cost(SegmentCount(16), work(20)).is_none());
    let nothing = detection.forging_cost(SegmentCount(0), work(20)).unwrap();
    assert_eq!(nothing.log2_heads, 0.0);
    let text = nothing.to_string();
    let words = "2^0.0 expected heads, 2^20.0 expected hashes: 34 ms on a CPU";
    assert!(text.starts_with(words), "{text}");
}

fn takes_shares_as_people_write_them() {
    let of = |text: &str, n| text.parse::<Fraction>().map(|f| f.of(SegmentCount(n)).0);
    let tenths = [
        ("0.1", 30, 3),
        ("0.1", 31, 4),
        ("0.07", 100, 7),
        ("0.29", 100, 29),
    ];
    for (text, n, expected) in [("1e-9", 5, 1), ("0.5", 0, 0), ("1", 9, 9)]
        .into_iter()
        .chain(tenths)
    {
        assert_eq!(of(text, n), Ok(expected), "{text} of {n}");
    }
    for text in ["0", "-0.1", "1.0001", "NaN", "inf", "", "tenth"] {
        let error = text.parse::<Fraction>().unwrap_err();
        assert_eq!(error.0, text);
    }
    assert_eq!(Fraction::TENTH.to_string(), "0.1");
}
