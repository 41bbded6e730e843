//! Blocks that others mined: real Bitcoin headers.

use super::Case;
use pow_core::header::{Header, Nonce};
use pow_core::search::{CancelToken, Engine, HitLimit, Job, NonceRange};
use pow_tests::oracle::unhex;

pub const CASES: &[Case] = &[("finds_bitcoin_s_nonces", finds_bitcoin_s_nonces)];

fn finds_bitcoin_s_nonces(engine: &mut dyn Engine) {
    let vectors = headers();
    assert!(vectors.len() >= 4);
    for (header, hash) in vectors {
        let header = Header::from_bytes(&header);
        assert_eq!(header.hash().to_string(), hash);
        let target = header.bits.decode().unwrap();
        // The nonce first, in the middle, last, and past the first dispatch.
        let places = [
            (0, 1),
            (0, 5000),
            (2500, 5000),
            (4999, 5000),
            (40_000, 50_000),
        ];
        for (before, len) in places {
            let start = Nonce(header.nonce.0.wrapping_sub(before));
            let job = Job::new(header, target, NonceRange::new(start, len).unwrap());
            for limit in [HitLimit::First, HitLimit::All] {
                let found = engine.search(&job, limit, &CancelToken::new()).unwrap();
                let [hit] = found.hits[..] else {
                    panic!("{hash}: {} hits", found.hits.len());
                };
                assert_eq!(hit.header(), &header);
                assert_eq!(hit.hash().to_string(), hash);
                let scanned = match limit {
                    HitLimit::First | HitLimit::Any => u64::from(before) + 1,
                    HitLimit::All => len,
                };
                assert_eq!(found.scanned, scanned, "{hash}");
                assert!(found.hashes >= found.scanned);
            }
        }
    }
}

/// Headers and the hashes that they are known by.
fn headers() -> Vec<([u8; 80], String)> {
    let file = include_str!("../../vectors/bitcoin-headers.json");
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let vectors = file["headers"].as_array().unwrap().iter();
    let text = |vector: &serde_json::Value, name: &str| vector[name].as_str().unwrap().to_owned();
    let header = |text: &str| unhex(text).unwrap().try_into().unwrap();
    vectors
        .map(|vector| (header(&text(vector, "header")), text(vector, "hash")))
        .collect()
}
