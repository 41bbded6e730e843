//! Several engines as one: who searches what, who fails, who stops whom.

use super::{Fake, all, lie};
use crate::forall::forall;
use pow_core::header::Nonce;
use pow_core::search::{CancelToken, Engine, EngineError, Found, HitLimit, Job, Reference};
use pow_core::target::Target;
use pow_mine::Coordinator;
use pow_tests::oracle;
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

tests! {
    every_nonce_is_searched_once, ranges_follow_speed, others_finish_what_fails,
    all_failing_is_an_error, a_panic_is_a_failure, liars_are_left_out, any_hit_stops_the_others,
    the_first_hit_waits_for_earlier_parts, a_cancelled_search_leaves_no_gap
}

/// How a fake engine behaves.
#[derive(Clone, Copy, Debug)]
enum Nature {
    /// Searches this many nonces in a second.
    Speed(u64),
    /// The same, and fails in its search of this number.
    FailsIn(usize, u64),
    Panics,
    /// Searches nothing.
    Stops,
    /// Answers with hits of an easier job.
    Lies,
}

/// The ranges that an engine searched.
type Searched = Arc<Mutex<Vec<(u32, u64)>>>;

/// Hashes nothing, sleeps as long as the search would take, and writes down
/// what it searched. Has a hit where the job's range holds `hit`.
fn fake(nature: Nature, hit: Option<Nonce>, noted: Searched) -> Box<dyn Engine> {
    let mut searches = 0;
    Box::new(Fake(move |job: &Job, limit, cancel: &CancelToken| {
        searches += 1;
        let found = match nature {
            Nature::FailsIn(search, _) if searches >= search => {
                return Err(EngineError::Device {
                    engine: "fake".into(),
                    message: "gone".into(),
                });
            }
            Nature::Speed(speed) | Nature::FailsIn(_, speed) => sleep(job, hit, speed, cancel),
            Nature::Panics => panic!("a fake panic, which belongs to the test"),
            Nature::Stops => Found {
                hits: Vec::new(),
                scanned: 0,
                hashes: 0,
            },
            Nature::Lies => lie(job, limit, cancel)?,
        };
        if found.scanned > 0 {
            let part = (job.range().start().0, found.scanned);
            noted.lock().unwrap().push(part);
        }
        Ok(found)
    }))
}

/// As long as a search of this speed takes, and what it finds.
fn sleep(job: &Job, hit: Option<Nonce>, speed: u64, cancel: &CancelToken) -> Found {
    let place = hit.and_then(|hit| Some((hit, job.range().position(hit)?)));
    let until = place.map_or(job.range().len(), |(_, position)| position + 1);
    let began = Instant::now();
    let searched = || (began.elapsed().as_micros() * u128::from(speed) / 1_000_000) as u64;
    while searched() < until && !cancel.is_cancelled() {
        let left = Duration::from_micros((until - searched().min(until)) * 1_000_000 / speed);
        thread::sleep(left.clamp(Duration::from_micros(20), Duration::from_millis(1)));
    }
    let scanned = searched().min(until);
    let reached = place.filter(|_| scanned == until);
    let hit = reached.and_then(|(hit, _)| job.check(hit));
    Found {
        hits: hit.into_iter().collect(),
        scanned,
        hashes: scanned,
    }
}

/// A coordinator over fakes of these natures, and what each will have searched.
fn fakes(natures: &[Nature], hit: Option<Nonce>) -> (Coordinator, Vec<Searched>) {
    let searched: Vec<Searched> = natures.iter().map(|_| Searched::default()).collect();
    let each = natures.iter().zip(&searched);
    let mut fakes = each.map(|(nature, searched)| fake(*nature, hit, searched.clone()));
    let first = fakes.next().unwrap();
    (Coordinator::new(first, fakes.collect()), searched)
}

fn job(target: [u8; 32], start: u32, len: u64) -> Job {
    super::job(12, target, start, len)
}

fn search(engine: &mut Coordinator, job: &Job, limit: HitLimit) -> Result<Found, EngineError> {
    engine.search(job, limit, &CancelToken::new())
}

/// All that was searched, in order.
fn parts(searched: &[Searched]) -> Vec<(u32, u64)> {
    let parts = searched
        .iter()
        .flat_map(|searched| searched.lock().unwrap().clone());
    let mut parts: Vec<(u32, u64)> = parts.collect();
    parts.sort_unstable();
    parts
}

