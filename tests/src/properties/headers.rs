//! Headers without their blocks, in one go, in stretches and on threads.

use super::chain_file::find_nonce;
use super::compact::decode;
use super::memory::metered;
use bitcoin::consensus::deserialize;
use bitcoin::hashes::Hash;
use pow_audit::headers::extend_headers;
use pow_core::chain::headers::{CheckedHeaders, PlainSha2};
use pow_core::hash::BlockHash;
use pow_core::header::{HEADER_LEN, Header, Version};
use pow_core::target::{MAX_TARGET, Work};
use std::num::NonZeroUsize;

/// Two bytes of settings, then headers. The settings say which header is not
/// made to fit, and which of its version, link, target and nonce are not.
pub fn headers(data: &[u8]) {
    let Some(([raw, parts], data)) = data.split_first_chunk() else {
        return;
    };
    let mut headers: Vec<[u8; HEADER_LEN]> = data.as_chunks().0.to_vec();
    let mut parent = BlockHash::ZERO;
    for (at, header) in headers.iter_mut().enumerate() {
        let left = if at == usize::from(*raw) { *parts } else { 0 };
        *header = fit(header, parent, left);
        parent = Header::from_bytes(header).hash();
    }

    let good = good(&headers);
    let mut checked = CheckedHeaders::after(BlockHash::ZERO);
    let before = checked;
    let found = metered(data.len(), || checked.extend(&headers, &PlainSha2));
    match found {
        Ok(()) => assert_eq!(good, headers.len()),
        Err(error) => {
            assert_eq!(error.position, good as u64, "{error}");
            assert_eq!(checked, before);
        }
    }
    agree_in_stretches(&headers, good);
}

/// The answer is the same however the headers are passed in.
fn agree_in_stretches(headers: &[[u8; HEADER_LEN]], good: usize) {
    let mut whole = CheckedHeaders::after(BlockHash::ZERO);
    whole.extend(&headers[..good], &PlainSha2).unwrap();
    assert_eq!(whole.count(), good as u64);
    if let Some(last) = headers[..good].last() {
        assert_eq!(whole.head(), Header::from_bytes(last).hash());
    }
    let mut work = Work::ZERO;
    for header in &headers[..good] {
        let bits = Header::from_bytes(header).bits;
        work = work.plus(bits.decode().unwrap().work());
    }
    assert_eq!(whole.work(), work);

    let (first, second) = headers[..good].split_at(good / 3);
    let mut joined = CheckedHeaders::after(BlockHash::ZERO);
    joined.extend(first, &PlainSha2).unwrap();
    let mut rest = CheckedHeaders::after(joined.head());
    rest.extend(second, &PlainSha2).unwrap();
    joined.join(&rest).unwrap();
    assert_eq!(joined, whole);

    let threads = NonZeroUsize::new(3).unwrap();
    let mut threaded = CheckedHeaders::after(BlockHash::ZERO);
    let found = extend_headers(&mut threaded, headers, &PlainSha2, threads);
    let expected = match good == headers.len() {
        true => Ok(whole),
        false => Err(good as u64),
    };
    let found = found.map(|()| threaded).map_err(|error| error.position);
    assert_eq!(found, expected);
}

/// Makes a header follow `parent`, except for the parts whose bit is set.
fn fit(header: &[u8; HEADER_LEN], parent: BlockHash, left: u8) -> [u8; HEADER_LEN] {
    let mut header = Header::from_bytes(header);
    if left & 1 == 0 {
        header.version = Version(header.version.0 & !Version::MASK | Version::BASE.0);
    }
    if left & 2 == 0 {
        header.prev = parent;
    }
    if left & 4 == 0 && header.bits.decode().is_err() {
        header.bits = MAX_TARGET;
    }
    if left & 8 == 0 && !find_nonce(&mut header) && left & 4 == 0 {
        header.bits = MAX_TARGET;
        find_nonce(&mut header);
    }
    header.to_bytes()
}

/// How many headers hold before the first that does not, by rust-bitcoin and
/// the document's compact form.
fn good(headers: &[[u8; HEADER_LEN]]) -> usize {
    let mut parent = [0; 32];
    let holds = |header: &&[u8; HEADER_LEN]| {
        let theirs: bitcoin::block::Header = deserialize(&header[..]).unwrap();
        let version = theirs.version.to_consensus() as u32;
        let linked = theirs.prev_blockhash.to_byte_array() == parent;
        parent = theirs.block_hash().to_byte_array();
        version & 0xe000_1fff == 0x2000_0000
            && linked
            && decode(theirs.bits.to_consensus()).is_some()
            && theirs.validate_pow(theirs.target()).is_ok()
    };
    headers.iter().take_while(holds).count()
}
