//! Our exports as Python packages of the Bitcoin world see them:
//! python-bitcoinlib judges blocks, python-opentimestamps replays proofs.

use crate::python::scripts;
use crate::requirements::pypi_python;
use pow_audit::anchor::{AnchorProof, BitcoinHeaders, OtsAttestation, OtsProof, accept, stamp};
use pow_audit::export::{OtsSubject, ots_proof, write_blk};
use pow_audit::walk::walk;
use pow_audit::{AuditOptions, audit};
use pow_core::block::Block;
use pow_core::body::{Body, BodyKind, Entry, StepNumber};
use pow_core::hash::{BlockHash, TxRoot};
use pow_ledger::{AnchorKind, RunDir};
use pow_tests::anchors::{REGTEST, complete, header, listed};
use pow_tests::fixture::{Fixture, Plan, Recorder, nonce};
use std::path::{Path, PathBuf};
use std::process::Output;
use tempfile::TempDir;

tests! {
    Pypi: bitcoinlib_accepts_every_block, bitcoinlib_refuses_tampered_blocks,
        opentimestamps_replays_every_step, opentimestamps_replays_a_full_body,
        opentimestamps_refuses_every_flipped_bit,
        opentimestamps_agrees_on_bitcoins_attestations, the_document_is_what_the_root_is_the_hash_of
}

fn manifest_dir() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

fn run(script: &str, arguments: &[&str], paths: &[&Path]) -> Output {
    pypi_python()
        .arg(manifest_dir().join("suite/outside/pypi").join(script))
        .args(arguments)
        .args(paths)
        .output()
        .unwrap()
}

/// The lines that a script prints.
fn lines(script: &str, arguments: &[&str], paths: &[&Path]) -> Vec<String> {
    let output = run(script, arguments, paths);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} {arguments:?}: {stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    stdout.lines().map(str::to_owned).collect()
}

/// What `pow export --format blk` writes of a run that holds.
fn blk(run: &RunDir) -> Vec<u8> {
    let mut out = Vec::new();
    let end = walk(run, None, &mut |row, _| write_blk(&mut out, row).unwrap()).unwrap();
    assert_eq!(end.failure(), None);
    out
}

/// A hash and a verdict for each block of a block file.
fn judged(network: &str, blk: &[u8]) -> Vec<(String, String)> {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("blk00000.dat");
    std::fs::write(&file, blk).unwrap();
    let judged = lines("check_blocks.py", &[network], &[&file]);
    let judged = judged.iter().map(|line| line.split_once(' ').unwrap());
    judged
        .map(|(hash, verdict)| (hash.to_owned(), verdict.to_owned()))
        .collect()
}

fn blocks(fixture: &Fixture) -> Vec<Block> {
    let records = fixture.file().records.into_iter();
    records
        .map(|record| Block::from_bytes(&record.block).unwrap())
        .collect()
}

/// A run of blocks of these lengths, with a step for each planned.
fn record(lens: impl IntoIterator<Item = u64>) -> Fixture {
    let mut next = 0;
    let blocks = lens.into_iter().map(|len| {
        next += len;
        (next - len..next).collect::<Vec<u64>>()
    });
    let blocks: Vec<Vec<u64>> = blocks.collect();
    let plan = Plan {
        planned: Some(next - 1),
        checkpoint_every: 0,
        ..Plan::default()
    };
    let record = |recorder: &mut Recorder| recorder.finish_after(blocks.iter().map(|b| &b[..]));
    Fixture::record_with(&plan, |_| {}, record)
}

fn bitcoinlib_accepts_every_block() {
    // More than 16 blocks, so that their heights are pushed in another way.
    let fixture = record([1; 18]);
    let blk = blk(&fixture.run);
    let ok = |block: &Block| (block.header.hash().to_string(), "ok".to_owned());
    let expected: Vec<_> = blocks(&fixture).iter().map(ok).collect();
    assert_eq!(expected.len(), 20);
    assert_eq!(judged("regtest", &blk), expected);
    // The verdict is the network's: mainnet allows no target so easy.
    for (_, verdict) in judged("mainnet", &blk) {
        assert_eq!(verdict, "CheckProofOfWork() : nBits below minimum work");
    }
}