/// Puts what all engines searched in order, and checks that it is a range
/// without a gap and without a nonce that was searched twice.
fn assert_is_covered(searched: &[Searched], start: u32, len: u64) {
    let from_start = |(nonce, len): (u32, u64)| (u64::from(nonce.wrapping_sub(start)), len);
    let mut parts: Vec<(u64, u64)> = parts(searched).into_iter().map(from_start).collect();
    parts.sort_unstable();
    let mut end = 0;
    for (at, len) in parts {
        assert_eq!(at, end, "a gap, or searched twice");
        end = at + len;
    }
    assert_eq!(end, len);
}

fn total(searched: &Searched) -> u64 {
    searched.lock().unwrap().iter().map(|(_, len)| len).sum()
}

/// Over arbitrary engines, some of which fail, and several searches with each.
fn every_nonce_is_searched_once() {
    let nature = prop_oneof![
        (10..500u64).prop_map(|speed| Nature::Speed(speed * 1_000_000)),
        (1..5usize, 10..500u64)
            .prop_map(|(search, speed)| { Nature::FailsIn(search, speed * 1_000_000) }),
        Just(Nature::Stops),
    ];
    let natures = proptest::collection::vec(nature, 0..5);
    let lens = proptest::collection::vec(1..4_000_000u64, 1..4);
    forall(
        60,
        (natures, any::<u32>(), lens),
        |(natures, start, lens)| {
            // One at least must last.
            let natures = [&natures[..], &[Nature::Speed(100_000_000)]].concat();
            let (mut engine, searched) = fakes(&natures, None);
            for len in lens {
                let found = search(&mut engine, &job([0; 32], start, len), HitLimit::All);
                let found = found.unwrap();
                assert_eq!((found.scanned, found.hashes), (len, len));
                assert_is_covered(&searched, start, len);
                for searched in &searched {
                    searched.lock().unwrap().clear();
                }
            }
        },
    );
}

fn ranges_follow_speed() {
    let speeds = [20, 80, 40].map(|mega| Nature::Speed(mega * 1_000_000));
    let (mut engine, searched) = fakes(&speeds, None);
    let job = job([0; 32], 7, 70_000_000);
    search(&mut engine, &job, HitLimit::All).unwrap();
    assert_is_covered(&searched, 7, 70_000_000);
    let [slow, fast, middle] = [0, 1, 2].map(|number| total(&searched[number]) as f64);
    // Half as much and twice as much would still be shares by speed.
    assert!((2.0..8.0).contains(&(fast / slow)), "{fast} {slow}");
    assert!((1.0..4.0).contains(&(fast / middle)), "{fast} {middle}");
}

fn others_finish_what_fails() {
    // The part of an engine that fails is not lost, whether it begins or joins in.
    for natures in [
        [Nature::FailsIn(1, 1), Nature::Speed(50_000_000)],
        [Nature::FailsIn(2, 50_000_000), Nature::Speed(50_000_000)],
        [Nature::Speed(50_000_000), Nature::FailsIn(1, 1)],
        [Nature::Speed(50_000_000), Nature::FailsIn(3, 50_000_000)],
    ] {
        let (mut engine, searched) = fakes(&natures, None);
        let job = job([0; 32], u32::MAX - 50, 5_000_000);
        let found = search(&mut engine, &job, HitLimit::All).unwrap();
        assert_eq!(found.scanned, 5_000_000, "{natures:?}");
        assert_is_covered(&searched, u32::MAX - 50, 5_000_000);
        let failures = engine.failures();
        let failures: Vec<String> = failures.iter().map(EngineError::to_string).collect();
        assert_eq!(failures.len(), 1, "{natures:?}");
        assert!(failures[0].ends_with(": gone"), "{failures:?}");
        assert!(engine.name().contains(", failed"), "{}", engine.name());
        // It is asked no more.
        let before = engine.failures().len();
        search(&mut engine, &job, HitLimit::All).unwrap();
        assert_eq!(engine.failures().len(), before);
    }
}

fn all_failing_is_an_error() {
    let natures = [Nature::FailsIn(1, 1), Nature::FailsIn(2, 50_000_000)];
    let (mut engine, _) = fakes(&natures, None);
    let job = job([0; 32], 0, 5_000_000);
    for _ in 0..2 {
        let error = search(&mut engine, &job, HitLimit::All).unwrap_err();
        assert!(error.to_string().ends_with(": gone"), "{error}");
    }
    assert_eq!(engine.failures().len(), 2);
}

fn a_panic_is_a_failure() {
    for natures in [
        [Nature::Panics, Nature::Speed(50_000_000)],
        [Nature::Speed(50_000_000), Nature::Panics],
    ] {
        let (mut engine, searched) = fakes(&natures, None);
        let found = search(&mut engine, &job([0; 32], 0, 3_000_000), HitLimit::All);
        assert_eq!(found.unwrap().scanned, 3_000_000);
        assert_is_covered(&searched, 0, 3_000_000);
        let failure = engine.failures()[0].to_string();
        assert!(failure.ends_with("it panicked"), "{failure}");
    }
}

