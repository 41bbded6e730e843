//! Searches on a kernel that the test computes itself. It can have a short
//! list, and every defect that a device may have.

use super::*;
use pow_core::header::Header;
use pow_core::header::Nonce;
use pow_core::search::{Engine as _, NonceRange, Reference};
use pow_core::target::Target;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Defect {
    None,
    /// Lists each candidate twice.
    Repeats,
    MakesUp,
    OutOfRange,
    /// Reports more candidates than there are nonces.
    Overcounts,
    /// Each dispatch is still running the first times that the search waits for
    /// it.
    Slow(u32),
    /// Refuses a dispatch after this many.
    RefusesAfter(usize),
    /// Is lost after this many dispatches are done.
    LostAfter(usize),
    /// Never finishes.
    Hangs,
}

/// A kernel that runs its dispatches when the search waits for them. All are of
/// one job.
struct Fake {
    job: Job,
    capacity: u32,
    defect: Defect,
    in_flight: VecDeque<SearchParams>,
    submitted: usize,
    done: usize,
    looks: u32,
    /// Cancelled when this many dispatches are done.
    cancel: Option<(usize, CancelToken)>,
}

impl Fake {
    fn new(job: &Job, capacity: u32, defect: Defect) -> Self {
        Fake {
            job: *job,
            capacity,
            defect,
            in_flight: VecDeque::new(),
            submitted: 0,
            done: 0,
            looks: 0,
            cancel: None,
        }
    }

    fn compute(&self, params: &SearchParams) -> Candidates {
        let range = NonceRange::new(Nonce(params.start), params.count.into());
        let range = range.expect("a dispatch is not empty");
        let job = Job::new(*self.job.header(), self.job.target(), range);
        let hits = Reference.search(&job, HitLimit::All, &CancelToken::new());
        let hits = hits.expect("the reference does not fail").hits;
        let mut nonces: Vec<u32> = hits.iter().map(|hit| hit.nonce().0).rev().collect();
        match self.defect {
            Defect::Repeats => nonces = nonces.iter().flat_map(|n| [*n, *n]).collect(),
            Defect::MakesUp => nonces = (0..params.count).collect(),
            Defect::OutOfRange => nonces.push(params.start.wrapping_sub(1)),
            _ => {}
        }
        let mut found = nonces.len() as u32;
        if self.defect == Defect::Overcounts {
            found = params.count + self.capacity;
        }
        nonces.truncate(self.capacity as usize);
        Candidates { found, nonces }
    }
}

impl Kernel for Fake {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    fn submit(&mut self, params: &SearchParams) -> Result<(), Fault> {
        assert!(self.in_flight.len() < DEPTH, "too many in flight");
        if matches!(self.defect, Defect::RefusesAfter(most) if self.submitted >= most) {
            return Err(Fault::new("out of memory"));
        }
        self.submitted += 1;
        self.in_flight.push_back(*params);
        Ok(())
    }

    fn wait(&mut self, _: Duration) -> Result<Option<Candidates>, Fault> {
        match self.defect {
            Defect::Slow(looks) if self.looks < looks => {
                self.looks += 1;
                return Ok(None);
            }
            Defect::LostAfter(most) if self.done >= most => return Err(Fault::new("lost")),
            Defect::Hangs => return Ok(None),
            _ => {}
        }
        self.looks = 0;
        let params = self.in_flight.pop_front().expect("something in flight");
        self.done += 1;
        if let Some((after, cancel)) = &self.cancel
            && self.done >= *after
        {
            cancel.cancel();
        }
        Ok(Some(self.compute(&params)))
    }
}

/// A job in which one nonce in `one_in` is a hit, on average.
fn job(one_in: u32, len: u64) -> Job {
    let mut target = [0xff; 32];
    target[28..].copy_from_slice(&(u32::MAX / one_in).to_le_bytes());
    let range = NonceRange::new(Nonce(u32::MAX - 1000), len).expect("a valid length");
    let header = Header::from_bytes(&[9; 80]);
    Job::new(header, Target::from_le_bytes(target), range)
}

