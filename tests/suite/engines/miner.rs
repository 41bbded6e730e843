//! Sealing a template when the nonces of one extranonce are used up.

use super::Fake;
use pow_core::block::{Block, Template};
use pow_core::coinbase::{ExtraNonce, Height};
use pow_core::hash::{BlockHash, BodyCommitment};
use pow_core::header::{Header, HeaderTime, Nonce};
use pow_core::search::{CancelToken, Engine, Found, Job, NonceRange, Reference};
use pow_core::target::CompactTarget;
use pow_mine::{CpuShare, EngineChoice, MineError, Miner, select};
use pow_tests::fixture::bits;
use std::sync::{Arc, Mutex};

tests! {
    rolls_the_extranonce, stops_when_cancelled, refuses_a_malformed_target,
    seals_with_engines_by_name
}

fn template(bits: CompactTarget) -> Template {
    Template {
        height: Height::new(300).unwrap(),
        prev: BlockHash([3; 32]),
        time: HeaderTime(1_700_000_000),
        bits,
        commitment: BodyCommitment([4; 32]),
    }
}

/// All nonces of the first three headers are searched, and none is found.
fn rolls_the_extranonce() {
    let searches = Arc::<Mutex<Vec<(Header, u64)>>>::default();
    let noted = Arc::clone(&searches);
    let engine = Fake(move |job: &Job, limit, cancel: &CancelToken| {
        let mut noted = noted.lock().unwrap();
        let range = job.range();
        match noted.last_mut() {
            Some((header, searched)) if header == job.header() => {
                assert_eq!(u64::from(range.start().0), *searched, "a gap");
                *searched += range.len();
            }
            _ => {
                assert_eq!(range.start(), Nonce(0));
                noted.push((*job.header(), range.len()));
            }
        }
        if noted.len() > 3 {
            return Reference.search(job, limit, cancel);
        }
        Ok(Found {
            hits: Vec::new(),
            scanned: job.range().len(),
            hashes: job.range().len(),
        })
    });
    let template = template(bits(8));
    let mut miner = Miner::new(Box::new(engine));
    let mined = miner.mine(&template, &CancelToken::new()).unwrap();

    let block = mined.block();
    assert_eq!(block.coinbase.extranonce, ExtraNonce::new([0; 4], 3));
    assert_eq!(block.header.tx_root, block.coinbase.txid());
    assert_eq!(block.header.hash(), mined.hash());
    let target = block.header.bits.decode().unwrap();
    assert!(target.is_met_by(mined.hash()));
    assert_eq!(Block::from_bytes(&block.to_bytes()), Ok(*block));

    let searches = searches.lock().unwrap();
    for (_, searched) in &searches[..3] {
        assert_eq!(*searched, NonceRange::FULL.len());
    }
    let mut roots: Vec<_> = searches.iter().map(|(header, _)| header.tx_root).collect();
    roots.sort();
    roots.dedup();
    assert_eq!((searches.len(), roots.len()), (4, 4));
    // All else stays as the template has it.
    for (header, _) in searches.iter() {
        let fixed = (header.prev, header.time, header.bits, header.nonce);
        assert_eq!(
            fixed,
            (template.prev, template.time, template.bits, Nonce(0))
        );
    }
    assert!(mined.hashes() > 3 << 32);
    assert_eq!(miner.stats().hashes(), mined.hashes());
}

fn stops_when_cancelled() {
    let cancel = CancelToken::new();
    cancel.cancel();
    let mut miner = Miner::new(Box::new(Reference));
    let mined = miner.mine(&template(bits(8)), &cancel);
    assert!(matches!(mined, Err(MineError::Cancelled)), "{mined:?}");
}

fn refuses_a_malformed_target() {
    let mut miner = Miner::new(Box::new(Reference));
    // Zero, negative, and easier than any block may be.
    for bits in [0, 0x0180_0001, 0x2100_ffff] {
        let mined = miner.mine(&template(CompactTarget(bits)), &CancelToken::new());
        assert!(matches!(mined, Err(MineError::Target(_))), "{mined:?}");
    }
}

fn seals_with_engines_by_name() {
    for name in ["cpu", "all"] {
        let choice: EngineChoice = name.parse().unwrap();
        let selected = select(choice, CpuShare::default()).unwrap();
        assert!(selected.note.contains("cpu"), "{}", selected.note);
        let mut miner = Miner::new(selected.engine);
        let mined = miner.mine(&template(bits(8)), &CancelToken::new()).unwrap();
        assert!(mined.hash().to_string().starts_with("00"));
    }
    let error = "cpus".parse::<EngineChoice>().unwrap_err();
    assert!(error.to_string().contains("auto, cpu, gpu or all"));
}
