//! The search loop over a kernel that is computed here, with a short list and
//! every defect that a device may have.

use super::*;
use pow_core::search::{Engine as _, NonceRange, Reference};
use pow_core::target::Target;

#[derive(Clone, Copy, PartialEq)]
enum Defect {
    None,
    Repeats,
    MakesUp,
    OutOfRange,
    Overcounts,
    Fails,
}

struct Fake {
    job: Job,
    capacity: u32,
    defect: Defect,
}

impl Kernel for Fake {
    fn capacity(&self) -> u32 {
        self.capacity
    }

    fn run(&mut self, params: &SearchParams) -> Result<Candidates, String> {
        if self.defect == Defect::Fails {
            return Err("gone".into());
        }
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
        Ok(Candidates { found, nonces })
    }
}

/// One nonce in `one_in` hits, on average.
fn job(one_in: u32, len: u64) -> Job {
    let mut target = [0xff; 32];
    target[28..].copy_from_slice(&(u32::MAX / one_in).to_le_bytes());
    let range = NonceRange::new(Nonce(u32::MAX - 1000), len).expect("a valid length");
    let header = Header::from_bytes(&[9; 80]);
    Job::new(header, Target::from_le_bytes(target), range)
}

fn run(job: &Job, capacity: u32, defect: Defect, limit: HitLimit) -> Result<Found, Failure> {
    let mut fake = Fake {
        job: *job,
        capacity,
        defect,
    };
    search(&mut fake, &mut Pace::new(), job, limit, &CancelToken::new())
}

#[test]
fn a_short_list_loses_no_hit() {
    for one_in in [1, 2, 50] {
        for capacity in [1, 2, 7, 64] {
            let job = job(one_in, 3000);
            for limit in [HitLimit::First, HitLimit::All] {
                let found = run(&job, capacity, Defect::None, limit);
                let expected = Reference.search(&job, limit, &CancelToken::new());
                let (found, expected) = (found.expect("no defect"), expected.expect("reference"));
                assert_eq!(found.hits, expected.hits);
                assert_eq!(found.scanned, expected.scanned);
                assert!(found.hashes >= found.scanned);
            }
        }
    }
}

#[test]
fn a_repeated_candidate_is_one_hit() {
    let job = job(50, 3000);
    let found = run(&job, 4096, Defect::Repeats, HitLimit::All);
    let expected = run(&job, 4096, Defect::None, HitLimit::All);
    assert_eq!(found.map(|f| f.hits), expected.map(|f| f.hits));
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
    let job = job(50, 3000);
    for defect in [Defect::Overcounts, Defect::Fails] {
        let found = run(&job, 64, defect, HitLimit::All);
        assert!(matches!(found, Err(Failure::Device(_))));
    }
}

#[test]
fn an_equal_top_word_is_no_false_hit() {
    let exact = Header {
        nonce: Nonce(3),
        ..Header::from_bytes(&[9; 80])
    };
    let mut below = exact.hash().0;
    below[0] = below[0].wrapping_sub(1);
    let target = Target::from_le_bytes(below);
    assert!(!target.is_met_by(exact.hash()));
    let range = NonceRange::new(Nonce(0), 10).expect("a valid length");
    let job = Job::new(exact, target, range);
    let params = SearchParams {
        count: 10,
        ..params(&job)
    };
    assert_eq!(confirm(&job, &params, vec![3]), Ok(vec![]));
}
