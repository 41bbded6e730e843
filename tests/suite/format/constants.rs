//! Names and numbers of `docs/format.md` beside the tables of chain, block and
//! body: tensor files, proofs, challenges, exports, targets and limits.

use super::example;
use super::page::{Page, hex, number, value};
use pow_audit::export::{BLK_MAGIC, OTS_ATTESTATION};
use pow_audit::proof::{MAX_PROOF_LEN, ProofRequest, ProofSubject, proof_to_json, prove};
use pow_audit::replay::MAX_REPORT_LEN;
use pow_audit::{AuditOptions, Level, audit};
use pow_core::body::{Genesis, OrderRule, StepNumber};
use pow_core::chain::HEADER_TIME_WINDOW;
use pow_core::challenge::{ChallengeSource, ChallengeValue, MAX_CHALLENGE_VALUE};
use pow_core::hash::{BlockHash, TAG_PREFIX, Tag};
use pow_core::target::{MAX_TARGET, ZeroBits};
use pow_core::tensor::CHUNK_LEN;
use pow_ledger::{CheckpointFiles, RunDir, TensorFile};
use pow_tests::fixture::{Fixture, Plan, Recorder};
use serde_json::Value;
use std::num::NonZeroU32;
use tempfile::TempDir;

tests! {
    state_json, tensor_header, proof_fields, challenge_sources, block_file, timestamp_proof,
    samples_whose_order_is_made_again, numbers_in_the_text
}

fn page() -> Page {
    Page::read("format.md")
}

/// A checkpoint of a recorded run.
fn checkpoint(run: &RunDir) -> CheckpointFiles {
    let mut entries = std::fs::read_dir(run.checkpoints()).unwrap();
    let name = entries.next().unwrap().unwrap().file_name();
    let root = name.to_str().unwrap().parse().unwrap();
    run.checkpoint(root)
}

fn state_json() {
    let page = page();
    let fixture = Fixture::record(&Plan::default());
    let files = checkpoint(&fixture.run);
    let text = std::fs::read_to_string(files.state()).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let written = written.as_object().unwrap();
    let rows = page.table("### state.json", "Field | Meaning");
    let mut listed: Vec<&String> = rows.iter().map(|row| &row[0]).collect();
    listed.sort();
    assert!(listed.into_iter().eq(written.keys()), "{text}");
    let schema = written["schema"].as_str().unwrap();
    assert_eq!(rows[0][1], format!("the text {schema}"));

    let most = page.number("### state.json", "One JSON object of at most ") as usize;
    let padded = |len: usize| format!("{text}{}", " ".repeat(len - text.len()));
    std::fs::write(files.state(), padded(most)).unwrap();
    assert!(files.state_file().is_ok());
    std::fs::write(files.state(), padded(most + 1)).unwrap();
    assert!(files.state_file().is_err());
}

/// The file is sparse: it holds zeros, which are no header.
fn tensor_header() {
    let page = page();
    let rows = page.table("### Tensor files", "Offset | Size | Tensor file");
    assert_eq!(rows[0][..2], ["0", "8"]);
    let (_, most) = rows[0][2].split_once("at most ").unwrap();
    let most = number(most).unwrap();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("model.safetensors");
    let refused = |len: u64| {
        std::fs::write(&path, len.to_le_bytes()).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(8 + len).unwrap();
        TensorFile::open(&path).unwrap_err().to_string()
    };
    let limit = format!("{most}");
    assert!(!refused(most).contains(&limit), "the header is read");
    assert!(refused(most + 1).contains(&limit), "the header is not read");
}