fn dispatcher(job: &Job, capacity: u32, defect: Defect) -> Dispatcher<Fake> {
    let mut dispatcher = Dispatcher::new(Fake::new(job, capacity, defect), Sharing::Alone);
    // At this speed these ranges take several dispatches.
    dispatcher.sizing.took(1, Duration::from_secs(1));
    dispatcher
}

fn run(job: &Job, capacity: u32, defect: Defect, limit: HitLimit) -> Result<Found, Failure> {
    let mut dispatcher = dispatcher(job, capacity, defect);
    let no_other = |_: &mut Fake| Err(Fault::new("no other"));
    dispatcher.search_with_another(job, limit, &CancelToken::new(), no_other)
}

fn expected(job: &Job, limit: HitLimit) -> Found {
    let found = Reference.search(job, limit, &CancelToken::new());
    found.expect("the reference does not fail")
}

fn assert_complete(found: Found, job: &Job, limit: HitLimit) {
    let expected = expected(job, limit);
    assert_eq!(found.hits, expected.hits);
    assert_eq!(found.scanned, expected.scanned);
    assert!(found.hashes >= found.scanned);
}

#[test]
fn a_short_list_loses_no_hit() {
    for one_in in [1, 2, 50] {
        for capacity in [1, 2, 7, 64] {
            let job = job(one_in, 3000);
            for limit in [HitLimit::First, HitLimit::All] {
                for defect in [Defect::None, Defect::Slow(3)] {
                    let found = run(&job, capacity, defect, limit);
                    assert_complete(found.expect("no failure"), &job, limit);
                }
            }
        }
    }
}

#[test]
fn a_repeated_candidate_is_one_hit() {
    let job = job(50, 3000);
    let found = run(&job, 4096, Defect::Repeats, HitLimit::All);
    assert_complete(found.expect("no failure"), &job, HitLimit::All);
}

#[test]
fn a_wrong_candidate_is_an_error() {
    let job = job(50, 3000);
    for defect in [Defect::MakesUp, Defect::OutOfRange] {
        let found = run(&job, 1 << 20, defect, HitLimit::All);
        assert!(matches!(found, Err(Failure::FalseHit(_))));
    }
}

#[test]
fn a_failing_device_is_an_error() {
    let job = job(50, 30_000);
    let defects = [
        Defect::Overcounts,
        Defect::RefusesAfter(0),
        Defect::RefusesAfter(3),
        Defect::LostAfter(0),
        Defect::LostAfter(3),
    ];
    for defect in defects {
        let found = run(&job, 64, defect, HitLimit::All);
        assert!(matches!(found, Err(Failure::Device(_))), "{defect:?}");
    }
}

/// If a device fails at any time, another one searches what is not finished.
#[test]
fn another_device_goes_on_without_a_gap() {
    let job = job(50, 30_000);
    let after = (0..6).flat_map(|n| [Defect::RefusesAfter(n), Defect::LostAfter(n)]);
    for defect in after {
        for limit in [HitLimit::First, HitLimit::All] {
            let mut dispatcher = dispatcher(&job, 64, defect);
            let another = |kernel: &mut Fake| {
                *kernel = Fake::new(&job, 64, Defect::None);
                Ok(())
            };
            let cancel = CancelToken::new();
            let found = dispatcher.search_with_another(&job, limit, &cancel, another);
            assert_complete(found.expect("the other does not fail"), &job, limit);
        }
    }
}

#[test]
fn a_device_that_fails_again_is_an_error() {
    let job = job(50, 30_000);
    let mut dispatcher = dispatcher(&job, 64, Defect::LostAfter(2));
    let mut opened = 0;
    let another = |kernel: &mut Fake| {
        opened += 1;
        *kernel = Fake::new(&job, 64, Defect::LostAfter(2));
        Ok(())
    };
    let cancel = CancelToken::new();
    let found = dispatcher.search_with_another(&job, HitLimit::All, &cancel, another);
    assert_eq!(found, Err(Failure::Device(Fault::new("lost"))));
    assert_eq!(opened, 1);
}

