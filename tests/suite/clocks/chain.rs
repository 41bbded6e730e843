//! The times of blocks, whatever the machine's clocks do.

use super::FakeTime;
use crate::forall::forall;
use pow_core::body::UnixMillis;
use pow_mine::{BlockStart, ChainClock};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

tests! {
    times_keep_the_rules_whatever_happens, mining_time_adds_up_to_the_millisecond,
    a_date_that_no_header_holds_is_replaced_by_a_stopwatch, a_resumed_chain_begins_where_it_was,
    chain_and_date_come_together_again
}

const DAY: i64 = 24 * 3_600_000;

/// November 2023.
const NOW: i64 = 1_700_000_000_000;

/// The last millisecond that a header can hold, in 2106.
const LATEST: u64 = u32::MAX as u64 * 1000 + 999;

fn clock(time: &FakeTime, last: Option<u64>) -> ChainClock {
    ChainClock::with_source(last.map(UnixMillis), Arc::new(time.clone()))
}

#[derive(Clone, Copy, Debug)]
enum Event {
    /// Both clocks run for so many microseconds.
    Passes(u64),
    Jumps(i64),
    /// The date is set.
    Is(i64),
    /// The stopwatch runs and the date does not.
    Stalls(u64),
    /// A block is mined for so many microseconds.
    Mined(u64),
}

fn times_keep_the_rules_whatever_happens() {
    let event = prop_oneof![
        (0..20_000_000u64).prop_map(Event::Passes),
        (-400 * DAY..400 * DAY).prop_map(Event::Jumps),
        (-100 * 365 * DAY..200 * 365 * DAY).prop_map(Event::Is),
        any::<u32>().prop_map(|micros| Event::Stalls(micros.into())),
        (0..10_000_000u64).prop_map(Event::Mined),
        (0..2_000u64).prop_map(Event::Mined),
    ];
    let last = proptest::option::of(0..=LATEST);
    let events = proptest::collection::vec(event, 0..60);
    forall(
        3000,
        (NOW - DAY..NOW, last, events),
        |(began, last, events)| {
            let time = FakeTime::at(began);
            let mut clock = clock(&time, last);
            let (mut before, mut mined, mut counted): (Option<BlockStart>, _, _) = (None, 0, 0);
            for event in events {
                match event {
                    Event::Passes(micros) => time.pass(Duration::from_micros(micros)),
                    Event::Jumps(millis) => time.jump(millis),
                    Event::Is(date) => time.set().date = date,
                    Event::Stalls(micros) => time.set().monotonic += Duration::from_micros(micros),
                    Event::Mined(micros) => {
                        let block = clock.start();
                        assert!(block.parent_found <= block.start && block.start.0 <= LATEST);
                        assert_eq!(u64::from(block.header.0), block.start.0 / 1000);
                        match (before, last) {
                            (Some(before), _) => assert!(before.start <= block.parent_found),
                            (None, Some(last)) => assert_eq!(block.parent_found.0, last),
                            (None, None) => assert_eq!(block.parent_found, block.start),
                        }
                        clock.found(block, Duration::from_micros(micros));
                        mined += micros;
                        counted += clock.last_found().unwrap().0 - block.start.0;
                        before = Some(block);
                    }
                }
            }
            // All that was mined counts, and nothing else, up to the end of all headers.
            let is_at_the_end = clock.last_found().is_some_and(|found| found.0 == LATEST);
            assert!(counted == mined / 1000 || is_at_the_end && counted < mined / 1000);
        },
    );
}

/// Rounded down one by one, these blocks would take no time at all.
fn mining_time_adds_up_to_the_millisecond() {
    let time = FakeTime::at(NOW);
    let mut clock = clock(&time, None);
    let mut spent = 0;
    for _ in 0..10_000 {
        let block = clock.start();
        clock.found(block, Duration::from_micros(330));
        spent += clock.last_found().unwrap().0 - block.start.0;
        time.pass(Duration::from_micros(330));
    }
    assert_eq!(spent, 3300);
}

fn a_date_that_no_header_holds_is_replaced_by_a_stopwatch() {
    for impossible in [-1, i64::MIN, LATEST as i64 + 1, i64::MAX] {
        let time = FakeTime::at(impossible);
        let mut new = clock(&time, None);
        assert_eq!(new.start().start.0, 0, "{impossible}");
        new.found(new.start(), Duration::from_millis(7));
        time.set().monotonic += Duration::from_secs(2);
        assert_eq!(new.start().start.0, 2007);
        let old = clock(&time, Some(NOW as u64));
        time.set().monotonic += Duration::from_secs(3);
        assert_eq!(old.start().start.0, NOW as u64 + 3000);
        // The date is right again.
        time.set().date = NOW + DAY;
        for clock in [&new, &old] {
            assert_eq!(clock.start().start.0, (NOW + DAY) as u64);
        }
    }
}

fn a_resumed_chain_begins_where_it_was() {
    let last = (NOW + DAY) as u64;
    // The date was set back while nothing ran, or it was not.
    for (now, start) in [(NOW, last), (NOW + 2 * DAY, (NOW + 2 * DAY) as u64)] {
        let block = clock(&FakeTime::at(now), Some(last)).start();
        assert_eq!((block.parent_found.0, block.start.0), (last, start));
    }
}

/// Two hours back: the chain is ahead, and mines a tenth of the time.
fn chain_and_date_come_together_again() {
    let time = FakeTime::at(NOW);
    let mut clock = clock(&time, None);
    let block_and_pause = |clock: &mut ChainClock| {
        let block = clock.start();
        time.pass(Duration::from_secs(1));
        clock.found(block, Duration::from_secs(1));
        time.pass(Duration::from_secs(9));
        block.start.0.abs_diff(time.set().date as u64)
    };
    assert_eq!(block_and_pause(&mut clock), 10_000);
    time.jump(-2 * 3_600_000);
    let ahead = block_and_pause(&mut clock);
    assert!(ahead > 7_000_000, "{ahead}");
    for _ in 0..800 {
        block_and_pause(&mut clock);
    }
    assert_eq!(block_and_pause(&mut clock), 10_000);
}
