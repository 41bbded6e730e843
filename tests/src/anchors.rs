//! Timestamps and Bitcoin headers as tests need them. The headers have regtest's work.

use crate::fixture::{Fixture, nonce};
use pow_core::hash::{BlockHash, TxRoot};
use pow_core::header::{HEADER_LEN, Header, HeaderTime, Nonce, Version};
use pow_core::target::CompactTarget;
use sha2::{Digest, Sha256};

/// The easiest target of the headers that are made here: that of Bitcoin's regtest.
pub const REGTEST: CompactTarget = CompactTarget(0x207f_ffff);

/// How a proof begins: magic, version 1, and SHA-256 as the kind of digest.
pub const OTS_HEAD: &[u8; 33] =
    b"\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";

/// The operations of the proofs: append a byte string, and hash.
const OPERATIONS: [u8; 7] = [0xf0, 0x04, 1, 2, 3, 4, 0x08];

/// The SHA-256 of a block's header.
pub fn stamped(fixture: &Fixture, height: usize) -> [u8; 32] {
    let block = &fixture.file().records[height].block;
    Sha256::digest(&block[..HEADER_LEN]).into()
}

/// The transaction root to which the proofs lead.
pub fn root(digest: [u8; 32]) -> [u8; 32] {
    Sha256::digest([&digest[..], &[1, 2, 3, 4]].concat()).into()
}

/// A proof over a digest that says Bitcoin block `height`.
pub fn complete(digest: [u8; 32], height: u8) -> Vec<u8> {
    let tag = [0x05, 0x88, 0x96, 0x0d, 0x73, 0xd7, 0x19, 0x01];
    let end = [&[0x00][..], &tag, &[1, height]].concat();
    [OTS_HEAD, &digest[..], &OPERATIONS, &end].concat()
}

/// A proof that a calendar has promised.
pub fn pending(digest: [u8; 32]) -> Vec<u8> {
    let tag = [0x83, 0xdf, 0xe3, 0x0d, 0x2e, 0xf9, 0x0c, 0x8e];
    let url = b"https://calendar.example";
    let len = url.len() as u8;
    let end = [&[0x00][..], &tag, &[len + 1, len], url].concat();
    [OTS_HEAD, &digest[..], &OPERATIONS, &end].concat()
}

/// A mined header.
pub fn header(prev: BlockHash, root: [u8; 32], time: u32) -> Header {
    let mut header = Header {
        version: Version(0x2000_0000),
        prev,
        tx_root: TxRoot(root),
        time: HeaderTime(time),
        bits: REGTEST,
        nonce: Nonce(0),
    };
    header.nonce = nonce(header, true);
    header
}

/// Headers as a verifier gives them: a line each, with its height.
pub fn listed(headers: &[(u32, Header)]) -> String {
    let lines = headers.iter().map(|(height, header)| {
        let digits: String = header
            .to_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{height} {digits}\n")
    });
    lines.collect()
}
