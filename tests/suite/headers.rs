//! Headers alone, on one core and on several, one at a time and several.

use pow_audit::headers::extend_headers;
use pow_core::chain::ChainVerifier;
use pow_core::chain::headers::{
    CheckedHeaders, HASH_BATCH, HeaderDefect, HeaderError, HeaderHasher,
};
use pow_core::hash::{BlockHash, PlainSha2, TxRoot, sha256d};
use pow_core::header::{HEADER_LEN, Header};
use pow_core::target::CompactTarget;
use pow_cpu::{Kernel, Lanes};
use pow_tests::fixture::nonce;
use pow_tests::oracle::bytes;
use pow_tests::stream::{BlockAndBody, Stream};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

tests! {
    agree_with_the_whole_chain, every_defect_is_found_at_its_place,
    stretches_join_only_where_they_belong, the_first_of_several_defects_is_named,
    hashers_get_batches_that_are_not_empty, kernels_hash_every_count_as_sha2,
    kernels_hash_coinbases_of_any_length
}

type Bytes = [u8; HEADER_LEN];

/// Some batches of headers, the last not full.
const COUNT: usize = 2 * HASH_BATCH + 7;

fn blocks() -> Vec<BlockAndBody> {
    Stream::default().take(COUNT).collect()
}

fn headers() -> Vec<Bytes> {
    let header = |block: &BlockAndBody| *block.0.first_chunk().unwrap();
    blocks().iter().map(header).collect()
}

/// The answer of one core that hashes one header at a time. Several cores must
/// give the same, and so must every kernel. Nothing may change after an error.
fn check(headers: &[Bytes]) -> Result<CheckedHeaders, HeaderError> {
    let none = CheckedHeaders::after(BlockHash::ZERO);
    let mut one = none;
    let found = one.extend(headers, &PlainSha2);
    for kernel in Kernel::available() {
        let mut lanes = none;
        let answer = lanes.extend(headers, &Lanes::new(kernel));
        assert_eq!(answer, found, "{kernel}");
        assert_eq!(lanes, one, "{kernel}");
    }
    for threads in [1, 2, 5] {
        let mut several = none;
        let threads = NonZeroUsize::new(threads).unwrap();
        assert_eq!(
            extend_headers(&mut several, headers, &PlainSha2, threads),
            found,
            "{threads} threads"
        );
        assert_eq!(several, one, "{threads} threads");
    }
    if found.is_err() {
        assert_eq!(one, none);
    }
    found.map(|()| one)
}

fn agree_with_the_whole_chain() {
    let mut verifier = ChainVerifier::new(None);
    for (block, body) in blocks() {
        verifier.push(&block, &body).unwrap();
    }
    let chain = verifier.chain().unwrap();
    let checked = check(&headers()).unwrap();
    assert_eq!(checked.parent(), BlockHash::ZERO);
    assert_eq!(checked.head(), chain.head_hash());
    assert_eq!(checked.count(), COUNT as u64);
    assert_eq!(checked.work(), chain.work());
    assert_eq!(check(&[]), Ok(CheckedHeaders::after(BlockHash::ZERO)));
    // More threads than headers.
    let mut many = CheckedHeaders::after(BlockHash::ZERO);
    let threads = NonZeroUsize::new(2 * COUNT).unwrap();
    extend_headers(&mut many, &headers(), &PlainSha2, threads).unwrap();
    assert_eq!(many, checked);
}

/// The header with another field, mined again where `mined`.
fn forged(bytes: &Bytes, edit: impl Fn(&mut Header), mined: bool) -> Bytes {
    let mut header = Header::from_bytes(bytes);
    edit(&mut header);
    header.nonce = nonce(header, mined);
    header.to_bytes()
}

fn every_defect_is_found_at_its_place() {
    let good = headers();
    for at in 0..COUNT {
        let bytes = &good[at];
        let defect = |other: Bytes| {
            let mut headers = good.clone();
            headers[at] = other;
            let error = check(&headers).unwrap_err();
            assert_eq!(error.position, at as u64, "{error}");
            error.defect
        };
        let version = defect(forged(bytes, |header| header.version.0 |= 1, true));
        assert_eq!(version, HeaderDefect::Version(0x2000_0001));
        let link = defect(forged(bytes, |header| header.prev.0[5] ^= 1, true));
        let expected = Header::from_bytes(bytes).prev;
        assert!(
            matches!(link, HeaderDefect::Link { expected: e, .. } if e == expected),
            "{link}"
        );
        let bits = defect(forged(bytes, |header| header.bits = CompactTarget(0), true));
        assert!(matches!(bits, HeaderDefect::Bits(_)), "{bits}");
        let work = defect(forged(bytes, |_| {}, false));
        assert!(matches!(work, HeaderDefect::Work { .. }), "{work}");
        // Another header that holds by itself breaks the link of the next.
        let mut headers = good.clone();
        headers[at] = forged(bytes, |header| header.time.0 ^= 1, true);
        let answer = check(&headers);
        if at + 1 == COUNT {
            assert!(answer.is_ok());
        } else {
            let error = answer.unwrap_err();
            assert_eq!(error.position, at as u64 + 1);
            assert!(matches!(error.defect, HeaderDefect::Link { .. }), "{error}");
        }
    }
}

