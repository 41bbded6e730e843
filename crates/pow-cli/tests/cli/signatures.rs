//! `pow sign`, `pow add-signature`, `pow verify --signed-by` and `pow compare`.

use crate::program::{Outcome, pow, verify};
use pow_audit::replay::{Amount, Shard};
use pow_core::challenge::ChallengeSource;
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::long_run::LongRun;
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign};
use std::fs;
use std::path::Path;
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

    fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// The statement that `pow sign` writes.
    fn statement(&self, run: &Path, name: &str, more: &[&str]) -> String {
        let out = self.path(name);
        let arguments = [&["sign", text(run), "--out", &out], more].concat();
        pow(&arguments).expect(0, &["burn-pow/"]);
        fs::read_to_string(out).unwrap()
    }

    /// Signs a statement with the SSH key of this seed and takes the signature in.
    fn sign(&self, run: &Path, name: &str, seed: u8, more: &[&str]) {
        let statement = self.statement(run, name, more);
        let namespace = statement.lines().next().unwrap();
        let signature = self.write(
            &format!("{name}.sig"),
            &ssh_sign(seed, namespace, &statement),
        );
        add(run, &self.path(name), &signature, &[]).expect(0, &["signatures", "by ssh-ed25519"]);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn add(run: &Path, statement: &str, signature: &str, more: &[&str]) -> Outcome {
    pow(&[&["add-signature", text(run), statement, signature], more].concat())
}

#[test]
fn a_run_is_signed_and_verified() {
    let (run, desk) = (Fixture::default(), Desk::new());
    let path = run.run.path();
    let public = desk.write("one.pub", &ssh_public(1));
    verify(path, &["--signed-by", &public])
        .expect(1, &["NOT SIGNED by", "DOES NOT HOLD (signature)"]);
    verify(path, &["--require", "signature"]).expect(1, &["you named no key"]);
    let before = verify(path, &[]);
    before.expect(0, &[]);
    assert!(!before.stdout.contains("SIGNATURE"));

    desk.sign(path, "middle", 1, &["--block", "3"]);
    verify(path, &["--signed-by", &public])
        .expect(1, &["*SIGNATURE  holds in part", "blocks 0 to 3"]);
    let levels = ["--require", "chain,finished,artifact"];
    verify(path, &[&["--signed-by", &public], &levels[..]].concat()).expect(0, &["SIGNED IN PART"]);
    desk.sign(path, "first", 1, &["--genesis"]);
    desk.sign(path, "head", 1, &[]);
    let report = verify(path, &["--signed-by", &public, "--json"]).json();
    assert_eq!(report["signatures"]["signed_by"][0]["last_block"], 6);
    assert_eq!(
        report["signatures"]["signatures"].as_array().unwrap().len(),
        3
    );
    assert_eq!(report["headline"], "CONSISTENT, UNANCHORED, SIGNED");
    // The key itself, a line of allowed_signers, and what is neither.
    verify(path, &["--signed-by", &ssh_public(1)]).expect(0, &["*SIGNATURE  holds"]);
    let allowed = format!("me namespaces=\"burn-pow/*\" {}\n", ssh_public(1));
    let allowed = desk.write("allowed", &allowed);
    verify(path, &["--signed-by", &allowed]).expect(0, &["*SIGNATURE  holds"]);
    verify(path, &["--signed-by", "nobody"]).expect(2, &["neither a file nor a public key"]);
    let private = desk.write("private", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    verify(path, &["--signed-by", &private]).expect(2, &["it is a private key"]);
    let revoked = ["--signed-by", &public, "--revoked", &public];
    verify(path, &revoked).expect(1, &["which you call revoked"]);
    verify(path, &["--revoked", &private]).expect(2, &["private: it is a private key"]);

    let minisign = desk.write("minisign.pub", &minisign_public(1));
    let signature = minisign_sign(1, &fs::read_to_string(desk.path("head")).unwrap());
    let signature = desk.write("head.minisig", &signature);
    let head = desk.path("head");
    add(path, &head, &signature, &[]).expect(2, &["whose public key was not given"]);
    add(path, &head, &signature, &["--key", &minisign]).expect(0, &["block 6: ", "by minisign"]);
    let both = ["--signed-by", &minisign, "--signed-by", &public];
    verify(path, &both).expect(0, &["signed by 2 named keys"]);
}

#[test]
fn what_does_not_belong_stays_out() {
    let (run, other, desk) = (Fixture::default(), Fixture::other(), Desk::new());
    let path = run.run.path();
    let statement = desk.statement(path, "head", &[]);
    let head = desk.path("head");
    let refused = |statement: &str, signature: &str, code, words: &str| {
        let signature = desk.write("signature", signature);
        add(path, statement, &signature, &[]).expect(code, &[words]);
        assert!(run.run.signatures().unwrap().is_empty());
    };
    let good = ssh_sign(1, "burn-pow/head/v1", &statement);
    refused(&head, "words", 1, "begins neither as an SSH signature");
    // A private key is never taken in.
    refused(
        &head,
        "-----BEGIN OPENSSH PRIVATE KEY-----\n",
        1,
        "begins neither",
    );
    refused(
        &head,
        &ssh_sign(1, "file", &statement),
        1,
        "made for the namespace \"file\"",
    );
    refused(&head, &good[..good.len() - 40], 1, "truncated");
    refused(&head, &"a".repeat(20_000), 2, "longer than 16384 bytes");
    let foreign = desk.statement(other.run.path(), "other", &[]);
    let signature = ssh_sign(1, "burn-pow/head/v1", &foreign);
    refused(
        &desk.path("other"),
        &signature,
        1,
        "it is about another run",
    );
    refused(&desk.path("nothing"), &good, 2, "nothing");
    let chain = run.run.chain();
    let signature = desk.write("signature", &good);
    add(&chain, &head, &signature, &[]).expect(2, &["needs the run directory"]);

    pow(&["sign", text(path), "--out", &head]).expect(2, &["exists already"]);
    let new = desk.path("new");
    pow(&["sign", text(path), "--out", &new, "--block", "7"]).expect(2, &["there is no block 7"]);
    pow(&[
        "sign",
        text(path),
        "--out",
        &new,
        "--block",
        "1",
        "--genesis",
    ])
    .expect(2, &["--help"]);
    run.write(b"nothing");
    pow(&["sign", text(path), "--out", &new]).expect(1, &["the chain does not hold"]);
    add(path, &head, &signature, &[]).expect(1, &["the chain does not hold"]);
    assert!(!fs::exists(&new).unwrap());
}

#[test]
fn replay_reports_are_signed_and_counted() {
    let (run, desk) = (LongRun::record(12), Desk::new());
    let path = run.run.path();
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let report = desk.path("replay.json");
    run.exact(&challenge, Shard::WHOLE)
        .write(Path::new(&report))
        .unwrap();
    let statement = desk.statement(path, "statement", &["--report", &report]);
    let namespace = statement.lines().next().unwrap();
    let signature = desk.write("statement.sig", &ssh_sign(1, namespace, &statement));
    let other = desk.write("other.sig", &ssh_sign(2, namespace, &statement));
    let (one, two) = (ssh_public(1), ssh_public(2));
    let given = ["--replay-report", &report, "--trust-signer", &one];
    let with = |more: &[&str]| verify(path, &[&given[..], more].concat());
    with(&[]).expect(
        1,
        &["DOES NOT HOLD (replay)", "as no trusted key signed it"],
    );
    with(&["--report-signature", &signature]).expect(0, &["*REPLAY     holds"]);
    let both = [
        "--report-signature",
        &signature,
        "--report-signature",
        &other,
    ];
    let quorum = [&both[..], &["--quorum", "2", "--trust-signer", &two]].concat();
    with(&quorum).expect(0, &["2 trusted signers found"]);
    let quorum = [&both[..2], &["--quorum", "2", "--trust-signer", &two]].concat();
    with(&quorum).expect(1, &["1 trusted signer found"]);
    with(&["--quorum", "2"]).expect(2, &["--quorum 2 needs as many keys"]);
    with(&["--quorum", "0"]).expect(2, &["--help"]);
    verify(path, &["--trust-signer", &one]).expect(2, &["--replay-report"]);
    let alone = ["--replay-report", &report, "--quorum", "1"];
    verify(path, &alone).expect(2, &["--trust-signer"]);
    // It does not lie in the run, and is about one run only.
    add(path, &desk.path("statement"), &signature, &[]).expect(1, &["about a replay report"]);
    let other = Fixture::default();
    let out = desk.path("foreign");
    let sign = [
        "sign",
        text(other.run.path()),
        "--report",
        &report,
        "--out",
        &out,
    ];
    pow(&sign).expect(1, &["it is about another run"]);
}

/// The usual run, with other blocks from block 2 on.
fn parted() -> Fixture {
    let blocks = [&[0][..], &[1], &[2, 3], &[4, 5, 6]];
    Fixture::record_with(
        &Plan::default(),
        |_| {},
        |recorder| recorder.finish_after(blocks),
    )
}

#[test]
fn loose_heads_are_compared() {
    let desk = Desk::new();
    let (run, other) = (Fixture::default(), parted());
    let head = |run: &Fixture, name: &str, seed: u8, block: &str| {
        let text = desk.statement(run.run.path(), name, &["--block", block]);
        desk.write(
            &format!("{name}.sig"),
            &ssh_sign(seed, "burn-pow/head/v1", &text),
        )
    };
    let mine = head(&run, "mine.txt", 1, "3");
    let yours = head(&other, "yours.txt", 1, "3");
    let late = head(&run, "late.txt", 1, "5");
    let compare = |words: &[&str]| pow(&[&["compare"], words].concat());
    let words = [
        "of chains that DIVERGE",
        "EQUIVOCATION by ssh-ed25519",
        "yours.txt.sig",
    ];
    compare(&["--head", &mine, "--head", &yours]).expect(1, &words);
    compare(&["--head", &mine, "--head", &mine]).expect(0, &["the SAME block"]);
    compare(&["--head", &mine, "--head", &late]).expect(1, &["NOT KNOWN"]);
    let path = text(run.run.path());
    compare(&[path, "--head", &mine, "--head", &late]).expect(0, &["of ONE CHAIN"]);
    compare(&[path, "--head", &yours]).expect(1, &["of chains that DIVERGE"]);
    let report = compare(&["--head", &mine, "--head", &yours, "--json"]);
    report.expect(
        1,
        &[
            "\"schema\": \"burn-pow/compare-heads/v0\"",
            "\"relation\": \"diverge\"",
        ],
    );
    // The statement as a run has it beside its signature.
    desk.sign(run.run.path(), "signed.txt", 1, &[]);
    let files = fs::read_dir(run.run.path().join("signatures")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let stored = paths.filter(|path| path.extension().is_some_and(|end| end == "sig"));
    let stored: Vec<_> = stored.collect();
    compare(&[path, "--head", text(&stored[0])]).expect(0, &["of ONE CHAIN"]);
    compare(&["--head", &mine]).expect(2, &["nothing to compare the head with"]);
    compare(&[path]).expect(2, &["<B>"]);
    let bare = desk.write("bare.sig", "nothing");
    compare(&["--head", &bare, "--head", &mine]).expect(2, &["bare.txt"]);
    desk.write("bare.txt", "words");
    compare(&["--head", &bare, "--head", &mine]).expect(1, &["bare.sig: "]);
}

#[test]
fn two_copies_are_compared() {
    let (a, desk) = (Fixture::default(), Desk::new());
    let b = parted();
    let (a_path, b_path) = (a.run.path(), b.run.path());
    let compare = |more: &[&str]| pow(&[&["compare", text(a_path), text(b_path)], more].concat());
    pow(&["compare", text(a_path), text(&a.run.chain())]).expect(0, &["SAME: both end at block 6"]);
    compare(&[]).expect(
        1,
        &[
            "DIVERGE at block 2",
            "steps 1 to 2",
            "step 1, said to be begun at",
        ],
    );
    desk.sign(a_path, "a", 1, &[]);
    compare(&[]).expect(1, &["DIVERGE"]);
    desk.sign(b_path, "b", 1, &[]);
    compare(&[]).expect(
        1,
        &[
            "EQUIVOCATION by ssh-ed25519",
            "signed block 5",
            "signed block 6",
        ],
    );
    let json = compare(&["--json"]);
    json.expect(
        1,
        &[
            "\"kind\": \"diverge\"",
            "\"schema\": \"burn-pow/compare/v0\"",
        ],
    );
    pow(&["compare", text(a_path), "nothing"]).expect(2, &["nothing"]);
    b.write(b"nothing");
    compare(&[]).expect(1, &["the chain does not hold"]);
}
