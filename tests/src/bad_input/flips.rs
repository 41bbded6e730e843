//! Every bit of a run, flipped.

use super::audit::{report, verdict};
use crate::requirements::Test;
use pow_audit::{Level, Verdict};
use pow_core::chain::ChainVerifier;
use pow_ledger::ChainReader;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{Fixture, Plan};
use std::path::Path;

pub fn tests() -> Vec<Test> {
    let tests: [(&str, fn()); 4] = [
        ("every_bit_of_the_chain_file", every_bit_of_the_chain_file),
        ("every_bit_under_fitting_checksums", under_fitting_checksums),
        ("every_bit_of_the_artifact", every_bit_of_the_artifact),
        ("bits_of_config_and_checkpoint", config_and_checkpoint),
    ];
    tests
        .map(|(name, run)| Test::new(format!("bad_input/flips/{name}"), run))
        .into()
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
    let fixture = Fixture::record(&Plan::default());
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

/// With the checksums made anew, each bit of blocks and bodies must be held by
/// a rule. (A changed header of the last block could be valid by luck, with
/// probability 2^-16 a bit: that would be mining. The run is always the same,
/// so the luck is too.)
fn under_fitting_checksums() {
    let fixture = Fixture::record(&Plan::default());
    let file = ChainFile::read(&fixture.run.chain());
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

/// Flips each of the first 1,024 bits and every 211th after them, and checks
/// that the level does not hold.
fn check_level(fixture: &Fixture, path: &Path, level: Level) {
    let bytes = std::fs::read(path).unwrap();
    each_flip(&bytes, |bit, bad| {
        // Tensor data are long and all alike; the audit reads several files.
        if bit < 1024 || bit % 211 == 0 {
            std::fs::write(path, bad).unwrap();
            let report = report(&fixture.run);
            let found = verdict(&report, level);
            assert_eq!(found, Verdict::Fails, "{} bit {bit}", path.display());
        }
    });
    std::fs::write(path, bytes).unwrap();
    assert_eq!(verdict(&report(&fixture.run), level), Verdict::Holds);
}

fn every_bit_of_the_artifact() {
    let fixture = Fixture::record(&Plan::default());
    let bytes = std::fs::read(fixture.run.artifact()).unwrap();
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("model.safetensors");
    let root = |bytes: &[u8]| {
        std::fs::write(&file, bytes).unwrap();
        pow_ledger::TensorFile::read(&file).unwrap().root().ok()
    };
    let expected = root(&bytes).unwrap();
    each_flip(&bytes, |bit, bad| {
        assert_ne!(root(bad), Some(expected), "bit {bit}")
    });
    check_level(&fixture, &fixture.run.artifact(), Level::Artifact);
}

fn config_and_checkpoint() {
    let fixture = Fixture::record(&Plan::default());
    check_level(&fixture, &fixture.run.config(), Level::State);
    let checkpoints = std::fs::read_dir(fixture.run.checkpoints()).unwrap();
    let dir = checkpoints.last().unwrap().unwrap().path();
    for name in ["state.json", "model.safetensors", "optimizer.safetensors"] {
        check_level(&fixture, &dir.join(name), Level::State);
    }
}
