//! `pow export`. What other people's software makes of the bytes is tested in
//! `tests/`.

use crate::program::export;
use pow_core::block::Block;
use pow_core::body::{Body, BodyKind, Entry, StepNumber};
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::Fixture;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const BLK: [&str; 2] = ["--format", "blk"];
const REGTEST: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];

/// The blocks of a block file.
fn unframed(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut blocks = Vec::new();
    while let Some((magic, rest)) = bytes.split_first_chunk::<4>() {
        assert_eq!(*magic, REGTEST);
        let (len, rest) = rest.split_first_chunk::<4>().unwrap();
        let (block, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        blocks.push(block.to_vec());
        bytes = rest;
    }
    blocks
}

fn blocks(file: &ChainFile) -> Vec<Vec<u8>> {
    let records = file.records.iter();
    records.map(|record| record.block.clone()).collect()
}

/// Exports to a new file in an empty directory; what it then holds.
fn to_file(run: &Path, more: &[&str], code: i32, words: &[&str]) -> Option<Vec<u8>> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("export");
    let out = ["--out", file.to_str().unwrap()];
    let (outcome, stdout) = export(run, &[more, &out].concat());
    outcome.expect(code, words);
    assert!(stdout.is_empty());
    let left = std::fs::read_dir(dir.path()).unwrap();
    let left: Vec<PathBuf> = left.map(|entry| entry.unwrap().path()).collect();
    match &left[..] {
        [] => None,
        [only] if *only == file => Some(std::fs::read(only).unwrap()),
        _ => panic!("{left:?}"),
    }
}

#[test]
fn blk_is_every_block_framed() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let run = fixture.run.path();
    let (outcome, stdout) = export(run, &BLK);
    outcome.expect(0, &[]);
    assert_eq!(outcome.stderr, "");
    assert_eq!(unframed(&stdout), blocks(&file));
    let (_, explicit) = export(run, &["--format", "blk", "--out", "-"]);
    assert_eq!(explicit, stdout);
    assert_eq!(to_file(run, &BLK, 0, &[]), Some(stdout));
}

#[test]
fn nothing_is_overwritten() {
    let fixture = Fixture::default();
    let config = fixture.run.config();
    let before = std::fs::read(&config).unwrap();
    for format in [&BLK[..], &["--format", "ots", "--step", "1"]] {
        let out = ["--out", config.to_str().unwrap()];
        let (outcome, _) = export(fixture.run.path(), &[format, &out].concat());
        outcome.expect(2, &["config.json exists already"]);
        assert_eq!(std::fs::read(&config).unwrap(), before);
    }
    // Nor where the place cannot be written to.
    let nowhere = fixture.run.path().join("none/export");
    let out = ["--out", nowhere.to_str().unwrap()];
    let (outcome, _) = export(fixture.run.path(), &[&BLK[..], &out].concat());
    outcome.expect(2, &["none"]);
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_not_followed() {
    let fixture = Fixture::default();
    let dir = TempDir::new().unwrap();
    let (link, target) = (dir.path().join("link"), dir.path().join("target"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let out = ["--out", link.to_str().unwrap()];
    let (outcome, _) = export(fixture.run.path(), &[&BLK[..], &out].concat());
    outcome.expect(2, &["link exists already"]);
    assert!(!target.exists());
}

/// As other programs leave their files: readable by whom the umask lets.
#[cfg(unix)]
#[test]
fn the_file_has_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let fixture = Fixture::default();
    let dir = TempDir::new().unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    let (ours, plain) = (dir.path().join("ours"), dir.path().join("plain"));
    std::fs::write(&plain, "").unwrap();
    let out = ["--out", ours.to_str().unwrap()];
    let (outcome, _) = export(fixture.run.path(), &[&BLK[..], &out].concat());
    outcome.expect(0, &[]);
    assert_eq!(mode(&ours), mode(&plain));
}

#[test]
fn of_a_torn_file_the_whole_blocks_are_taken() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let (bytes, at) = (file.to_bytes(), file.boundaries());
    for cut in [at[3] + 1, at[4] - 1] {
        fixture.write(&bytes[..cut]);
        let torn = format!("byte {}: the file ends inside", at[3]);
        let written = to_file(fixture.run.path(), &BLK, 0, &[&torn, "3 blocks"]).unwrap();
        assert_eq!(unframed(&written), blocks(&file)[..3]);
    }
    // An unfinished run is exported without remark.
    fixture.write(&bytes[..at[3]]);
    let (outcome, stdout) = export(fixture.run.path(), &BLK);
    outcome.expect(0, &[]);
    assert_eq!(outcome.stderr, "");
    assert_eq!(unframed(&stdout), blocks(&file)[..3]);
}

#[test]
fn a_damaged_or_forged_chain_is_refused() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let at = file.boundaries();
    let mut damaged = file.to_bytes();
    damaged[at[3] + 20] ^= 1;
    let mut forged = file.clone();
    forged.records[3].body[60] ^= 1;
    let mut empty = file.clone();
    empty.records.clear();
    let cases = [
        (damaged, format!("byte {}: record checksum", at[3]), 3),
        (
            forged.to_bytes(),
            format!("byte {}: block 3: coinbase commits to", at[3]),
            3,
        ),
        (empty.to_bytes(), "byte 16: no genesis block".into(), 0),
    ];
    let run = fixture.run.path();
    for (bytes, words, before) in cases {
        fixture.write(bytes);
        assert_eq!(to_file(run, &BLK, 1, &[&words]), None);
        // What a pipe has taken cannot be taken back.
        let (outcome, stdout) = export(run, &BLK);
        outcome.expect(1, &[&words]);
        assert_eq!(unframed(&stdout), blocks(&file)[..before]);
        // Step 1 is in block 2, before the damage. There is still no proof.
        let ots = ["--format", "ots", "--step", "1"];
        assert_eq!(to_file(run, &ots, 1, &[&words]), None);
        let (outcome, stdout) = export(run, &ots);
        outcome.expect(1, &[&words]);
        assert!(stdout.is_empty());
    }
}

