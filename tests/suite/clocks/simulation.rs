//! Difficulty on clocks that the test sets. All blocks are really mined, at a hash rate
//! that the test makes up.

use super::{Block, FakeTime, Recorder, SPACING, difficulty};
use crate::engines::Fake;
use pow_core::search::{CancelToken, Engine, HitLimit, Job, Reference};
use pow_mine::{ChainClock, Miner};
use std::sync::{Arc, Mutex};
use std::time::Duration;

tests! {
    a_sleep_during_a_search, a_sleep_between_searches, many_sleeps, a_sleep_in_the_first_search,
    the_date_jumps_during_a_search, the_date_jumps_between_searches, a_machine_that_becomes_slower,
    a_machine_that_becomes_faster, the_wall_clock_would_not_do
}

const NOW: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;

/// Hashes in a second at first: the right rate for 8 zero bits.
const RATE: f64 = 256_000.0 / SPACING as f64;

type Rate = Arc<Mutex<f64>>;

/// What happens to the clocks.
type Event = Box<dyn FnOnce(&FakeTime) + Send>;

/// A recorder on a made up machine, what happens in its next search, and its rate.
struct Machine {
    recorder: Recorder,
    time: FakeTime,
    next: Arc<Mutex<Option<Event>>>,
    rate: Rate,
}

impl Machine {
    fn new(date: i64) -> Self {
        let time = FakeTime::at(date);
        let rate = Rate::new(Mutex::new(RATE));
        let next: Arc<Mutex<Option<Event>>> = Arc::default();
        let (clocks, speed, event) = (time.clone(), rate.clone(), next.clone());
        let engine = Fake(move |job: &Job, limit: HitLimit, cancel: &CancelToken| {
            let found = Reference.search(job, limit, cancel)?;
            let seconds = found.hashes as f64 / *speed.lock().unwrap();
            clocks.pass(Duration::from_secs_f64(seconds / 2.0));
            if let Some(event) = event.lock().unwrap().take() {
                event(&clocks);
            }
            clocks.pass(Duration::from_secs_f64(seconds / 2.0));
            Ok(found)
        });
        let source = Arc::new(time.clone());
        let miner = Miner::new(Box::new(engine)).with_time_source(source.clone());
        Machine {
            recorder: Recorder::new(miner, ChainClock::with_source(None, source), 8),
            time,
            next,
            rate,
        }
    }

    /// This happens in the middle of the next search.
    fn during(&self, event: impl FnOnce(&FakeTime) + Send + 'static) {
        *self.next.lock().unwrap() = Some(Box::new(event));
    }

    /// Mines 50 blocks, and checks that difficulty then fits the rate again, and stays so.
    fn assert_is_back(&mut self, what: &str) {
        self.recorder.mine_many(50);
        let right = 256.0 * *self.rate.lock().unwrap() / RATE;
        for _ in 0..30 {
            let factor = difficulty(&self.recorder.mine_many(10)) / right;
            assert!(
                (0.5..2.0).contains(&factor),
                "{what}: {factor:.2} of the right difficulty"
            );
        }
    }
}

fn sleep(time: &FakeTime, seconds: u64) {
    time.pass(Duration::from_secs(seconds));
}

fn a_sleep_during_a_search() {
    for seconds in [1, 60, 8 * 3600, 30 * 24 * 3600] {
        let mut machine = Machine::new(NOW);
        machine.assert_is_back("before");
        machine.during(move |time| sleep(time, seconds));
        machine.assert_is_back(&format!("{seconds} s asleep"));
        // A stopwatch that stands still in sleep, as that of Linux.
        machine.during(move |time| time.jump(seconds as i64 * 1000));
        machine.assert_is_back(&format!("{seconds} s asleep, by the date"));
    }
}

fn a_sleep_between_searches() {
    let mut machine = Machine::new(NOW);
    machine.assert_is_back("before");
    sleep(&machine.time, 8 * 3600);
    machine.assert_is_back("8 h asleep");
    machine.time.jump(8 * HOUR);
    machine.assert_is_back("8 h asleep, by the date");
}

