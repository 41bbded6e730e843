//! Every bit of a run, flipped.

use pow_audit::{Level, Verdict};
use pow_core::chain::ChainVerifier;
use pow_ledger::{ChainReader, TensorFile};
use pow_tests::audits::{report, verdict};
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::Fixture;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

tests! {
    every_bit_of_the_chain_file, every_bit_under_fitting_checksums, bits_of_the_artifact,
    bits_of_config_and_checkpoint
}

/// Calls `visit` with each copy of `bytes` that has one bit flipped.
fn each_flip(bytes: &[u8], mut visit: impl FnMut(usize, &[u8])) {
    let mut bytes = bytes.to_vec();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        visit(bit, &bytes);
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

fn every_bit_of_the_chain_file() {
    let fixture = Fixture::default();
    let bytes = std::fs::read(fixture.run.chain()).unwrap();
    assert!(finishes(&bytes));
    each_flip(&bytes, |bit, bad| assert!(!finishes(bad), "bit {bit}"));
}

/// Whether the file reads whole and is a chain with a final block.
fn finishes(bytes: &[u8]) -> bool {
    let Ok(mut reader) = ChainReader::new(bytes) else {
        return false;
    };
    let mut verifier = ChainVerifier::new(None);
    for record in reader.by_ref() {
        let Ok(record) = record else {
            return false;
        };
        if verifier.push(&record.block, &record.body).is_err() {
            return false;
        }
    }
    reader.torn().is_none() && verifier.chain().is_some_and(|chain| chain.end().is_some())
}

/// With fitting checksums, a rule must hold each bit of blocks and bodies. (A
/// changed header of the last block is valid by luck with probability 2^-16 a
/// bit: that is mining. The run is always the same, and so is the luck.)
fn every_bit_under_fitting_checksums() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let holds = |file: &ChainFile| {
        let mut verifier = ChainVerifier::new(None);
        file.records
            .iter()
            .all(|record| verifier.push(&record.block, &record.body).is_ok())
    };
    assert!(holds(&file));
    let mut bad = file.clone();
    for at in 0..file.records.len() {
        each_flip(&file.records[at].block, |bit, block| {
            bad.records[at].block = block.to_vec();
            assert!(!holds(&bad), "block {at}, bit {bit}");
        });
        bad.records[at].block.clone_from(&file.records[at].block);
        each_flip(&file.records[at].body, |bit, body| {
            bad.records[at].body = body.to_vec();
            assert!(!holds(&bad), "body {at}, bit {bit}");
        });
        bad.records[at].body.clone_from(&file.records[at].body);
    }
}

/// Writes a file over another of the same length. Truncating it first, as
/// `fs::write` does, makes some file systems flush it each time.
fn overwrite(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

/// Checks that the level fails with each `nth` bit of the file flipped, and
/// holds again afterwards.
fn check_level(fixture: &Fixture, path: &Path, level: Level, nth: usize) {
    let bytes = std::fs::read(path).unwrap();
    each_flip(&bytes, |bit, bad| {
        if bit % nth == 0 {
            overwrite(path, bad);
            let report = report(&fixture.run);
            let found = verdict(&report, level);
            assert_eq!(found, Verdict::Fails, "{} bit {bit}", path.display());
        }
    });
    overwrite(path, &bytes);
    assert_eq!(verdict(&report(&fixture.run), level), Verdict::Holds);
}

/// Every bit of the safetensors header, and some of the tensors' data, which
/// are long and all alike.
fn bits_of_the_artifact() {
    let fixture = Fixture::default();
    let path = fixture.run.artifact();
    let bytes = std::fs::read(&path).unwrap();
    let root = || {
        TensorFile::open(&path)
            .and_then(|mut file| file.root())
            .ok()
    };
    let expected = root().unwrap();
    let header_len = 8 + u64::from_le_bytes(*bytes.first_chunk().unwrap()) as usize;
    each_flip(&bytes, |bit, bad| {
        if bit < 8 * header_len || bit % 61 == 0 {
            overwrite(&path, bad);
            assert_ne!(root(), Some(expected), "bit {bit}");
        }
    });
    overwrite(&path, &bytes);
    check_level(&fixture, &path, Level::Artifact, 211);
}

fn bits_of_config_and_checkpoint() {
    let fixture = Fixture::default();
    check_level(&fixture, &fixture.run.config(), Level::State, 1);
    let checkpoints = std::fs::read_dir(fixture.run.checkpoints()).unwrap();
    let dir = checkpoints.last().unwrap().unwrap().path();
    check_level(&fixture, &dir.join("state.json"), Level::State, 1);
    for name in ["model.safetensors", "optimizer.safetensors"] {
        check_level(&fixture, &dir.join(name), Level::State, 211);
    }
}