fn bitcoinlib_refuses_tampered_blocks() {
    let fixture = Fixture::default();
    for (height, block) in blocks(&fixture).into_iter().enumerate() {
        let judge = |block: &Block| {
            let mut framed = blk(&fixture.run);
            // All blocks of this chain are of one length.
            let len = framed.len() / 7;
            framed[len * height + 8..len * (height + 1)].copy_from_slice(&block.to_bytes());
            let judged = judged("regtest", &framed);
            let others = judged.iter().enumerate().filter(|(at, _)| *at != height);
            assert!(others.into_iter().all(|(_, (_, verdict))| verdict == "ok"));
            judged[height].1.clone()
        };
        assert_eq!(judge(&block), "ok");

        let mut bad = block;
        bad.header.nonce = nonce(bad.header, false);
        assert_eq!(judge(&bad), "CheckProofOfWork() : hash doesn't match nBits");

        // Mined again, so that it is the root and not the work that is wrong.
        let mut bad = block;
        bad.header.tx_root = TxRoot([0x11; 32]);
        bad.header.nonce = nonce(bad.header, true);
        assert_eq!(judge(&bad), "CheckBlock() : hashMerkleRoot mismatch");

        let mut bad = block;
        bad.coinbase.commitment.0[31] ^= 1;
        assert_eq!(judge(&bad), "CheckBlock() : hashMerkleRoot mismatch");
    }
}

/// Writes what `pow export --format ots` writes of this step.
fn write_ots(run: &RunDir, subject: OtsSubject, file: &Path) {
    let mut proof = None;
    let end = walk(run, None, &mut |row, _| {
        proof = proof.take().or_else(|| ots_proof(row, subject));
    });
    assert_eq!(end.unwrap().failure(), None);
    std::fs::write(file, proof.unwrap()).unwrap();
}

/// What the script must print for each step: its parameter root, number and
/// height.
fn expected(fixture: &Fixture) -> Vec<String> {
    let mut lines = Vec::new();
    for (height, record) in fixture.file().records.iter().enumerate() {
        if let BodyKind::Steps(entries) = Body::from_bytes(&record.body).unwrap().kind {
            let line = |entry: &Entry| format!("{} {} {height}", entry.parameters, entry.step);
            lines.extend(entries.iter().map(line));
        }
    }
    lines
}

/// The lines for these steps of a run.
fn replayed(run: &RunDir, steps: &[u64]) -> Vec<String> {
    let dir = TempDir::new().unwrap();
    let mut paths = vec![run.chain()];
    for step in steps {
        let path = dir.path().join(format!("{step}.ots"));
        write_ots(run, OtsSubject::Step(StepNumber(*step)), &path);
        paths.push(path);
    }
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    lines("replay_ots.py", &["replay"], &paths)
}

/// Blocks of 1 to 9 entries: every place in trees of every such shape.
fn opentimestamps_replays_every_step() {
    let run = record(1..=9);
    let steps: Vec<u64> = (0..=44).collect();
    let expected = expected(&run);
    assert_eq!(expected.len(), steps.len());
    assert_eq!(replayed(&run.run, &steps), expected);
    // The chain counts: another one has other headers.
    let dir = TempDir::new().unwrap();
    let proof = dir.path().join("other.ots");
    write_ots(&run.run, OtsSubject::Step(StepNumber(3)), &proof);
    let other = Fixture::default();
    let refused = lines("replay_ots.py", &["replay"], &[&other.run.chain(), &proof]);
    assert_eq!(refused, ["refused: another chain"]);
}

/// The longest path that there is: a body of 65,536 entries.
fn opentimestamps_replays_a_full_body() {
    let last = 1 << 16;
    let run = record([1, last]);
    let expected = expected(&run);
    let steps = [1, 2, last / 2, last / 2 + 1, last];
    let expected = steps.map(|step| expected[step as usize].clone());
    assert_eq!(replayed(&run.run, &steps), expected);
}

