//! What mining costs, over ten thousand blocks with fixed seeds: as much as the
//! target says, spread as independent attempts are.

use pow_core::block::Template;
use pow_core::coinbase::{ExtraNonce, Height};
use pow_core::hash::{BlockHash, BodyCommitment};
use pow_core::header::HeaderTime;
use pow_core::search::{CancelToken, Engine, HitLimit, Job, NonceRange, Reference};
use pow_core::target::{CompactTarget, ZeroBits};
use pow_cpu::CpuEngine;
use pow_mine::{Coordinator, Miner};
use pow_tests::model::mix;

tests! {
    work_is_geometric, the_coordinator_seals_with_any_hit
}

const BLOCKS: u64 = 10_000;

/// One hash in 256 meets the target, so that the reference can be asked too.
const ZERO_BITS: u32 = 8;

/// Another header for each block.
fn template(block: u64, bits: CompactTarget) -> Template {
    let mut seed = mix(block ^ 0x706f_7720_7374_6174);
    let mut digest = || {
        std::array::from_fn(|_| {
            seed = mix(seed);
            seed as u8
        })
    };
    Template {
        height: Height::new(1 + block as u32).unwrap(),
        prev: BlockHash(digest()),
        time: HeaderTime(1_700_000_000),
        bits,
        commitment: BodyCommitment(digest()),
    }
}

/// The work of each block is a draw from the geometric distribution with
/// p = (target + 1) / 2^256. With 10,000 blocks the mean's standard error is 1 %,
/// so that 3 % are three of them; the seeds are fixed, and nothing is left to
/// chance. Sixteen bins of about equal probability give a χ² of 15 degrees of
/// freedom, which exceeds 37.7 once in a thousand times.
fn work_is_geometric() {
    let bits = ZeroBits::new(ZERO_BITS).unwrap().compact();
    let expected = bits.decode().unwrap().work().saturating_u128() as f64;
    assert!((255.0..258.0).contains(&expected), "{expected}");
    let mut miner = Miner::new(Box::new(CpuEngine::default()));
    let mut works = Vec::new();
    for block in 0..BLOCKS {
        let template = template(block, bits);
        let mined = miner.mine(&template, &CancelToken::new()).unwrap();
        let sealed = mined.block();
        assert_eq!(sealed.coinbase.extranonce, ExtraNonce::new([0; 4], 0));
        works.push(u64::from(sealed.header.nonce.0) + 1);

        // A single engine reports the first valid nonce in search order.
        let header = template.block(ExtraNonce::new([0; 4], 0)).header;
        let job = Job::new(header, bits.decode().unwrap(), NonceRange::FULL);
        let first = Reference.search(&job, HitLimit::First, &CancelToken::new());
        assert_eq!(first.unwrap().hits[0].header(), &sealed.header, "{block}");
    }
    let mean = works.iter().sum::<u64>() as f64 / works.len() as f64;
    println!("mean work {mean:.1}, expected {expected:.1}");
    assert!((mean / expected - 1.0).abs() < 0.03, "{mean} {expected}");
    let chi_squared = chi_squared(&works, expected);
    println!("chi-squared {chi_squared:.1} of 15 degrees of freedom");
    assert!(chi_squared < 37.7, "{chi_squared}");
}

const BINS: usize = 16;

fn chi_squared(works: &[u64], expected: f64) -> f64 {
    let survival = |work: f64| (1.0 - 1.0 / expected).powf(work);
    // Whole numbers of attempts whose survival is 15/16, 14/16, ...
    let edges: Vec<f64> = (1..BINS)
        .map(|bin| 1.0 - bin as f64 / BINS as f64)
        .map(|left| (left.ln() / (1.0 - 1.0 / expected).ln()).round())
        .collect();
    let mut seen = [0u32; BINS];
    for work in works {
        seen[edges.iter().filter(|edge| *work as f64 > **edge).count()] += 1;
    }
    let mut chi_squared = 0.0;
    for (bin, seen) in seen.iter().enumerate() {
        let from = if bin == 0 { 0.0 } else { edges[bin - 1] };
        let beyond = edges.get(bin).map_or(0.0, |to| survival(*to));
        let wanted = works.len() as f64 * (survival(from) - beyond);
        chi_squared += (f64::from(*seen) - wanted).powi(2) / wanted;
    }
    chi_squared
}

/// The target is harder than what one engine searches alone. Which hit it finds
/// may differ from run to run, but it finds one.
fn the_coordinator_seals_with_any_hit() {
    let bits = ZeroBits::new(19).unwrap().compact();
    let target = bits.decode().unwrap();
    let others: Vec<Box<dyn Engine>> = vec![super::cpu("portable", 1)];
    let mut miner = Miner::new(Box::new(Coordinator::new(
        super::cpu("portable", 1),
        others,
    )));
    let blocks = 40;
    let mut later = 0;
    for block in 0..blocks {
        let template = template(BLOCKS + block, bits);
        let mined = miner.mine(&template, &CancelToken::new()).unwrap();
        let header = mined.block().header;
        assert!(target.is_met_by(header.hash()));
        let job = Job::new(header, target, NonceRange::FULL);
        assert!(job.check(header.nonce).is_some());
        let mut first = CpuEngine::default();
        let first = first.search(&job, HitLimit::First, &CancelToken::new());
        later += u32::from(first.unwrap().hits[0].nonce() != header.nonce);
    }
    // Not asserted: on a slow machine the first engine may find them all alone.
    println!("{later} of {blocks} were not the first in search order");
}