fn liars_are_left_out() {
    let (mut engine, _) = fakes(&[Nature::Lies, Nature::Speed(50_000_000)], None);
    let found = search(&mut engine, &job([0; 32], 0, 5_000_000), HitLimit::Any).unwrap();
    assert!(found.hits.is_empty());
    let failures = engine.failures();
    assert!(matches!(failures[..], [EngineError::FalseHit { .. }]));
    assert_eq!(engine.wrong_nonces(), 3);
}

/// A job in which one nonce meets the target, and where.
fn lonely_hit(len: u32) -> (Job, Nonce) {
    let easy = job([0xff; 32], 0, 1 << 32);
    let hash = |nonce| {
        let hash = easy.check(Nonce(nonce)).unwrap().hash();
        (Target::from_le_bytes(hash.0), nonce)
    };
    let (target, nonce) = (0..len).map(hash).min().unwrap();
    (job(target.to_le_bytes(), 0, 1 << 32), Nonce(nonce))
}

/// The second engine comes upon the hit, the first would take for ever.
fn any_hit_stops_the_others() {
    let (job, hit) = lonely_hit(60_000);
    assert!(hit.0 > 1 << 14, "{hit:?} lies before the others join in");
    let natures = [Nature::Speed(10_000_000), Nature::Speed(9_000_000)];
    let (mut engine, searched) = fakes(&natures, Some(hit));
    let found = search(&mut engine, &job, HitLimit::Any).unwrap();
    assert_eq!(found.hits.len(), 1);
    assert_eq!(found.hits[0].nonce(), hit);
    assert!(found.scanned <= u64::from(hit.0) + 1);
    let searched: u64 = searched.iter().map(total).sum();
    assert_eq!(found.hashes, searched);
    assert!(searched < 1 << 30);
}

/// The reference, which pauses before it searches a range with this nonce.
fn pauses(before: Nonce) -> Box<dyn Engine> {
    Box::new(Fake(move |job: &Job, limit, cancel: &CancelToken| {
        if job.range().position(before).is_some() {
            thread::sleep(Duration::from_millis(50));
        }
        Reference.search(job, limit, cancel)
    }))
}

/// The engine that has the part with the first hit is late. With `First` its hit
/// counts, with `Any` the other engine's.
fn the_first_hit_waits_for_earlier_parts() {
    let easy = job(oracle::target(20_000), 0, 1 << 20);
    let hits = all(&mut Reference, &easy).unwrap().hits;
    // A first hit beyond what one engine searches alone.
    let nonces: Vec<u32> = hits.iter().map(|hit| hit.nonce().0).collect();
    let gap = nonces.windows(2).find(|pair| pair[1] - pair[0] > 20_001);
    let first = gap.unwrap()[1];
    let job = job(oracle::target(20_000), first - 20_000, 400_000);
    for (limit, is_first) in [(HitLimit::First, true), (HitLimit::Any, false)] {
        let before = Nonce(first);
        let mut engine = Coordinator::new(pauses(before), vec![pauses(before)]);
        let found = search(&mut engine, &job, limit).unwrap();
        assert_eq!(found.hits.len(), 1);
        assert!(hits.contains(&found.hits[0]));
        assert_eq!(found.hits[0].nonce() == before, is_first, "{limit:?}");
        if is_first {
            assert_eq!(found.scanned, 20_001);
        } else {
            // The part that was cancelled is not said to have been searched.
            assert!(found.scanned <= 20_000, "{}", found.scanned);
        }
    }
}

fn a_cancelled_search_leaves_no_gap() {
    let speeds = [30, 100, 10].map(|mega| Nature::Speed(mega * 1_000_000));
    let (mut engine, searched) = fakes(&speeds, None);
    let cancel = CancelToken::new();
    let other = cancel.clone();
    let stopper = thread::spawn(move || {
        thread::sleep(Duration::from_millis(40));
        other.cancel();
    });
    let job = job([0; 32], 0, 1 << 32);
    let found = engine.search(&job, HitLimit::Any, &cancel).unwrap();
    stopper.join().unwrap();
    assert!(found.scanned > 0 && found.scanned < 1 << 32);
    // All that counts as searched was searched. Whatever was searched beyond that
    // is in the hashes.
    let parts = parts(&searched);
    let mut prefix = 0;
    for (start, len) in &parts {
        if u64::from(*start) == prefix {
            prefix += len;
        }
    }
    assert_eq!(found.scanned, prefix);
    assert_eq!(found.hashes, parts.iter().map(|(_, len)| len).sum::<u64>());
    assert_eq!(engine.failures().len(), 0);
}
