//! The runs of `tests/vectors/v1`, which never change, against the code.

mod observed;

use crate::python::printed_by;
use observed::{Observed, observe};
use pow_audit::export::{OtsSubject, ots_proof, write_blk};
use pow_audit::proof::{
    CheckOptions, ProofRequest, ProofSubject, check_proof, proof_to_json, prove,
};
use pow_audit::replay::ReplayReport;
use pow_audit::walk::walk;
use pow_audit::{AuditOptions, Level, audit};
use pow_core::body::StepNumber;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::proof::LeafIndex;
use pow_ledger::RunDir;
use pow_tests::oracle::hex;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

tests! {
    no_byte_has_changed, runs_are_judged_as_ever, replay_reports_are_judged_as_ever,
    proofs_are_the_same_and_hold, exports_are_the_same;
    Python: python_agrees
}

/// SHA-256 of `SHA256SUMS`. Format v1 is frozen: a change that breaks this is
/// wrong, or needs a new version with other vectors.
const SUMS: &str = "b2212fcd28184209e07e7bcaedef642690f6f083a921342582feb584bac4012d";

/// Steps that have proofs: the last one, which has the artifact, and one between
/// two checkpoints.
const LAST: StepNumber = StepNumber(45);
const BETWEEN: StepNumber = StepNumber(20);

/// The tensor that has proofs.
const TENSOR: &str = "conv2.weight";

fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/v1")
}

/// The directories of both vectors.
fn vectors() -> [PathBuf; 2] {
    ["plain", "bound"].map(|name| place().join(name))
}

fn run(vector: &Path) -> RunDir {
    RunDir::new(vector.join("run"))
}

fn expected(vector: &Path) -> Observed {
    let text = fs::read(vector.join("expected.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn head(vector: &Path) -> BlockHash {
    expected(vector).head.parse().unwrap()
}

fn digest(path: &Path) -> String {
    hex(&Sha256::digest(fs::read(path).unwrap()))
}

fn no_byte_has_changed() {
    let sums = place().join("SHA256SUMS");
    assert_eq!(digest(&sums), SUMS);
    let text = fs::read_to_string(sums).unwrap();
    let listed: BTreeMap<String, String> = text
        .lines()
        .map(|line| {
            let (digest, file) = line.split_once("  ").unwrap();
            (file.to_owned(), digest.to_owned())
        })
        .collect();
    let mut found = BTreeMap::new();
    for vector in vectors() {
        files(&vector, &mut found);
    }
    assert_eq!(found, listed);
}

/// All files below, by their path from `v1` on, with their digests.
fn files(dir: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
            continue;
        }
        let parts = path.strip_prefix(place()).unwrap().iter();
        let parts: Vec<&str> = parts.map(|part| part.to_str().unwrap()).collect();
        found.insert(parts.join("/"), digest(&path));
    }
}

fn runs_are_judged_as_ever() {
    for vector in vectors() {
        assert_eq!(observe(&vector), expected(&vector), "{}", vector.display());
    }
}

fn replay_reports_are_judged_as_ever() {
    for vector in vectors() {
        let expected = expected(&vector);
        for (report, levels) in [
            ("replay-all.json", &expected.levels_with_all_replayed),
            ("replay-picked.json", &expected.levels_with_picks_replayed),
        ] {
            let text = fs::read(vector.join(report)).unwrap();
            let read = ReplayReport::from_json(&text).unwrap();
            assert_eq!(read.to_json().unwrap().as_bytes(), text, "{report}");
            let options = AuditOptions {
                replay_reports: vec![vector.join(report)],
                require: [Level::Replay].into(),
                ..AuditOptions::default()
            };
            let judged = audit(&run(&vector), &options, &mut |_| {}).unwrap();
            assert_eq!(&observed::levels(&judged), levels, "{report}");
            assert!(judged.holds(), "{report}");
        }
    }
}

/// The proofs of a vector: the file, what it is about, and the file of the bytes
/// that it proves.
fn subjects(expected: &Observed) -> [(&'static str, ProofSubject, Option<&'static str>); 5] {
    let genesis = expected.genesis.parse().unwrap();
    let tensor = |chunk| ProofSubject::Tensor {
        step: LAST,
        path: TENSOR.into(),
        chunk,
    };
    [
        ("step.proof.json", ProofSubject::Step(BETWEEN), None),
        ("tensor.proof.json", tensor(None), Some("tensor.bin")),
        (
            "chunk.proof.json",
            tensor(Some(LeafIndex(1))),
            Some("chunk.bin"),
        ),
        (
            "block.proof.json",
            ProofSubject::Block(Height::new(2).unwrap()),
            None,
        ),
        ("extends.proof.json", ProofSubject::Extends(genesis), None),
    ]
}

fn proofs_are_the_same_and_hold() {
    for vector in vectors() {
        let expected = expected(&vector);
        for (file, subject, value) in subjects(&expected) {
            let committed = fs::read(vector.join(file)).unwrap();
            let value = value.map(|value| fs::read(vector.join(value)).unwrap());
            let request = ProofRequest {
                head: None,
                subject,
            };
            let made = prove(&run(&vector), &request, &mut |_| {}).unwrap();
            let text = proof_to_json(&made.proof).unwrap();
            assert_eq!(
                text.trim_end().as_bytes(),
                committed.trim_ascii_end(),
                "{file}"
            );
            assert_eq!(made.value, value, "{file}");
            let options = CheckOptions {
                head: Some(head(&vector)),
                value: value.as_deref(),
                ..CheckOptions::default()
            };
            let report = check_proof(&committed, &options);
            assert!(report.holds(), "{file}: {}", report.headline());
        }
    }
}

fn exports_are_the_same() {
    for vector in vectors() {
        let (mut blocks, mut ots) = (Vec::new(), None);
        walk(&run(&vector), None, &mut |row, _| {
            write_blk(&mut blocks, row).unwrap();
            ots = ots.take().or(ots_proof(row, OtsSubject::Step(BETWEEN)));
        })
        .unwrap();
        assert_eq!(blocks, fs::read(vector.join("blocks.blk")).unwrap());
        assert_eq!(ots, Some(fs::read(vector.join("step.ots")).unwrap()));
    }
}

fn python_agrees() {
    for vector in vectors() {
        let expected = expected(&vector);
        let root = |model: PathBuf| printed_by("param_root.py", &[model]).trim().to_owned();
        assert_eq!(
            root(run(&vector).artifact()),
            expected.parameters_of(LAST.0)
        );
        for (step, state) in expected.checkpoints() {
            let checkpoint = vector.join("run/checkpoints").join(state);
            let found = root(checkpoint.join("model.safetensors"));
            assert_eq!(found, expected.parameters_of(step));
        }
        for (file, _, value) in subjects(&expected) {
            let mut arguments = vec![vector.join(file), "--head".into(), (&expected.head).into()];
            if let Some(value) = value {
                arguments.extend(["--value".into(), vector.join(value)]);
            }
            let shown = printed_by("check_proof.py", &arguments);
            assert!(shown.contains("SHOWN"), "{file}: {shown}");
        }
    }
}
