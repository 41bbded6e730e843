//! `pow receipt` and `pow check-receipt` with what is signed.

use crate::program::pow;
use pow_audit::declaration::{Declaration, Declared};
use pow_audit::replay::{Amount, Shard};
use pow_audit::signature::Statement;
use pow_core::body::Genesis;
use pow_core::challenge::ChallengeSource;
use pow_core::extension::Known;
use pow_tests::long_run::LongRun;
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign};
use std::fs;
use tempfile::TempDir;

fn declaration() -> Declaration {
    Declaration::new(Declared {
        data: None,
        config: None,
        executable: None,
        lockfile: None,
        revision: None,
        seeds: Vec::new(),
        steps: Some(4),
        runs: 1.try_into().unwrap(),
        metric: "loss".parse().unwrap(),
        stopping: "after 4 steps".parse().unwrap(),
    })
    .unwrap()
}

#[test]
fn a_receipt_carries_what_is_signed() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name).to_str().unwrap().to_owned();
        fs::write(&path, text).unwrap();
        path
    };
    let declaration = declaration();
    let known = Known::Declaration(declaration.digest());
    let run = LongRun::record_with(4, |genesis: &mut Genesis| {
        genesis.extensions = vec![known.to_extension()];
    });
    let path = run.run.path().to_str().unwrap();
    let plan = write("plan.txt", declaration.text());
    let space = "burn-pow/declaration/v1";
    write("plan.txt.sig", &ssh_sign(3, space, declaration.text()));
    let report = run.exact(
        &run.challenge(ChallengeSource::Head, Amount::All),
        Shard::WHOLE,
    );
    let json = write("report.json", &report.to_json().unwrap());
    let statement = Statement::of_report(&report).unwrap().to_string();
    let made = write("report.minisig", &minisign_sign(2, &statement));
    let head = dir.path().join("head.txt").to_str().unwrap().to_owned();
    pow(&["sign", path, "--out", &head]).expect(0, &[]);
    let text = fs::read_to_string(&head).unwrap();
    let signature = write("head.sig", &ssh_sign(1, "burn-pow/head/v1", &text));
    pow(&["add-signature", path, &head, &signature]).expect(0, &[]);

    let receipt = dir.path().join("receipt").to_str().unwrap().to_owned();
    let beside = ["--declaration", &plan, "--replay-report", &json];
    let beside = [&beside[..], &["--report-signature", &made]].concat();
    pow(&[&["receipt", path, "--out", &receipt], &beside[..]].concat()).expect(0, &[" bytes\n"]);
    let check = |more: &[&str]| pow(&[&["check-receipt", &receipt], more].concat());
    let (one, two, three) = (ssh_public(1), minisign_public(2), ssh_public(3));
    let all = [
        "--signed-by",
        &one,
        "--trust-signer",
        &two,
        "--declared-by",
        &three,
    ];
    let words = [
        "*SIGNATURE  holds ",
        "*DECLARED   holds ",
        " REPLAY     holds in part  1 trusted signer found",
        "1 run was declared before genesis",
    ];
    check(&all).expect(0, &words);
    let json_report = check(&[&all[..], &["--json"]].concat()).json();
    assert_eq!(json_report["declared"]["fields"][0]["state"], "agrees");
    assert_eq!(json_report["signatures"]["signed_by"][0]["last_block"], 3);
    check(&[]).expect(0, &["SIGNATURE  not checked", "REPLAY     not checked"]);
    check(&["--signed-by", &three]).expect(1, &["DOES NOT HOLD (signature)"]);
    check(&["--declared-by", &one]).expect(1, &["DOES NOT HOLD (declared)"]);
    check(&["--require", "replay"]).expect(1, &["DOES NOT HOLD (replay)"]);
    check(&["--declaration", &plan]).expect(0, &["*DECLARED   holds "]);
    let revoked = write("revoked", &three);
    check(&[&all[..], &["--revoked", &revoked]].concat()).expect(1, &["you call it revoked"]);
    check(&["--quorum", "2"]).expect(2, &["--trust-signer"]);
    check(&["--trust-signer", &two, "--quorum", "2"]).expect(2, &["needs as many keys"]);

    // What does not belong to the run.
    let other = LongRun::record(4);
    let other = other.run.path().to_str().unwrap();
    let out = dir.path().join("other").to_str().unwrap().to_owned();
    let wrong = |run: &str, more: &[&str]| {
        let outcome = pow(&[&["receipt", run, "--out", &out], more].concat());
        assert!(!dir.path().join("other").exists());
        outcome
    };
    wrong(other, &["--declaration", &plan]).expect(1, &["the declaration: genesis names none"]);
    wrong(other, &["--replay-report", &json]).expect(1, &["replay report 1: it is about a chain"]);
    let ssh = write(
        "other.sig",
        &ssh_sign(2, "burn-pow/replay-report/v1", "words"),
    );
    wrong(
        path,
        &["--replay-report", &json, "--report-signature", &ssh],
    )
    .expect(1, &["it is over none of the replay reports"]);
    wrong(path, &["--report-signature", &ssh]).expect(2, &["--replay-report"]);
    wrong(path, &["--replay-report", &plan]).expect(1, &["replay report 1: "]);
}
