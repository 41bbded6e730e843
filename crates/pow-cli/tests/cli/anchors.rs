//! `pow stamp`, `pow anchor` and `pow verify --bitcoin-headers`.

use crate::program::{pow, verify};
use pow_core::extension::{BitcoinBlock, Known};
use pow_core::hash::BlockHash;
use pow_tests::anchors::{complete, header, listed, pending, root, stamped};
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::lineage::{BLOCKS, names};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

#[test]
fn the_word_of_a_trusted_tsa_counts() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let dir = TempDir::new().unwrap();
    let run = dir.path().join("run");
    copy(&tests.join("v1/plain/run"), &run);
    let run_text = run.to_str().unwrap();
    let file = |name: &str| tests.join("tsa").join(name).to_str().unwrap().to_owned();
    let words = [
        "block 39: ",
        ".tsr\n  a TSA says 20",
        "by its policy 1.3.6.1.4.1.32473.1",
    ];
    pow(&["anchor", run_text, &file("rsa.tsr")]).expect(0, &words);
    verify(&run, &[]).expect(0, &["no certificate of a TSA is trusted (--trust-tsa)"]);
    let root = file("root.pem");
    let trusted = ["--trust-tsa", &root];
    let words = [
        "holds in part  not after 20",
        "the word of the TSA \"CN=TSA rsa,O=Vectors\"",
    ];
    verify(&run, &trusted).expect(0, &words);
    let report = verify(&run, &[&trusted[..], &["--json"]].concat()).json();
    assert_eq!(report["time"]["anchors"][0]["state"], "counts");
    assert_eq!(
        report["time"]["anchors"][0]["tsa"],
        "\"CN=TSA rsa,O=Vectors\""
    );
    // The same without the run.
    let receipt = dir.path().join("receipt");
    let receipt = receipt.to_str().unwrap();
    pow(&["receipt", run_text, "--out", receipt]).expect(0, &[" bytes\n"]);
    pow(&["receipt", run_text, "--out", receipt]).expect(2, &["exists already"]);
    let model = tests.join("v1/plain/run/model.safetensors");
    let other_model = tests.join("v1/bound/run/model.safetensors");
    let [model, other_model] = [&model, &other_model].map(|path| path.to_str().unwrap());
    let check = |more: &[&str]| pow(&[&["check-receipt", receipt], more].concat());
    check(&[]).expect(
        0,
        &[
            "CONSISTENT, UNANCHORED",
            "no certificate of a TSA is trusted",
        ],
    );
    let words = [
        "ANCHORED IN TIME IN PART",
        "*ARTIFACT   holds",
        "the word of the TSA",
    ];
    check(&[&trusted[..], &["--model", model]].concat()).expect(0, &words);
    check(&["--model", other_model]).expect(1, &["DOES NOT HOLD (artifact)"]);
    check(&["--head", &"07".repeat(32)]).expect(1, &["DOES NOT HOLD (chain)"]);
    check(&["--require", "finished"]).expect(0, &["*FINISHED   holds"]);
    check(&["--require", "time"]).expect(1, &["DOES NOT HOLD (time)"]);
    check(&["--trust-tsa", &file("nothing")]).expect(2, &["nothing"]);
    let json = check(&["--json"]).json();
    assert_eq!(json["schema"], "burn-pow/check-receipt/v1");
    assert_eq!(json["chain"]["height"], 39);
    pow(&["check-receipt", &root]).expect(1, &["not a receipt"]);
    pow(&["check-receipt", run_text]).expect(2, &[]);
    verify(&run, &["--trust-tsa", &file("head.header")]).expect(2, &["no certificate"]);
    verify(&run, &["--trust-tsa", &file("nothing")]).expect(2, &["nothing"]);
    // Another run's, and what is none.
    let other = TempDir::new().unwrap();
    let other_run = other.path().join("run");
    copy(&tests.join("v1/bound/run"), &other_run);
    let words = ["that of no block of this chain"];
    pow(&["anchor", other_run.to_str().unwrap(), &file("rsa.tsr")]).expect(1, &words);
    let words = ["not a timestamp of a TSA that can be kept"];
    pow(&["anchor", run_text, &file("head.header.tsq")]).expect(1, &words);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