/// The block, at its height, and the entries of a record.
fn steps(file: &ChainFile) -> Vec<(Block, Entry)> {
    let mut all = Vec::new();
    for record in &file.records {
        let block = Block::from_bytes(&record.block).unwrap();
        if let BodyKind::Steps(entries) = Body::from_bytes(&record.body).unwrap().kind {
            all.extend(entries.into_iter().map(|entry| (block, entry)));
        }
    }
    all
}

#[test]
fn ots_begins_with_the_parameter_root_and_ends_with_the_place() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let steps = steps(&file);
    assert_eq!(steps.len(), 7);
    for (block, entry) in steps {
        let step = entry.step.to_string();
        let (outcome, proof) = export(fixture.run.path(), &["--format", "ots", "--step", &step]);
        outcome.expect(0, &[]);
        let magic = b"\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";
        assert!(proof.starts_with(&[&magic[..], &entry.parameters.0].concat()));
        let place = [
            &[0, 0xeb, 0x9f, 0x6d, 0xce, 0xd3, 0x47, 0x45, 0x01, 36][..],
            &fixture.genesis.0,
            &block.coinbase.height.get().to_le_bytes(),
        ];
        assert!(proof.ends_with(&place.concat()));
        // A checkpoint is found by its state root: the same proof.
        if let Some(root) = entry.state_root() {
            let root = root.to_string();
            let by_root = ["--format", "ots", "--checkpoint", &root];
            assert_eq!(export(fixture.run.path(), &by_root).1, proof);
            assert_eq!(to_file(fixture.run.path(), &by_root, 0, &[]), Some(proof));
        }
    }
}

#[test]
fn a_step_or_checkpoint_that_is_not_there_is_exit_code_2() {
    let fixture = Fixture::default();
    let file = fixture.file();
    let run = fixture.run.path();
    let ots = |by, what: &str, words: &str| {
        let ots = ["--format", "ots", by, what];
        assert_eq!(to_file(run, &ots, 2, &[words]), None);
    };
    ots("--step", "7", "no block has an entry of step 7");
    let absent = "00".repeat(32);
    ots("--checkpoint", &absent, "no block has a checkpoint");
    // A parameter root is no state root.
    let steps = steps(&file);
    assert_eq!(steps[3].1.step, StepNumber(3));
    let parameters = steps[3].1.parameters.to_string();
    ots("--checkpoint", &parameters, "no block has a checkpoint");
    // Cut off before the step was sealed.
    fixture.write(&file.to_bytes()[..file.boundaries()[4] + 9]);
    ots("--step", "6", "no block has an entry of step 6");
}
