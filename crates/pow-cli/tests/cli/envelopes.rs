//! `pow export --format in-toto`, `pow manifest`, `pow envelope` and `pow check-envelope`. What
//! other people's tools make of the files is tested in `tests/`.

use crate::program::{export, pow};
use pow_tests::envelopes::{pem, sign};
use pow_tests::fixture::{Fixture, Plan};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Files of a user: public keys 1.pem and 2.pem.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Desk(TempDir::new().unwrap());
        for seed in [1, 2] {
            fs::write(desk.path(&format!("{seed}.pem")), pem(seed)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Signs a file by key 1, and joins both.
    fn join(&self, signed: &str, out: &str) {
        let bytes = fs::read(self.path(signed)).unwrap();
        fs::write(self.path("signature"), sign(1, &bytes)).unwrap();
        self.envelope(signed, "1.pem", out)
            .expect(0, &["https://", "by Ed25519"]);
    }

    fn envelope(&self, signed: &str, key: &str, out: &str) -> crate::program::Outcome {
        let (signed, signature) = (self.path(signed), self.path("signature"));
        let (key, out) = (self.path(key), self.path(out));
        pow(&[
            "envelope", &signed, &signature, "--key", &key, "--out", &out,
        ])
    }

    fn check(&self, file: &str, key: &str, more: &[&str]) -> crate::program::Outcome {
        let (file, key) = (self.path(file), self.path(key));
        pow(&[&["check-envelope", &file, "--key", &key], more].concat())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_statement_about_a_run_is_made_and_checked() {
    let (run, desk) = (Fixture::default(), Desk::new());
    let out = desk.path("run.pae");
    let in_toto = ["--format", "in-toto"];
    let (outcome, _) = export(run.run.path(), &[&in_toto[..], &["--out", &out]].concat());
    outcome.expect(0, &[]);
    let (_, stdout) = export(run.run.path(), &in_toto);
    assert_eq!(stdout, fs::read(&out).unwrap());
    desk.join("run.pae", "run.json");
    desk.envelope("run.pae", "1.pem", "run.json")
        .expect(2, &["exists already"]);

    let model = run.run.artifact();
    let both = ["--run", text(run.run.path()), "--model", text(&model)];
    desk.check("run.json", "1.pem", &both).expect(
        0,
        &[
            "signed     Ed25519",
            "https://burn-pow/training/v1",
            "it says the same",
            "is about it",
        ],
    );
    desk.check("run.json", "1.pem", &[])
        .expect(0, &["not checked: what it is about"]);
    desk.check("run.json", "2.pem", &both)
        .expect(1, &["WRONG: the key Ed25519"]);
    let other = Fixture::other();
    desk.check("run.json", "1.pem", &["--run", text(other.run.path())])
        .expect(1, &["DIFFERENT: the statement says"]);
    desk.check(
        "run.json",
        "1.pem",
        &["--model", text(&other.run.artifact())],
    )
    .expect(1, &["OTHER FILE"]);
    desk.check("run.json", "1.pem", &["--run", &desk.path("none")])
        .expect(2, &["chain.pow"]);
    desk.check("run.pae", "1.pem", &[])
        .expect(1, &["malformed envelope"]);
    desk.check("none", "1.pem", &[]).expect(2, &["none"]);
    desk.check("run.json", "none", &[]).expect(2, &["none"]);
}

#[test]
fn no_statement_without_an_end_or_with_another_model() {
    let out = ["--format", "in-toto"];
    let unfinished =
        Fixture::record_with(&Plan::default(), |_| {}, |recorder| recorder.steps(&[0, 1]));
    let (outcome, stdout) = export(unfinished.run.path(), &out);
    outcome.expect(2, &["the run is not finished"]);
    assert!(stdout.is_empty());
    let run = Fixture::default();
    fs::copy(Fixture::other().run.artifact(), run.run.artifact()).unwrap();
    let (outcome, stdout) = export(run.run.path(), &out);
    outcome.expect(1, &["model.safetensors has root"]);
    assert!(stdout.is_empty());
    let (outcome, _) = export(run.run.path(), &[&out[..], &["--step", "1"]].concat());
    outcome.expect(2, &["in-toto is about the whole run"]);
}

#[test]
fn a_model_is_listed_signed_and_checked() {
    let desk = Desk::new();
    let model = desk.0.path().join("model");
    fs::create_dir_all(model.join("cache")).unwrap();
    for name in ["weights.bin", "cache/x"] {
        fs::write(model.join(name), name).unwrap();
    }
    let manifest = |more: &[&str]| {
        let out = desk.path("model.pae");
        pow(&[&["manifest", text(&model), "--out", &out], more].concat())
    };
    manifest(&["--ignore", "../x"]).expect(2, &["is no path within the model"]);
    manifest(&["--ignore", "cache"]).expect(0, &["model"]);
    manifest(&[]).expect(2, &["exists already"]);
    // It lies in the model, and is no file of it.
    desk.join("model.pae", "model/model.sig");
    let bundle = fs::read_to_string(desk.path("model/model.sig")).unwrap();
    assert!(bundle.contains("application/vnd.dev.sigstore.bundle.v0.3+json"));
    let checked = |more: &[&str]| {
        desk.check(
            "model/model.sig",
            "1.pem",
            &[&["--model", text(&model)], more].concat(),
        )
    };
    checked(&[]).expect(
        0,
        &["1 file or piece as signed", "left out by the signer: cache"],
    );
    fs::write(model.join("new"), "").unwrap();
    checked(&[]).expect(1, &["not signed: new"]);
    checked(&["--ignore-unsigned"]).expect(0, &["not signed: new"]);
    checked(&["--ignore", "new"]).expect(0, &[]);
    fs::write(model.join("weights.bin"), "other").unwrap();
    checked(&["--ignore-unsigned"]).expect(1, &["CHANGED: weights.bin"]);
    fs::remove_file(model.join("weights.bin")).unwrap();
    checked(&["--ignore-unsigned"]).expect(1, &["MISSING: weights.bin"]);
    checked(&["--run", text(&model)]).expect(1, &["a statement of the kind"]);
    let empty = desk.path("empty");
    fs::create_dir(&empty).unwrap();
    pow(&["manifest", &empty, "--out", &desk.path("e.pae")]).expect(1, &["the model has no files"]);
}

#[test]
fn what_is_no_signature_over_a_statement_is_not_joined() {
    let desk = Desk::new();
    fs::write(desk.path("signed"), "something").unwrap();
    fs::write(desk.path("signature"), sign(1, b"something")).unwrap();
    desk.envelope("signed", "1.pem", "out")
        .expect(1, &["not the bytes that are signed"]);
    let run = Fixture::default();
    let (_, pae) = export(run.run.path(), &["--format", "in-toto"]);
    fs::write(desk.path("signed"), pae).unwrap();
    desk.envelope("signed", "1.pem", "out")
        .expect(1, &["WRONG: the key Ed25519"]);
    assert!(!Path::new(&desk.path("out")).exists());
    fs::write(desk.path("private"), pem(1).replace("PUBLIC", "PRIVATE")).unwrap();
    desk.envelope("signed", "private", "out")
        .expect(2, &["it is a private key"]);
}
