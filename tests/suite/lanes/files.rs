//! The files of a run, hashed by the hasher that an audit is given.

use pow_audit::{AuditOptions, AuditReport, Level, RunHasher, Verdict, audit, audit_with};
use pow_core::chain::headers::HeaderHasher;
use pow_core::hash::{BlockHash, PlainSha2};
use pow_core::header::HEADER_LEN;
use pow_core::tensor::{CHUNK_LEN, DType, TensorHasher};
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::model::Shapes;
use std::sync::atomic::{AtomicUsize, Ordering};

/// 57 chunks and a part of one, three chunks, and less than one.
const LARGE: Shapes = &[
    ("embedding.weight", DType::F32, &[58, 1023]),
    ("linear.weight", DType::F32, &[3, 1024]),
    ("linear.bias", DType::F32, &[3]),
];

const WHOLE_CHUNKS: usize = 57 + 3;

fn record() -> Fixture {
    Fixture::record(&Plan {
        shapes: LARGE,
        ..Plan::default()
    })
}

/// Every hasher gives the same report, on a run that holds and on one that does
/// not.
pub fn verdicts(hasher: &dyn RunHasher) {
    let fixture = record();
    let report = || {
        let options = AuditOptions::default();
        let plain = audit(&fixture.run, &options, &mut |_| {}).unwrap();
        let report = audit_with(&fixture.run, &options, hasher, &mut |_| {}).unwrap();
        assert_eq!(report.to_string(), plain.to_string());
        report
    };
    let honest = report();
    let verdict = |report: &AuditReport, level| report.level(level).unwrap().verdict;
    assert_eq!(verdict(&honest, Level::State), Verdict::Holds, "{honest}");
    assert_eq!(verdict(&honest, Level::Artifact), Verdict::Holds);
    // A byte in the midst of the largest tensor.
    let path = fixture.run.artifact();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let damaged = report();
    assert_eq!(verdict(&damaged, Level::State), Verdict::Holds);
    assert_eq!(verdict(&damaged, Level::Artifact), Verdict::Fails);
}

/// Hashes as the reference does, and counts the chunks.
#[derive(Default)]
struct Counting(AtomicUsize);

impl TensorHasher for Counting {
    fn chunks(&self, chunks: &[[u8; CHUNK_LEN]], leaves: &mut [[u8; 32]]) {
        self.0.fetch_add(chunks.len(), Ordering::Relaxed);
        PlainSha2.chunks(chunks, leaves);
    }

    fn nodes(&self, pairs: &[[[u8; 32]; 2]], nodes: &mut [[u8; 32]]) {
        PlainSha2.nodes(pairs, nodes);
    }
}

impl HeaderHasher for Counting {
    fn hash(&self, headers: &[[u8; HEADER_LEN]], hashes: &mut [BlockHash]) {
        PlainSha2.hash(headers, hashes);
    }
}

pub fn count() {
    let fixture = record();
    let hasher = Counting::default();
    audit_with(&fixture.run, &AuditOptions::default(), &hasher, &mut |_| {}).unwrap();
    // The models of three checkpoints, the moments of two, and the artifact.
    assert_eq!(hasher.0.into_inner(), (3 + 2 + 1) * WHOLE_CHUNKS);
}