fn stretches_join_only_where_they_belong() {
    let headers = headers();
    let whole = check(&headers).unwrap();
    let stretch = |headers: &[Bytes]| {
        let mut checked = CheckedHeaders::after(Header::from_bytes(&headers[0]).prev);
        checked.extend(headers, &PlainSha2).unwrap();
        checked
    };
    for cut in 1..COUNT {
        let (left, right) = (stretch(&headers[..cut]), stretch(&headers[cut..]));
        let mut joined = left;
        joined.join(&right).unwrap();
        assert_eq!(joined, whole);
        let mut wrong = left;
        let error = wrong.join(&left).unwrap_err();
        assert_eq!(error.position, cut as u64);
        assert_eq!(wrong, left);
    }
}

/// Wherever the stretches are cut, the earliest defect is named.
fn the_first_of_several_defects_is_named() {
    let good = headers();
    for at in (0..COUNT - 2).step_by(5) {
        let mut headers = good.clone();
        headers[at] = forged(&good[at], |_| {}, false);
        headers[at + 1] = forged(&good[at + 1], |header| header.version.0 = 0, true);
        headers[COUNT - 1] = [0; HEADER_LEN];
        let error = check(&headers).unwrap_err();
        assert_eq!(error.position, at as u64);
        assert!(matches!(error.defect, HeaderDefect::Work { .. }), "{error}");
    }
}

/// Counts what it is asked for.
#[derive(Default)]
struct Counting(AtomicUsize);

impl HeaderHasher for Counting {
    fn hash(&self, headers: &[Bytes], hashes: &mut [BlockHash]) {
        assert_eq!(headers.len(), hashes.len());
        assert!((1..=HASH_BATCH).contains(&headers.len()));
        self.0.fetch_add(headers.len(), Ordering::Relaxed);
        PlainSha2.hash(headers, hashes);
    }
}

fn hashers_get_batches_that_are_not_empty() {
    let hasher = Counting::default();
    let threads = NonZeroUsize::new(4).unwrap();
    let mut checked = CheckedHeaders::after(BlockHash::ZERO);
    extend_headers(&mut checked, &headers(), &hasher, threads).unwrap();
    // Each header once: what a thread has checked is not checked again.
    assert_eq!(hasher.0.into_inner(), COUNT);
}

/// Headers of any bytes, as many as a batch may have, and no hash too many.
fn kernels_hash_every_count_as_sha2() {
    const UNTOUCHED: BlockHash = BlockHash([0xee; 32]);
    let data = bytes(9, HASH_BATCH * HEADER_LEN);
    let (headers, _) = data.as_chunks::<HEADER_LEN>();
    let mut expected = [UNTOUCHED; HASH_BATCH];
    PlainSha2.hash(headers, &mut expected);
    for kernel in Kernel::available() {
        for count in 1..=HASH_BATCH {
            let mut hashes = [UNTOUCHED; HASH_BATCH];
            Lanes::new(kernel).hash(&headers[..count], &mut hashes[..count]);
            assert_eq!(hashes[..count], expected[..count], "{kernel}, {count}");
            assert!(hashes[count..].iter().all(|hash| *hash == UNTOUCHED));
        }
    }
}

/// Whole batches of one length, and one coinbase of another length among them.
fn kernels_hash_coinbases_of_any_length() {
    let data = bytes(10, 300);
    for len in 0..=200 {
        for (place, other) in [(0, len), (5, 108), (16, 0), (32, 300)] {
            let mut coinbases = [&data[..len]; 33];
            coinbases[place] = &data[..other];
            let mut expected = [TxRoot([0xee; 32]); 33];
            PlainSha2.coinbases(&coinbases, &mut expected);
            assert_eq!(expected[place].0, sha256d(coinbases[place]));
            for kernel in Kernel::available() {
                let mut ids = [TxRoot([0xee; 32]); 33];
                Lanes::new(kernel).coinbases(&coinbases, &mut ids);
                assert_eq!(ids, expected, "{kernel}, {len}, {other} at {place}");
            }
        }
    }
}
