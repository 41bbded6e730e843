//! `pow declare` and `pow verify --declaration`.

use crate::program::{pow, verify};
use pow_audit::declaration::Declaration;
use pow_core::body::Genesis;
use pow_core::extension::Known;
use pow_core::hash::FileDigest;
use pow_tests::fixture::{CONFIG, Fixture, Plan};
use pow_tests::lineage::BLOCKS;
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign};
use std::fs;
use tempfile::TempDir;

/// Files of a user, beside the run.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Desk(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// What `pow declare` writes with these options.
    fn declare(&self, name: &str, more: &[&str]) -> Declaration {
        let out = self.path(name);
        let words = [
            "--metric",
            "loss on test.csv",
            "--stopping",
            "after 6 steps",
        ];
        let arguments = [&["declare", "--out", &out], &words[..], more].concat();
        let printed = pow(&arguments);
        printed.expect(0, &[]);
        let declaration = Declaration::parse(&fs::read(&out).unwrap()).unwrap();
        let digest = format!("digest {}\n", declaration.digest());
        assert!(printed.stdout.ends_with(&digest), "{}", printed.stdout);
        declaration
    }
}

/// The usual run, with this declaration named in genesis.
fn run_after(declaration: &Declaration) -> Fixture {
    let known = Known::Declaration(declaration.digest());
    let edit = |genesis: &mut Genesis| genesis.extensions = vec![known.to_extension()];
    Fixture::record_with(&Plan::default(), edit, |recorder| {
        recorder.finish_after(BLOCKS)
    })
}

#[test]
fn a_run_is_declared_trained_and_compared() {
    let desk = Desk::new();
    let config = desk.write("config.json", CONFIG);
    let program = desk.write("program", b"executable");
    let more = [
        "--config",
        &config,
        "--executable",
        &program,
        "--revision",
        "unknown",
        "--steps",
        "6",
        "--runs",
        "2",
        "--seed",
        "8",
        "--seed",
        "7",
    ];
    let declaration = desk.declare("plan.txt", &more);
    assert_eq!(
        declaration.text(),
        format!(
            "burn-pow/declaration/v1\nconfig {}\nexecutable {}\nrevision unknown\nseeds 7 8\nsteps 6\nruns 2\nmetric loss on test.csv\nstopping after 6 steps\n",
            FileDigest::of(CONFIG),
            FileDigest::of(b"executable")
        )
    );
    let run = run_after(&declaration);
    let path = run.run.path();
    let plan = desk.path("plan.txt");
    verify(path, &[]).expect(0, &["DECLARED   not checked", "which was not given"]);
    let words = [
        "*DECLARED   holds",
        "executable: agrees: ",
        "seeds: agrees: 7, of 7, 8",
        "2 runs were declared before genesis",
    ];
    verify(path, &["--declaration", &plan]).expect(0, &words);
    let report = verify(path, &["--declaration", &plan, "--json"]).json();
    assert_eq!(report["declared"]["fields"][0]["name"], "config");
    assert_eq!(report["declared"]["fields"][0]["state"], "agrees");
    assert_eq!(
        report["declared"]["given"],
        declaration.digest().to_string()
    );
    // Another run, and a text that was changed afterwards.
    let other = Fixture::default();
    verify(other.run.path(), &["--declaration", &plan])
        .expect(1, &["DOES NOT HOLD (declared)", "NOT DECLARED"]);
    desk.declare("younger.txt", &[]);
    verify(path, &["--declaration", &desk.path("younger.txt")]).expect(1, &["ANOTHER DECLARATION"]);
}

#[test]
fn the_signature_lies_beside_the_declaration_or_is_named() {
    let desk = Desk::new();
    let declaration = desk.declare("plan.txt", &[]);
    let run = run_after(&declaration);
    let path = run.run.path();
    let plan = desk.path("plan.txt");
    let (one, two) = (ssh_public(1), minisign_public(2));
    let by = |keys: &[&str], more: &[&str]| {
        let keys = keys.iter().flat_map(|key| ["--declared-by", key]);
        let levels = ["--require", "chain", "--declaration", &plan];
        verify(
            path,
            &levels
                .into_iter()
                .chain(keys)
                .chain(more.iter().copied())
                .collect::<Vec<_>>(),
        )
    };
    by(&[&one], &[]).expect(
        0,
        &[
            "DECLARED   FAILS",
            "NOT SIGNED by ssh-ed25519",
            "OTHERS FAIL",
        ],
    );
    let namespace = "burn-pow/declaration/v1";
    desk.write("plan.txt.sig", ssh_sign(1, namespace, declaration.text()));
    by(&[&one], &[]).expect(0, &["DECLARED   holds in part", "signed by ssh-ed25519"]);
    desk.write("plan.txt.minisig", minisign_sign(2, declaration.text()));
    by(&[&one, &two], &[]).expect(
        0,
        &[
            "signed by ssh-ed25519",
            "signed by minisign 0202020202020202",
        ],
    );
    // Where one is named, those beside are not read.
    let elsewhere = desk.write("elsewhere", ssh_sign(3, namespace, declaration.text()));
    by(&[&one], &["--declaration-signature", &elsewhere]).expect(0, &["NOT SIGNED by"]);
    by(&[&ssh_public(3)], &["--declaration-signature", &elsewhere]).expect(0, &["signed by"]);
    desk.write("plan.txt.sig", "nothing");
    by(&[&one], &[]).expect(2, &["plan.txt.sig: it begins neither as an SSH signature"]);
}

#[test]
fn what_is_no_declaration_is_refused() {
    let desk = Desk::new();
    let out = desk.path("plan.txt");
    let declare = |more: &[&str]| {
        let words = ["declare", "--out", &out, "--stopping", "soon"];
        pow(&[&words[..], more].concat())
    };
    declare(&[]).expect(2, &["--metric"]);
    declare(&["--metric", " a"]).expect(2, &["begins or ends with a space"]);
    declare(&["--metric", "a\nb"]).expect(2, &["an argument is malformed"]);
    declare(&["--metric", "a", "--runs", "0"]).expect(2, &["--runs"]);
    declare(&["--metric", "a", "--runs", "2", "--seed", "1"]).expect(2, &["1 seeds for 2 runs"]);
    declare(&["--metric", "a", "--seed", "1", "--seed", "1", "--runs", "2"])
        .expect(2, &["1 stands behind 1"]);
    declare(&["--metric", "a", "--config", &desk.path("none")]).expect(2, &["none"]);
    assert!(!desk.0.path().join("plan.txt").exists());
    desk.declare("plan.txt", &[]);
    declare(&["--metric", "a"]).expect(2, &["exists already and is not overwritten"]);

    let run = Fixture::default();
    let bad = desk.write("bad.txt", "burn-pow/declaration/v1\nruns 1\n");
    verify(run.run.path(), &["--declaration", &bad])
        .expect(2, &["bad.txt: line 3: expected `metric`"]);
    let long = desk.write("long.txt", "x".repeat(5000));
    verify(run.run.path(), &["--declaration", &long]).expect(2, &["long.txt"]);
    verify(run.run.path(), &["--declared-by", &ssh_public(1)]).expect(2, &["--declaration"]);
}