/// A laptop whose lid is closed for a minute every 20 blocks.
fn many_sleeps() {
    let mut machine = Machine::new(NOW);
    machine.assert_is_back("before");
    for _ in 0..100 {
        machine.during(|time| sleep(time, 60));
        let work = difficulty(&machine.recorder.mine_many(20));
        assert!((64.0..512.0).contains(&work), "{work}");
    }
    machine.assert_is_back("many sleeps");
}

/// Nothing is known of the machine then. The bound is four times what the slowest
/// machine takes, and the blocks that follow make up for it.
fn a_sleep_in_the_first_search() {
    let mut machine = Machine::new(NOW);
    machine.during(|time| sleep(time, 8 * 3600));
    let hashes = machine.recorder.mine().hashes;
    let spent = machine.recorder.clock.last_found().unwrap().0 - NOW as u64;
    assert!(
        spent <= 4 * hashes / 10 + 50,
        "{spent} ms for {hashes} hashes"
    );
    machine.recorder.mine_many(100);
    machine.assert_is_back("asleep at once");
}

fn the_date_jumps_during_a_search() {
    for jump in [-9 * HOUR, -400 * 24 * HOUR, 9 * HOUR, 400 * 24 * HOUR] {
        let mut machine = Machine::new(NOW);
        machine.assert_is_back("before");
        machine.during(move |time| time.jump(jump));
        machine.assert_is_back(&format!("{jump} ms"));
    }
    // A board without a battery finds out what year it is, once before 1970.
    for date in [3000, -3000] {
        let mut machine = Machine::new(date);
        machine.during(|time| time.set().date = NOW);
        machine.assert_is_back("a board without a battery");
        assert!(machine.recorder.mine().times.start.0 >= NOW as u64);
    }
}

fn the_date_jumps_between_searches() {
    let mut machine = Machine::new(3000);
    machine.assert_is_back("before");
    machine.time.set().date = NOW;
    machine.assert_is_back("now");
    for date in [
        NOW - 9 * HOUR,
        -5 * HOUR,
        NOW + 9 * HOUR,
        i64::MAX / 2,
        NOW,
        NOW + 10 * HOUR,
    ] {
        machine.time.set().date = date;
        machine.assert_is_back(&format!("it is {date}"));
    }
    // Nothing is left of all this.
    let Block { times, .. } = machine.recorder.mine();
    let behind = machine.time.set().date - times.start.0 as i64;
    assert!((0..1000).contains(&behind), "{behind} ms");
}

/// The time that is really spent counts soon: 50 blocks after it became slower, the
/// chain is no harder than the machine is fast.
fn a_machine_that_becomes_slower() {
    for slower in [2.0, 10.0, 40.0] {
        let mut machine = Machine::new(NOW);
        machine.assert_is_back("before");
        *machine.rate.lock().unwrap() = RATE / slower;
        // ASERT itself needs more than 50 blocks from this far: its half-life is 30.
        machine.recorder.mine_many(200);
        machine.assert_is_back(&format!("{slower} times slower"));
    }
}

fn a_machine_that_becomes_faster() {
    let mut machine = Machine::new(NOW);
    machine.assert_is_back("before");
    *machine.rate.lock().unwrap() = RATE * 10.0;
    machine.recorder.mine_many(200);
    machine.assert_is_back("10 times faster");
}

/// What these tests are for: by the date alone, a minute of sleep leaves the chain
/// at the floor for thousands of blocks.
fn the_wall_clock_would_not_do() {
    let mut machine = Machine::new(NOW);
    machine.assert_is_back("before");
    machine
        .recorder
        .clock
        .found(machine.recorder.clock.start(), Duration::from_secs(60));
    machine.recorder.mine_many(3000);
    assert!(machine.recorder.mine().work < 8.0);
}