fn opentimestamps_refuses_every_flipped_bit() {
    let fixture = Fixture::default();
    let dir = TempDir::new().unwrap();
    // Left and right in a tree of two, alone in its block, with a checkpoint.
    for step in [1, 2, 3] {
        let proof = dir.path().join(format!("{step}.ots"));
        write_ots(&fixture.run, OtsSubject::Step(StepNumber(step)), &proof);
        let bits = 8 * std::fs::metadata(&proof).unwrap().len();
        let chain = fixture.run.chain();
        let refused = lines("replay_ots.py", &["flip"], &[&chain, &proof]);
        assert_eq!(refused, [bits.to_string()]);
    }
}

/// A proof that the library makes over our header is taken in and counts, and one that
/// counts here leads the library to the same root.
fn opentimestamps_agrees_on_bitcoins_attestations() {
    let fixture = Fixture::default();
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name);
    let stamp = stamp(&fixture.run, None).unwrap();
    std::fs::write(path("head.header"), stamp.header).unwrap();
    let (made, ours) = (path("made.ots"), path("ours.ots"));
    let digest = lines("bitcoin_ots.py", &["make"], &[&path("head.header"), &made]);
    assert_eq!(digest[0], stamp.digest.to_string());
    let proof = std::fs::read(&made).unwrap();
    let accepted = accept(&fixture.run, &proof).unwrap();
    assert_eq!(accepted.height, stamp.height);
    let AnchorProof::OpenTimestamps(parsed) = accepted.proof else {
        panic!("another kind")
    };
    assert_eq!((parsed.paths.len(), parsed.is_complete()), (3, true));

    std::fs::write(&ours, complete(stamp.digest.0, 9)).unwrap();
    for (proof, height) in [(&made, 800_000), (&ours, 9)] {
        let run = Fixture::default();
        let bytes = std::fs::read(proof).unwrap();
        run.run
            .add_anchor(AnchorKind::OpenTimestamps, &bytes)
            .unwrap();
        let parsed = OtsProof::parse(&bytes).unwrap();
        let root = parsed.paths.iter().find_map(|path| match path.attestation {
            OtsAttestation::Bitcoin(_) => path.message.clone().try_into().ok(),
            _ => None,
        });
        let header = header(BlockHash::ZERO, root.unwrap(), 1_700_100_000);
        std::fs::write(path("bitcoin"), header.to_bytes()).unwrap();
        let theirs = lines("bitcoin_ots.py", &["verify"], &[proof, &path("bitcoin")]);
        assert_eq!(theirs, [format!("{height} 1700100000")]);
        let text = listed(&[(height, header)]);
        let options = AuditOptions {
            bitcoin_headers: Some(BitcoinHeaders::parse(text.as_bytes(), REGTEST).unwrap()),
            ..AuditOptions::default()
        };
        let report = audit(&run.run, &options, &mut |_| {}).unwrap();
        assert_eq!(report.time.unwrap().not_after, Some(1_700_100_000 + 7200));
        // And both refuse the header of another block.
        let other = pow_tests::anchors::header(BlockHash::ZERO, [1; 32], 1_700_100_000);
        std::fs::write(path("bitcoin"), other.to_bytes()).unwrap();
        let theirs = lines("bitcoin_ots.py", &["verify"], &[proof, &path("bitcoin")]);
        assert_eq!(theirs, ["refused: Digest does not match merkleroot"]);
    }
}

fn the_document_is_what_the_root_is_the_hash_of() {
    let fixture = Fixture::default();
    let script = scripts().join("param_root.py");
    let model = fixture.run.artifact();
    let printed = lines("replay_ots.py", &["document"], &[&script, &model]);
    // The artifact is that of the last step.
    let last = replayed(&fixture.run, &[6]);
    let (digest, _) = last[0].split_once(' ').unwrap();
    assert_eq!(printed, [format!("{digest} 104")]);
}