#[test]
fn the_error_tells_why_no_other_device_took_over() {
    let found = run(&job(50, 30_000), 64, Defect::LostAfter(1), HitLimit::All);
    let fault = Fault::new("lost; opened again: no other");
    assert_eq!(found, Err(Failure::Device(fault)));
}

#[test]
fn a_device_that_hangs_is_an_error() {
    let job = job(50, 30_000);
    let mut dispatcher = dispatcher(&job, 64, Defect::Hangs);
    dispatcher
        .submit(0, job::params(&job))
        .expect("one is taken");
    assert!(matches!(dispatcher.next_finished(), Ok(None)));
    dispatcher.in_flight[0].waited = PATIENCE;
    assert!(dispatcher.next_finished().is_err());
}

/// The process was stopped, and the device went on or slept as well.
#[test]
fn a_sleep_is_not_a_device_that_hangs() {
    let job = job(50, 30_000);
    let mut dispatcher = dispatcher(&job, 64, Defect::Slow(2));
    let mut params = job::params(&job);
    params.count = 100;
    dispatcher.submit(0, params).expect("one is taken");
    dispatcher.in_flight[0].submitted -= 2 * PATIENCE;
    assert!(matches!(dispatcher.next_finished(), Ok(None)));
    assert!(matches!(dispatcher.next_finished(), Ok(None)));
    assert!(matches!(dispatcher.next_finished(), Ok(Some(_))));
}

/// The next search ignores the dispatches that a search leaves in flight.
#[test]
fn a_search_ignores_what_another_left_in_flight() {
    let (first, second) = (job(50, 30_000), job(60, 30_000));
    for done in 0..4 {
        let mut dispatcher = dispatcher(&first, 64, Defect::None);
        let cancel = CancelToken::new();
        dispatcher.kernel.cancel = Some((done, cancel.clone()));
        let mut found = Found::default();
        let stopped = dispatcher.search(&first, HitLimit::All, &cancel, &mut found);
        assert_eq!(stopped, Ok(()));
        assert!(found.scanned < 30_000);
        assert!(found.hashes > found.scanned, "what is in flight counts");
        assert!(!dispatcher.in_flight.is_empty());

        dispatcher.kernel.cancel = None;
        // The fake computes hits of the job that it has at the moment.
        dispatcher.kernel.job = second;
        let mut found = Found::default();
        let cancel = CancelToken::new();
        let searched = dispatcher.search(&second, HitLimit::All, &cancel, &mut found);
        assert_eq!(searched, Ok(()));
        assert_complete(found, &second, HitLimit::All);
    }
}

/// The device is busy, but does little work that is wasted after a first hit.
#[test]
fn a_first_hit_costs_little_more_than_it_must() {
    let len = 1 << 20;
    for one_in in [1, 100, 2000, 40_000] {
        let job = job(one_in, len);
        let mut dispatcher = dispatcher(&job, 4096, Defect::None);
        dispatcher.sizing = DispatchSizing::new(Sharing::Alone);
        // A device that computes 10^7 hashes per second.
        for _ in 0..100 {
            let nonces = dispatcher.sizing.full();
            dispatcher
                .sizing
                .took(nonces, Duration::from_secs_f64(f64::from(nonces) / 1e7));
        }
        let dispatch = u64::from((one_in / 16).max(2000.min(4 * one_in)));
        let in_flight = if dispatch < u64::from(one_in) { 2 } else { 1 };
        let cancel = CancelToken::new();
        let mut found = Found::default();
        let searched = dispatcher.search(&job, HitLimit::First, &cancel, &mut found);
        assert_eq!(searched, Ok(()));
        let wasted = found.hashes - found.scanned;
        assert!(wasted < in_flight * dispatch, "{one_in}: {wasted}");
    }
}
