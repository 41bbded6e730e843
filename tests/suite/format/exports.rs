//! The example's exports field by field, written from `docs/format.md`.

use super::bytes::Fields;
use super::example::{Example, entries};
use pow_audit::export::{OtsSubject, ots_proof, write_blk};
use pow_audit::walk::walk;
use pow_core::body::StepNumber;
use pow_core::hash::Tag;
use pow_ledger::RunDir;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const APPEND: [u8; 1] = [0xf0];
const PREPEND: [u8; 1] = [0xf1];
const SHA256: [u8; 1] = [0x08];

/// The OpenTimestamps proof of step 1, as the code writes it too.
pub fn ots(example: &Example) -> Fields {
    let mut out = Fields::new();
    let entries = entries();
    let leaf = Tag::Entry.hash(&entries[0].to_bytes());
    let (block, body) = &example.blocks[1];
    let (block, body) = (block.to_bytes(), body.to_bytes());
    let fixed = &body[..59];
    let (header, coinbase) = (&block[..80], &block[81..]);

    out.field("magic", b"\0OpenTimestamps\0\0Proof\0")
        .field("", b"\xbf\x89\xe2\xe8\x84\xe8\x92\x94")
        .field("version 1", [1])
        .field("digest by SHA-256", SHA256)
        .field("  parameter root, step 1", entries[1].parameters.0)
        .field("to the entry's leaf", "")
        .field("prepend 72 bytes", [PREPEND, [72]].concat());
    tag(&mut out, "entry");
    let entry = entries[1].to_bytes();
    out.field("  step", &entry[..8])
        .field("append 44 bytes", [APPEND, [44]].concat())
        .field("  rest of the entry", &entry[40..])
        .field("SHA-256", SHA256)
        .field("to the root over the entries", "")
        .field("prepend 96 bytes", [PREPEND, [96]].concat());
    tag(&mut out, "node");
    out.field("  entry leaf 0", leaf)
        .field("SHA-256", SHA256)
        .field("to the body commitment", "")
        .field("prepend 123 bytes", [PREPEND, [123]].concat());
    tag(&mut out, "body");
    out.field("  body up to the entry count", fixed)
        .field("SHA-256", SHA256)
        .field("to the coinbase's id", "")
        .field("prepend 72 bytes", [PREPEND, [72]].concat())
        .field("  coinbase up to it", &coinbase[..72])
        .field("append 4 bytes", [APPEND, [4]].concat())
        .field("  lock time", [0; 4])
        .field("SHA-256, twice", [SHA256, SHA256].concat())
        .field("to the header", "")
        .field("prepend 36 bytes", [PREPEND, [36]].concat())
        .field("  version, previous block", &header[..36])
        .field("append 12 bytes", [APPEND, [12]].concat())
        .field("  time, target, nonce", &header[68..])
        .field("attestation", "")
        .field("attestation follows", [0])
        .field("  tag", &digest("burn-pow/v1/attestation")[..8])
        .field("payload of 36 bytes", [36])
        .field("  chain's id", example.blocks[0].0.header.hash().0)
        .field("  height", 1u32.to_le_bytes());
    assert_eq!(out.bytes(), exported(example));
    out
}

/// `SHA256(tag) ‖ SHA256(tag)`.
fn tag(out: &mut Fields, name: &str) {
    let tag = digest(&format!("burn-pow/v1/{name}"));
    out.field(&format!("  tag \"{name}\""), tag).field("", tag);
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// The same, by the code; and that block files are as described.
fn exported(example: &Example) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let run = RunDir::new(dir.path());
    std::fs::write(run.chain(), example.file().bytes()).unwrap();
    let (mut blk, mut ots) = (Vec::new(), None);
    walk(&run, None, &mut |row, _| {
        write_blk(&mut blk, row).unwrap();
        let subject = OtsSubject::Step(StepNumber(1));
        ots = ots.take().or_else(|| ots_proof(row, subject));
    })
    .unwrap();
    let framed = example.blocks.iter().flat_map(|(block, _)| {
        let block = block.to_bytes();
        let len = (block.len() as u32).to_le_bytes();
        [&[0xfa, 0xbf, 0xb5, 0xda][..], &len, &block].concat()
    });
    assert_eq!(blk, framed.collect::<Vec<u8>>());
    ots.unwrap()
}
