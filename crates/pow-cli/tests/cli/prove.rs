//! `pow prove` and `pow check-proof`, one after the other.

use crate::program::{check_proof as check, prove};
use pow_core::block::Block;
use pow_core::hash::BlockHash;
use pow_tests::fixture::{Fixture, Plan, Recorder};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A recorded run, and a place for proofs.
struct Bench {
    fixture: Fixture,
    dir: TempDir,
    head: String,
}

impl Bench {
    fn new() -> Self {
        let fixture = Fixture::default();
        let block = Block::from_bytes(&fixture.file().records[6].block).unwrap();
        Bench {
            head: block.header.hash().to_string(),
            fixture,
            dir: TempDir::new().unwrap(),
        }
    }

    fn run(&self) -> &Path {
        self.fixture.run.path()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Makes a proof and leaves it in a file.
    #[track_caller]
    fn prove(&self, arguments: &[&str]) -> PathBuf {
        let outcome = prove(self.run(), arguments);
        outcome.expect(0, &[]);
        assert_eq!(outcome.stderr, "");
        let path = self.path("proof.json");
        std::fs::write(&path, outcome.stdout).unwrap();
        path
    }
}

#[test]
fn every_kind_of_proof_goes_round() {
    let bench = Bench::new();
    let genesis = bench.fixture.genesis.to_string();
    let chunk = [
        "--step",
        "3",
        "--tensor",
        "embedding.weight",
        "--chunk",
        "1",
    ];
    #[rustfmt::skip]
    let kinds: [(&[&str], &str); 6] = [
        (&["--step", "5"], "entry    step 5"),
        (&["--step", "6", "--tensor", "conv.bias"], "tensor   conv.bias F32 [4], 16 bytes"),
        (&chunk, "chunk    1: 1184 bytes from byte 4096 on"),
        (&["--block", "2"], "it is block 2 of the head's chain"),
        (&["--block", "6"], "(final, block 6)"),
        (&["--extends", &genesis], "the head extends it"),
    ];
    for (arguments, words) in kinds {
        let proof = bench.prove(arguments);
        let all = [
            "SHOWN, UNANCHORED",
            words,
            "NOT SHOWN",
            "pin it with --head",
        ];
        check(&proof, &[]).expect(0, &all);
        check(&proof, &["--head", &bench.head]).expect(0, &["SHOWN UNDER THE PINNED HEAD", words]);
        let words = ["DOES NOT HOLD: head: is block", "shows nothing"];
        check(&proof, &["--head", &genesis]).expect(1, &words);
    }
}

#[test]
fn an_earlier_head_will_do() {
    let bench = Bench::new();
    let proof = bench.prove(&["--step", "2", "--head", "3"]);
    check(&proof, &[]).expect(0, &["(steps, block 3)", "(steps, block 2)", "step 2"]);
    // The step's own block as the head: no other block is needed.
    let proof = bench.prove(&["--step", "2", "--head", "2"]);
    let report = check(&proof, &["--json"]).json();
    assert_eq!(report["head"]["height"], 2);
    assert_eq!(report["block"], Value::Null);
    assert_eq!(report["entry"]["step"], 2);
    assert_eq!(report["not_shown"].as_array().unwrap().len(), 3);
}

#[test]
fn one_head_extends_another() {
    let bench = Bench::new();
    let older = check(&bench.prove(&["--block", "4"]), &["--json"]).json();
    let older = older["block"]["hash"].as_str().unwrap();
    let proof = bench.prove(&["--extends", older]);
    let both = ["--head", &bench.head, "--older", older];
    check(&proof, &both).expect(0, &["SHOWN FROM THE PINNED BLOCK TO THE PINNED HEAD"]);
    check(&proof, &both[2..]).expect(0, &["SHOWN FROM THE PINNED BLOCK, HEAD UNANCHORED"]);
    let report = check(&proof, &["--json"]).json();
    assert_eq!(report["schema"], "burn-pow/check-proof/v0");
    assert_eq!(report["extends"], true);
    assert_eq!(report["holds"], true);

    check(&proof, &["--older", &bench.head]).expect(1, &["DOES NOT HOLD: block: is block"]);
    let block = bench.prove(&["--block", "4"]);
    check(&block, &["--older", older]).expect(1, &["extension: the proof has none"]);
    let outcome = prove(bench.run(), &["--extends", &bench.head]);
    outcome.expect(2, &["is the head itself"]);
}

#[test]
fn values_are_written_and_compared() {
    let bench = Bench::new();
    let value = bench.path("value");
    let tensor = ["--step", "3", "--tensor", "embedding.weight"];
    let written = ["--value", value.to_str().unwrap()];
    for (chunk, len) in [
        (&[][..], 5280),
        (&["--chunk", "0"], 4096),
        (&["--chunk", "1"], 1184),
    ] {
        let _ = std::fs::remove_file(&value);
        let proof = bench.prove(&[&tensor, chunk, &written].concat());
        let mut bytes = std::fs::read(&value).unwrap();
        assert_eq!(bytes.len(), len);
        check(&proof, &written).expect(0, &["the bytes given are those proved"]);
        bytes[len - 1] ^= 1;
        std::fs::write(&value, &bytes).unwrap();
        check(&proof, &written).expect(1, &["value: the value has the right length, but other"]);
        std::fs::write(&value, &bytes[1..]).unwrap();
        check(&proof, &written).expect(1, &[&format!("value: the value has {} bytes", len - 1)]);
    }
    let proof = bench.prove(&["--step", "3"]);
    check(&proof, &written).expect(1, &["the proof is not about a tensor"]);
}

#[test]
fn tensors_lie_in_checkpoints_or_the_artifact() {
    let bench = Bench::new();
    let tensor = |step| ["--step", step, "--tensor", "conv.bias"];
    let outcome = prove(bench.run(), &tensor("4"));
    let words = ["the tensors of step 4 are not in the run", "steps 3 and 6"];
    outcome.expect(2, &words);
    assert_eq!(outcome.stdout, "");

    // The last step's checkpoint is gone: the artifact has the same tensors.
    let proof_of_6 = || std::fs::read(bench.prove(&tensor("6"))).unwrap();
    let with_checkpoint = proof_of_6();
    std::fs::remove_dir_all(bench.fixture.run.checkpoints()).unwrap();
    assert_eq!(proof_of_6(), with_checkpoint);
    let outcome = prove(bench.run(), &tensor("3"));
    outcome.expect(2, &["of step 3 are not in the run", "was removed"]);

    // Another step's tensors in its place are found out.
    let other = Fixture::other();
    std::fs::copy(other.run.artifact(), bench.fixture.run.artifact()).unwrap();
    let words = ["has parameter root", "step 6 is committed with"];
    prove(bench.run(), &tensor("6")).expect(1, &words);
    std::fs::write(bench.fixture.run.artifact(), b"no tensors").unwrap();
    prove(bench.run(), &tensor("6")).expect(1, &["model.safetensors"]);
}

#[test]
fn what_is_not_there_is_exit_code_2() {
    let bench = Bench::new();
    let nowhere = BlockHash([7; 32]).to_string();
    #[rustfmt::skip]
    let cases: [(&[&str], &str); 9] = [
        (&["--step", "7"], "there is no entry of step 7 up to the head, block 6"),
        (&["--step", "5", "--head", "3"], "there is no entry of step 5 up to the head, block 3"),
        (&["--block", "7"], "there is no block 7; the last one is block 6"),
        (&["--block", "6", "--head", "4"], "there is no block 6 up to the head, block 4"),
        (&["--block", "1", "--head", "9"], "there is no block 9; the last one is block 6"),
        (&["--extends", &nowhere], "up to the head"),
        (&["--step", "3", "--tensor", "conv"], "there is no tensor \"conv\""),
        (&["--step", "3", "--tensor", "conv.bias", "--chunk", "1"],
            "has 1 chunks, counted from 0; there is no chunk 1"),
        (&["--step", "3", "--tensor", "unused", "--chunk", "0"], "has 0 chunks"),
    ];
    for (arguments, words) in cases {
        let outcome = prove(bench.run(), arguments);
        outcome.expect(2, &[words]);
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
    prove(&bench.path("none"), &["--step", "0"]).expect(2, &["chain.pow"]);
    check(&bench.path("none"), &[]).expect(2, &["none: "]);
    let proof = bench.prove(&["--step", "0"]);
    check(&proof, &["--value", "no/such/file"]).expect(2, &["no/such/file"]);
}

#[test]
fn a_bad_chain_proves_nothing() {
    let bench = Bench::new();
    let chain = bench.fixture.run.chain();
    let mut bytes = std::fs::read(&chain).unwrap();
    bytes[900] ^= 1;
    std::fs::write(&chain, &bytes).unwrap();
    let outcome = prove(bench.run(), &["--block", "0", "--head", "1"]);
    outcome.expect(1, &["the chain does not hold: byte "]);
    assert!(outcome.stdout.is_empty());
}

#[test]
fn a_run_that_goes_on_can_prove() {
    let dir = TempDir::new().unwrap();
    let run = dir.path().join("run");
    let mut recorder = Recorder::begin(&run, &Plan::default());
    recorder.steps(&[0]);
    recorder.steps(&[1, 2]);
    let proof = dir.path().join("proof");
    let made = prove(&run, &["--step", "0", "--tensor", "conv.bias"]);
    std::fs::write(&proof, made.stdout).unwrap();
    check(&proof, &[]).expect(0, &["(steps, block 2)", "step 0"]);
    prove(&run, &["--step", "2", "--tensor", "conv.bias"])
        .expect(2, &["the nearest is that of step 0"]);
}

#[test]
fn a_proof_cannot_write_its_own_report() {
    let bench = Bench::new();
    let proof = std::fs::read_to_string(bench.prove(&["--step", "3", "--tensor", "conv.bias"]));
    let path = bench.path("bad.json");
    let bad = proof
        .unwrap()
        .replace("conv.bias", "x\\nSHOWN UNDER\\u001b[2J");
    std::fs::write(&path, bad).unwrap();
    let outcome = check(&path, &[]);
    outcome.expect(1, &["DOES NOT HOLD: tensor"]);
    let bad = "{\"schema\": \"\\nSHOWN UNDER THE PINNED HEAD\\u001b[2J\"}";
    std::fs::write(&path, bad).unwrap();
    let outcome = check(&path, &[]);
    outcome.expect(1, &["DOES NOT HOLD: malformed proof"]);
    assert!(!outcome.stdout.contains("\nSHOWN"), "{outcome:?}");
    assert!(!outcome.stdout.contains('\u{1b}'), "{outcome:?}");
}
