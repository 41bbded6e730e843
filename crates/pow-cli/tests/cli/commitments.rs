//! `pow commit-report`, and `pow verify --commitment`.

use crate::program::{pow, verify};
use pow_audit::replay::{Amount, Commitment, Salt, Shard};
use pow_audit::signature::{SignerKey, Statement};
use pow_core::challenge::ChallengeSource;
use pow_tests::long_run::LongRun;
use pow_tests::signatures::{ssh_public, ssh_sign};
use std::fs;
use tempfile::TempDir;

#[test]
fn a_report_is_committed_to_shown_and_counted() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let run = LongRun::record(4);
    let challenge = run.challenge(ChallengeSource::Head, Amount::All);
    let report = run.exact(&challenge, Shard::WHOLE);
    let json = path("report.json");
    fs::write(&json, report.to_json().unwrap()).unwrap();
    let key = ssh_public(1);
    let file = path("one");
    let committed = pow(&["commit-report", &json, "--key", &key, "--out", &file]);
    committed.expect(0, &["burn-pow/report-commitment/v1\ncommitment "]);
    let text = fs::read(&file).unwrap();
    assert_eq!(committed.stdout.as_bytes(), text);
    let salt = Salt::parse(&fs::read(path("one.salt")).unwrap()).unwrap();
    let named: SignerKey = key.parse().unwrap();
    let expected = Commitment::of(&report, &named, &salt).unwrap();
    assert_eq!(Commitment::parse(&text).unwrap(), expected);
    // Another time, another salt.
    let again = path("again");
    pow(&["commit-report", &json, "--key", &key, "--out", &again]).expect(0, &[]);
    assert_ne!(fs::read(&again).unwrap(), text);

    let statement = Statement::of_report(&report).unwrap().to_string();
    let signature = path("signature");
    fs::write(
        &signature,
        ssh_sign(1, "burn-pow/replay-report/v1", &statement),
    )
    .unwrap();
    let check = |more: &[&str]| {
        let given = ["--replay-report", &json, "--report-signature", &signature];
        let trusted = ["--trust-signer", &key];
        verify(run.run.path(), &[&given[..], &trusted, more].concat())
    };
    let salt = path("one.salt");
    check(&["--commitment", &file, "--report-salt", &salt]).expect(0, &["is your word"]);
    let late = "the key had not committed to it";
    check(&["--commitment", &again, "--report-salt", &salt]).expect(1, &[late]);
    check(&["--commitment", &file]).expect(1, &[late]);
    check(&["--report-salt", &salt]).expect(2, &["--commitment"]);
    check(&["--commitment", &salt, "--report-salt", &salt])
        .expect(2, &["one.salt: not a file of `pow commit-report`"]);
    check(&["--commitment", &file, "--report-salt", &file])
        .expect(2, &["expected the line burn-pow/report-salt/v1"]);
    pow(&["commit-report", &json, "--key", &key, "--out", &file])
        .expect(2, &["exists already and is not overwritten"]);
    pow(&["commit-report", &file, "--key", &key, "--out", &path("bad")]).expect(2, &["one"]);
    assert!(!dir.path().join("bad").exists() && !dir.path().join("bad.salt").exists());
}
