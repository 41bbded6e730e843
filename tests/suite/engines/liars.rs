//! Engines that lie: none of them can bring a nonce forward that does not
//! hold.

use super::{Fake, job, lie};
use pow_core::block::Template;
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, BodyCommitment};
use pow_core::header::{HeaderTime, Nonce};
use pow_core::search::{CancelToken, EngineError};
use pow_mine::{MineError, Miner};
use pow_tests::fixture::bits;
use pow_tests::oracle;

tests! {
    only_a_nonce_that_holds_makes_a_hit, a_hit_of_another_job_is_refused
}

fn only_a_nonce_that_holds_makes_a_hit() {
    let (header, target) = (oracle::header(8), oracle::target(20));
    let job = job(8, target, 100, 400);
    for nonce in 0..1000 {
        let holds = oracle::is_hit(&header, nonce, &target);
        let in_range = (100..500).contains(&nonce);
        let hit = job.check(Nonce(nonce));
        assert_eq!(hit.is_some(), holds && in_range, "{nonce}");
    }
}

fn a_hit_of_another_job_is_refused() {
    let template = Template {
        height: Height::GENESIS,
        prev: BlockHash::ZERO,
        time: HeaderTime(1_700_000_000),
        // The easier job's first hit meets this with probability 2^-63.
        bits: bits(64),
        commitment: BodyCommitment([0; 32]),
    };
    let mined = Miner::new(Box::new(Fake(lie))).mine(&template, &CancelToken::new());
    let is_false = matches!(mined, Err(MineError::Engine(EngineError::FalseHit { .. })));
    assert!(is_false, "{mined:?}");
}
