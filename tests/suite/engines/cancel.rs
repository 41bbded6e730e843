//! A search that is stopped reports how far it got, and leaves no gap.

use super::{Case, all, nonces};
use pow_core::search::{CancelToken, Engine, Found, HitLimit, Job};
use pow_tests::oracle;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

pub const CASES: &[Case] = &[
    ("cancelled_before_it_starts", cancelled_before_it_starts),
    ("cancelled_under_way", cancelled_under_way),
    ("an_engine_goes_on_after_a_cancelled_search", goes_on),
];

const START: u32 = u32::MAX - 5000;

fn job(start: u32, len: u64, one_in: u32) -> Job {
    super::job(6, oracle::target(one_in), start, len)
}

/// The hits of a stopped search are those of the prefix that it reports. A search
/// from there on finds the others.
fn check_prefix(engine: &mut dyn Engine, stopped: &Found, one_in: u32) {
    let target = oracle::target(one_in);
    let header = oracle::header(6);
    let expected = oracle::hits(&header, START, stopped.scanned, &target);
    assert_eq!(nonces(stopped), expected);
    assert!(stopped.hashes >= stopped.scanned);

    let start = START.wrapping_add(stopped.scanned as u32);
    let rest = all(engine, &job(start, 3000, one_in)).unwrap();
    let both = [nonces(stopped), nonces(&rest)].concat();
    let expected = oracle::hits(&header, START, stopped.scanned + 3000, &target);
    assert_eq!(both, expected);
}

fn cancelled_before_it_starts(engine: &mut dyn Engine) {
    let cancel = CancelToken::new();
    cancel.cancel();
    for limit in [HitLimit::First, HitLimit::All] {
        let found = engine
            .search(&job(START, 1 << 32, 100), limit, &cancel)
            .unwrap();
        assert_eq!((found.hits.len(), found.scanned), (0, 0));
        check_prefix(engine, &found, 100);
    }
}

/// All 2^32 nonces take the fastest GPU half a second; the search must return
/// with a part of them.
fn cancelled_under_way(engine: &mut dyn Engine) {
    // Hits are rare enough for few to be rehashed, frequent enough to see.
    let one_in = 1000;
    let found = stop_after(Duration::from_millis(5), |cancel| {
        engine.search(&job(START, 1 << 32, one_in), HitLimit::All, cancel)
    });
    assert!(found.scanned < 1 << 32);
    check_prefix(engine, &found, one_in);

    // No nonce meets this target, so only the token can stop the search.
    let mut target = [0; 32];
    target[0] = 1;
    let job = super::job(6, target, 0, 1 << 32);
    let found = stop_after(Duration::from_millis(5), |cancel| {
        engine.search(&job, HitLimit::First, cancel)
    });
    assert!(found.hits.is_empty());
    assert!(found.scanned < 1 << 32);
}

/// Runs `search` with a token that another thread cancels `after` it began.
fn stop_after<E: std::fmt::Debug>(
    after: Duration,
    search: impl FnOnce(&CancelToken) -> Result<Found, E>,
) -> Found {
    let cancel = CancelToken::new();
    let (began, begin) = channel();
    let other = cancel.clone();
    let stopper = thread::spawn(move || {
        begin.recv().unwrap();
        thread::sleep(after);
        other.cancel();
    });
    began.send(()).unwrap();
    let found = search(&cancel).unwrap();
    stopper.join().unwrap();
    found
}

fn goes_on(engine: &mut dyn Engine) {
    let job = job(START, 20_000, 100);
    let before = all(engine, &job).unwrap();
    let stopped = CancelToken::new();
    stopped.cancel();
    engine.search(&job, HitLimit::All, &stopped).unwrap();
    let after = all(engine, &job).unwrap();
    assert_eq!(before.hits, after.hits);
    assert_eq!(after.scanned, 20_000);
}