#[test]
fn a_run_is_stamped_anchored_and_verified() {
    let early = header(BlockHash::ZERO, [1; 32], 1_699_900_000);
    let named = BitcoinBlock {
        height: 7,
        header: early,
    };
    let run = Fixture::record_with(
        &Plan::default(),
        names(Known::BitcoinBlock(named)),
        |recorder| recorder.finish_after(BLOCKS),
    );
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (run_path, out, proof) = (run.run.path(), path("head.header"), path("head.header.ots"));
    let run_text = run_path.to_str().unwrap();

    let words = ["block 6: sha256 "];
    pow(&["stamp", run_text, "--out", &out]).expect(0, &words);
    assert_eq!(
        fs::read(&out).unwrap()[..],
        run.file().records[6].block[..80]
    );
    pow(&["stamp", run_text, "--out", &out]).expect(2, &["exists already"]);
    fs::remove_file(&out).unwrap();
    let words = ["head.header.tsq exists already"];
    pow(&["stamp", run_text, "--out", &out]).expect(2, &words);
    assert!(!fs::exists(&out).unwrap());
    let request = fs::read(out.clone() + ".tsq").unwrap();
    assert!(request.windows(32).any(|part| part == stamped(&run, 6)));
    fs::remove_file(out.clone() + ".tsq").unwrap();
    pow(&["stamp", run_text, "--out", &out]).expect(0, &["block 6: sha256 "]);
    // Each request has a number of its own.
    assert_ne!(fs::read(out.clone() + ".tsq").unwrap(), request);
    let third = path("third");
    pow(&["stamp", run_text, "--out", &third, "--block", "3"]).expect(0, &["block 3: sha256 "]);
    let none = path("none");
    pow(&["stamp", run_text, "--out", &none, "--block", "7"]).expect(2, &["there is no block 7"]);
    assert!(!fs::exists(&none).unwrap());

    let digest = stamped(&run, 6);
    fs::write(&proof, pending(digest)).unwrap();
    let words = [
        "block 6: ",
        "pending at \"https://calendar.example\"",
        "ots upgrade",
    ];
    pow(&["anchor", run_text, &proof]).expect(0, &words);
    verify(run_path, &[]).expect(0, &["PENDING: the calendar"]);
    fs::write(&proof, complete(digest, 8)).unwrap();
    pow(&["anchor", run_text, &proof]).expect(0, &["leads to Bitcoin block 8"]);
    pow(&["anchor", run_text, &proof]).expect(0, &["leads to Bitcoin block 8"]);
    assert_eq!(run.run.anchors().unwrap().len(), 2);

    // What does not belong to the run stays out.
    fs::write(&proof, complete([7; 32], 8)).unwrap();
    pow(&["anchor", run_text, &proof]).expect(1, &["that of no block of this chain"]);
    pow(&["anchor", run_text, &out]).expect(1, &["not an OpenTimestamps proof"]);
    pow(&["anchor", run_text, &path("nothing")]).expect(2, &["nothing"]);
    let chain = run.run.chain();
    pow(&["anchor", chain.to_str().unwrap(), &proof]).expect(2, &["needs the run directory"]);
    assert_eq!(run.run.anchors().unwrap().len(), 2);

    let late = header(early.hash(), root(digest), 1_700_100_000);
    let headers = path("headers");
    fs::write(&headers, listed(&[(7, early), (8, late)])).unwrap();
    let given = ["--bitcoin-headers", &headers, "--bitcoin-limit", "207fffff"];
    let required = [&given[..], &["--require", "time"]].concat();
    let words = ["*TIME       holds", "made between", "ANCHORED IN TIME"];
    verify(run_path, &required).expect(0, &words);
    let json = verify(run_path, &[&required[..], &["--json"]].concat()).json();
    assert_eq!(json["time"]["not_after"], 1_700_107_200);
    let states = json["time"]["anchors"].as_array().unwrap().iter();
    let mut states: Vec<&str> = states
        .map(|anchor| anchor["state"].as_str().unwrap())
        .collect();
    states.sort();
    assert_eq!(states, ["counts", "pending"]);

    // One end is not enough, and test networks count only where the verifier says so.
    fs::write(&headers, listed(&[(8, late)])).unwrap();
    verify(run_path, &given).expect(0, &[" TIME       holds in part"]);
    verify(run_path, &required).expect(1, &["DOES NOT HOLD (time)"]);
    verify(run_path, &required[..2]).expect(2, &["too little work for Bitcoin"]);
    verify(run_path, &["--require", "time"]).expect(1, &["DOES NOT HOLD (time)"]);
    verify(run_path, &["--bitcoin-limit", "207fffff"]).expect(2, &["--bitcoin-headers"]);
    let limit = ["--bitcoin-headers", &headers, "--bitcoin-limit", "2x"];
    verify(run_path, &limit).expect(2, &["8 hex digits"]);

    run.write(b"nothing");
    let nothing = path("damaged");
    pow(&["stamp", run_text, "--out", &nothing]).expect(1, &["the chain does not hold"]);
    assert!(!fs::exists(&nothing).unwrap());
    pow(&["anchor", run_text, &proof]).expect(1, &["the chain does not hold"]);
}

#[test]
fn a_model_needs_a_final_block_to_be_compared_with() {
    let begun = Fixture::record_with(&Plan::default(), |_| {}, |recorder| recorder.steps(&[0]));
    let dir = TempDir::new().unwrap();
    let receipt = dir.path().join("receipt");
    let receipt = receipt.to_str().unwrap();
    pow(&[
        "receipt",
        begun.run.path().to_str().unwrap(),
        "--out",
        receipt,
    ])
    .expect(0, &[]);
    let words = [" FINISHED   not checked", " ARTIFACT   not checked"];
    pow(&["check-receipt", receipt]).expect(0, &words);
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    let model = tests.join("v1/plain/run/model.safetensors");
    let words = ["DOES NOT HOLD (artifact)", "there is no final block"];
    let with_model = ["check-receipt", receipt, "--model", model.to_str().unwrap()];
    pow(&with_model).expect(1, &words);
}
