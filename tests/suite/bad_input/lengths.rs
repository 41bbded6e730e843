//! Lengths and counts that lie are refused before anything is read or allocated
//! by them. (Memory is not measured: an allocator that counts would need unsafe
//! code. The errors show that the reader stopped at the field itself.)

use super::chain::fixture;
use pow_core::body::{Body, BodyKind, Extension, MAX_BODY_LEN, MAX_EXTENSION};
use pow_core::codec::DecodeErrorKind;
use pow_tests::audits::assert_chain_fails;
use pow_tests::chain_file::record_header;

tests! {
    lengths_of_records, counts_and_lengths_in_bodies, a_body_of_16_mib_and_a_byte
}

fn lengths_of_records() {
    let (fixture, file) = fixture();
    let bytes = file.to_bytes();
    let at = file.boundaries()[3];
    let limits = [200, 16 << 20];
    for lengths in [
        [u32::MAX, 0],
        [0, u32::MAX],
        [u32::MAX, u32::MAX],
        [limits[0] + 1, 0],
        [0, limits[1] + 1],
    ] {
        let mut bad = bytes.clone();
        bad[at..at + 16].copy_from_slice(&record_header(lengths));
        fixture.write(&bad);
        let place = format!("byte {at}: damaged record header");
        assert_chain_fails(&fixture.run, &[&place, "exceeds the format's limit"]);
    }
    // Allowed, yet past the end of the file and over the records that follow.
    let mut bad = bytes.clone();
    bad[at..at + 16].copy_from_slice(&record_header(limits));
    fixture.write(&bad);
    let place = format!("byte {at}: record is cut short");
    assert_chain_fails(&fixture.run, &[&place, "another begins"]);
    // Too short: what is left of the record is no record.
    bad[at..at + 16].copy_from_slice(&record_header([0, 0]));
    fixture.write(&bad);
    assert_chain_fails(&fixture.run, &[&format!("byte {at}: record checksum")]);
}

/// Body of version, kind and common fields: 55 bytes.
const COMMON_LEN: usize = 2 + 1 + 4 + 8 + 8 + 32;

fn counts_and_lengths_in_bodies() {
    let (fixture, file) = fixture();
    let write = |record: usize, at: usize, value: u32| {
        let mut bad = file.clone();
        bad.records[record].body[at..at + 4].copy_from_slice(&value.to_le_bytes());
        fixture.write(bad.to_bytes());
        format!("byte {}: block {record}", file.boundaries()[record])
    };
    let fails = |record: usize, at: usize, value: u32, words: &str| {
        let place = write(record, at, value);
        assert_chain_fails(&fixture.run, &[&place, &format!("byte {at}: {words}")]);
    };
    for value in [1025, 65_536, u32::MAX] {
        fails(0, COMMON_LEN, value, "name is");
    }
    // Genesis ends with one extension: count, type, length, 28 bytes.
    let extension = file.records[0].body.len() - 28 - 4;
    let count = extension - 8;
    fails(0, extension, u32::MAX, "extension is");
    fails(0, count, u32::MAX, "entry count is 4294967295");
    for value in [0, 65_537, u32::MAX] {
        fails(1, COMMON_LEN, value, &format!("entry count is {value}"));
    }
    let last = file.records[6].body.len() - 4;
    fails(6, last, u32::MAX, "entry count is 4294967295, expected 0");
    // Counts that the format allows and the bytes do not back.
    for (record, at, words) in [
        (0, count, "extension type needs 4 bytes"),
        (1, COMMON_LEN, "step needs 8 bytes, 0 are left"),
    ] {
        write(record, at, 65_536);
        let end = file.records[record].body.len();
        assert_chain_fails(&fixture.run, &[&format!("byte {end}: {words}")]);
    }
}

/// The file's reader would refuse it, so the verifier must: a block that is
/// valid can be written and read.
fn a_body_of_16_mib_and_a_byte() {
    let (_, file) = fixture();
    let mut body = Body::from_bytes(&file.records[0].body).unwrap();
    let of_length = |body: &mut Body, len: usize| {
        let BodyKind::Genesis(genesis) = &mut body.kind else {
            unreachable!("the first body");
        };
        genesis.extensions.clear();
        let extension = |len| Extension {
            kind: 0,
            data: vec![0; len],
        };
        let mut left = len - body.to_bytes().len();
        let BodyKind::Genesis(genesis) = &mut body.kind else {
            unreachable!("the first body");
        };
        while left > MAX_EXTENSION {
            genesis.extensions.push(extension(MAX_EXTENSION - 8));
            left -= MAX_EXTENSION;
        }
        genesis.extensions.push(extension(left - 8));
        body.to_bytes()
    };
    let longest = of_length(&mut body, MAX_BODY_LEN);
    assert_eq!(longest.len(), MAX_BODY_LEN);
    assert_eq!(Body::from_bytes(&longest), Ok(body.clone()));
    let longer = of_length(&mut body, MAX_BODY_LEN + 1);
    let error = Body::from_bytes(&longer).unwrap_err();
    let length = |kind| {
        matches!(
            kind,
            DecodeErrorKind::Value {
                found: 16_777_217,
                ..
            }
        )
    };
    assert!(length(error.kind.clone()), "{error}");
}