/// A proof with all optional parts has the fields that are listed, and no
/// others; what is marked optional can be left out.
fn proof_fields() {
    let page = page();
    let fixture = Fixture::record(&Plan::default());
    let json = |subject| {
        let request = ProofRequest {
            head: None,
            subject,
        };
        let made = prove(&fixture.run, &request, &mut |_| {}).unwrap();
        let text = proof_to_json(&made.proof).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let whole = json(ProofSubject::Tensor {
        step: StepNumber(3),
        path: "embedding.weight".into(),
        chunk: Some(pow_core::proof::LeafIndex(1)),
    });
    let extends = json(ProofSubject::Extends(fixture.genesis));
    let keys = |value: &Value| -> Vec<String> {
        let keys = value.as_object().unwrap().keys();
        keys.cloned().collect()
    };
    let mut block = keys(&extends["block"]);
    block.sort();
    let table = |of: &str| page.table("### Form", &format!("{of} | Value"));
    let compare = |of: &str, mut found: Vec<String>| {
        let mut listed: Vec<String> = table(of)
            .iter()
            .flat_map(|row| row[0].split(", ").map(str::to_owned).collect::<Vec<_>>())
            .collect();
        listed.sort();
        found.sort();
        assert_eq!(listed, found, "{of}");
    };
    compare("Field", keys(&whole));
    compare("Field of head", keys(&whole["head"]));
    compare("Field of block", block);
    compare("Field of entry", keys(&whole["entry"]));
    compare("Field of tensor", keys(&whole["entry"]["tensor"]));
    compare("Field of chunk", keys(&whole["entry"]["tensor"]["chunk"]));
    let schema = whole["schema"].as_str().unwrap();
    assert_eq!(table("Field")[0][1], format!("the text {schema}"));
    let most = page.number("### Form", "byte order mark, of at most ");
    assert_eq!(most, MAX_PROOF_LEN as u64);
}

fn challenge_sources() {
    let page = page();
    let rows = page.table("## Challenges", "Source | Value");
    let value_of = |bytes: &[u8]| ChallengeValue::new(bytes.to_vec()).unwrap();
    let sources = [
        (0, "head", ChallengeSource::Head, &b""[..]),
        (
            1,
            "verifier",
            ChallengeSource::Verifier(value_of(b"v")),
            b"v",
        ),
        (2, "beacon", ChallengeSource::Beacon(value_of(b"b")), b"b"),
    ];
    for (row, (number, name, source, bytes)) in rows.iter().zip(&sources) {
        assert_eq!(value(&row[0]), Some((*number, (*name).to_owned())));
        let head = BlockHash([9; 32]);
        let hashed = [
            &head.0[..],
            &[*number],
            &(bytes.len() as u32).to_le_bytes(),
            bytes,
        ];
        assert_eq!(source.seed(head).0, Tag::Challenge.hash(&hashed.concat()));
    }
    assert_eq!(rows.len(), sources.len());
    for row in &rows[1..] {
        let (_, limit) = row[1].split_once("1 to ").unwrap();
        let limit = number(limit).unwrap() as usize;
        assert_eq!(limit, MAX_CHALLENGE_VALUE);
        assert!(ChallengeValue::new(vec![0; limit]).is_ok());
        assert!(ChallengeValue::new(vec![0; limit + 1]).is_err());
    }
    assert!(ChallengeValue::new(Vec::new()).is_err());
}

fn block_file() {
    let rows = page().table("### Block files", "Size | Block file");
    let (magic, _) = rows[0][1].split_once(',').unwrap();
    assert_eq!(hex(magic).unwrap(), BLK_MAGIC);
    assert_eq!(rows[0][0], BLK_MAGIC.len().to_string());
}

/// What the table fixes, before and after the operations, in the example's
/// proof.
fn timestamp_proof() {
    let rows = page().table("### OpenTimestamps proofs", "Bytes | Meaning");
    let proof = super::exports::ots(&example::Example::new()).bytes();
    let magic = rows[0][1].strip_prefix("magic: ").unwrap();
    let mut start = hex(magic).unwrap();
    assert_eq!(start.len().to_string(), rows[0][0]);
    for row in &rows[1..3] {
        start.extend(hex(&row[0]).unwrap());
    }
    assert!(proof.starts_with(&start));
    let (_, tag) = rows[6][1].split_once("its tag: ").unwrap();
    let tag = hex(tag.split(',').next().unwrap()).unwrap();
    assert_eq!(tag, OTS_ATTESTATION);
    let payload = number(&rows[8][0]).unwrap() + number(&rows[9][0]).unwrap();
    let (_, said) = rows[7][1].split_once("payload, ").unwrap();
    assert_eq!(number(said), Some(payload));
    assert_eq!(hex(&rows[7][0]).unwrap(), [payload as u8]);
    let end = [&hex(&rows[5][0]).unwrap()[..], &tag, &[payload as u8]].concat();
    let at = proof.len() - payload as usize - end.len();
    assert_eq!(proof[at..at + end.len()], end);
}

/// More samples than the page says are valid and not looked at.
fn samples_whose_order_is_made_again() {
    let most = page().number("## Data and order", "There are **more than ") as u32;
    let lines = |items: u32| {
        let dir = TempDir::new().unwrap();
        let edit = |genesis: &mut Genesis| {
            let OrderRule::Seeded {
                items: declared, ..
            } = &mut genesis.order
            else {
                unreachable!("the fixture's order is seeded");
            };
            *declared = NonZeroU32::new(items).unwrap();
        };
        let mut recorder = Recorder::begin_with(&dir.path().join("run"), &Plan::default(), edit);
        // Entry 0 has no samples: nothing is sorted, however many there are.
        recorder.steps(&[0]);
        let report = audit(recorder.run(), &AuditOptions::default(), &mut |_| {}).unwrap();
        pow_tests::audits::lines(&report, Level::Data)
    };
    assert!(lines(most).contains("no entry has a batch digest"));
    let words = format!("declares {} samples", most + 1);
    assert!(lines(most + 1).contains(&words));
}

fn numbers_in_the_text() {
    let page = page();
    let said = |heading, words| page.number(heading, words);
    let tensors = "## Tensors and states";
    assert_eq!(said(tensors, "cut into chunks of "), CHUNK_LEN as u64);
    let limit = u64::from(MAX_TARGET.0);
    assert_eq!(said("## Targets and work", "a target above "), limit);
    let bits = ZeroBits::new(16).unwrap().compact();
    assert_eq!(
        said("## Targets and work", "16 bits are "),
        u64::from(bits.0)
    );
    assert_eq!(said("## Targets and work", "*n* zero bits, "), 1);
    assert_eq!(said("## Targets and work", "*n* zero bits, 1 to "), 255);
    let window = said("## Rules", "header time ≤ floor(start / 1000) + ");
    assert_eq!(window, HEADER_TIME_WINDOW);
    let prefix = format!("SHA256(\"{TAG_PREFIX}\" ‖ name)");
    assert!(page.section("### Tagged hashes").contains(&prefix));
    let report = Page::read("replay.md");
    let most = report.number("## The report file", "UTF-8 of at most ");
    assert_eq!(most, MAX_REPORT_LEN as u64);
}
