//! Engines that lie: none of them can bring a nonce forward that does not
//! hold.

use super::oracle;
use pow_core::block::Template;
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, BodyCommitment};
use pow_core::header::{Header, HeaderTime, Nonce};
use pow_core::search::{
    CancelToken, Engine, EngineError, Found, HitLimit, Job, NonceRange, Reference,
};
use pow_core::target::{Target, ZeroBits};
use pow_mine::{MineError, Miner};

tests! {
    only_a_nonce_that_holds_makes_a_hit, a_hit_of_another_job_is_refused
}

fn only_a_nonce_that_holds_makes_a_hit() {
    let (header, target) = (oracle::header(8), oracle::target(20));
    let job = Job::new(
        Header::from_bytes(&header),
        Target::from_le_bytes(target),
        NonceRange::new(Nonce(100), 400).unwrap(),
    );
    for nonce in 0..1000 {
        let holds = oracle::is_hit(&header, nonce, &target);
        let in_range = (100..500).contains(&nonce);
        let hit = job.check(Nonce(nonce));
        assert_eq!(hit.is_some(), holds && in_range, "{nonce}");
    }
}

/// Answers with a real hit, of an easier job than it was given.
struct Easier;

impl Engine for Easier {
    fn name(&self) -> String {
        "easier".into()
    }

    fn search(
        &mut self,
        job: &Job,
        limit: HitLimit,
        cancel: &CancelToken,
    ) -> Result<Found, EngineError> {
        let easier = Job::new(*job.header(), Target::LIMIT, job.range());
        Reference.search(&easier, limit, cancel)
    }
}

fn a_hit_of_another_job_is_refused() {
    let template = Template {
        height: Height::GENESIS,
        prev: BlockHash::ZERO,
        time: HeaderTime(1_700_000_000),
        // The easier job's first hit meets this with probability 2^-63.
        bits: ZeroBits::new(64).unwrap().compact(),
        commitment: BodyCommitment([0; 32]),
    };
    let mined = Miner::new(Box::new(Easier)).mine(&template, &CancelToken::new());
    assert!(
        matches!(mined, Err(MineError::Engine(EngineError::FalseHit { .. }))),
        "{mined:?}"
    );
}
