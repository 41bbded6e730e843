//! Replay reports to which their makers committed before anybody showed one.

use super::bench::{Bench, expect};
use super::signed::{key, signed};
use pow_audit::replay::{Amount, Commitment, Commitments, ReplayReport, Salt, Shard};
use pow_audit::signature::{Signature, SignerKey};
use pow_audit::{AuditOptions, AuditReport, ReportSigners, Verdict, audit};
use pow_tests::long_run::{goal, source};
use std::num::NonZeroU32;
use std::path::PathBuf;

tests! {
    committed_reports_count, a_copied_report_does_not_count, a_commitment_is_of_one_report_and_key,
        a_commitment_that_came_too_late_does_not_count
}

const SALT: Salt = Salt([7; 32]);
const OTHER_SALT: Salt = Salt([8; 32]);

/// Two reports that hold, on different challenges.
fn reports(bench: &Bench) -> [ReplayReport; 2] {
    let challenge = bench.run.challenge(source(), goal());
    let all = bench.run.challenge(source(), Amount::All);
    [challenge, all].map(|challenge| bench.run.exact(&challenge, Shard::WHOLE))
}

fn committed(report: &ReplayReport, seed: u8, salt: Salt) -> Commitment {
    Commitment::of(report, &key(seed), &salt).unwrap()
}

/// The verdict where keys 1 and 2 are trusted, and both must have signed a report that holds.
fn check(
    bench: &Bench,
    given: &[(&ReplayReport, Signature)],
    commitments: Option<Commitments>,
) -> AuditReport {
    let trusted: Vec<SignerKey> = vec![key(1), key(2)];
    let path = |index: usize| {
        bench
            .path()
            .with_file_name(format!("committed-{index}.json"))
    };
    let paths: Vec<PathBuf> = (0..given.len()).map(path).collect();
    for ((report, _), path) in given.iter().zip(&paths) {
        report.write(path).unwrap();
    }
    let options = AuditOptions {
        head: Some(bench.head()),
        replay_reports: paths,
        report_signers: Some(ReportSigners {
            trusted,
            signatures: given.iter().map(|(_, made)| made.clone()).collect(),
            quorum: NonZeroU32::new(2).unwrap(),
            commitments,
        }),
        ..AuditOptions::default()
    };
    audit(&bench.run.run, &options, &mut |_| {}).unwrap()
}

fn by(report: &ReplayReport, seed: u8) -> (&ReplayReport, Signature) {
    (report, signed(seed, report))
}

fn committed_reports_count() {
    let bench = Bench::new();
    let [a, b] = reports(&bench);
    let commitments = Commitments {
        commitments: vec![committed(&a, 1, SALT), committed(&b, 2, OTHER_SALT)],
        salts: vec![OTHER_SALT, SALT],
    };
    let report = check(&bench, &[by(&a, 1), by(&b, 2)], Some(commitments));
    let words = [
        "2 trusted signers found every challenged segment bit-exact",
        "that the commitments came before any report was shown is your word",
        "that nobody guessed a report, or agreed on one before",
    ];
    expect(&report, Verdict::Holds, Verdict::Holds, &words);
    let plain = "that the reports were made independently of each other";
    assert!(!report.not_shown.iter().any(|line| line == plain));
    // Two people may find the same. Each has committed to it.
    let same = Commitments {
        commitments: vec![committed(&a, 1, SALT), committed(&a, 2, OTHER_SALT)],
        salts: vec![SALT, OTHER_SALT],
    };
    let report = check(&bench, &[by(&a, 1), by(&a, 2)], Some(same));
    expect(&report, Verdict::Holds, Verdict::Holds, &[]);
}

/// Key 2 shows the report of key 1, and repeats the commitment of key 1 as its own.
fn a_copied_report_does_not_count() {
    let bench = Bench::new();
    let [a, _] = reports(&bench);
    let mine = committed(&a, 1, SALT);
    let commitments = Commitments {
        commitments: vec![mine, mine],
        salts: vec![SALT],
    };
    let report = check(&bench, &[by(&a, 1), by(&a, 2)], Some(commitments));
    let words = [
        "1 trusted signer found every challenged segment bit-exact, and 2 must",
        "does not count: the key had not committed to it (--commitment, --report-salt)",
    ];
    expect(&report, Verdict::Partly, Verdict::NotChecked, &words);
    // Without commitments it would count.
    let report = check(&bench, &[by(&a, 1), by(&a, 2)], None);
    let words = ["that the reports were made independently of each other"];
    expect(&report, Verdict::Holds, Verdict::Holds, &words);
}

fn a_commitment_is_of_one_report_and_key() {
    let bench = Bench::new();
    let [a, b] = reports(&bench);
    // Of another report, another key, and with a salt that nobody showed.
    for (second, salts) in [
        (committed(&a, 2, SALT), vec![SALT]),
        (committed(&b, 1, SALT), vec![SALT]),
        (committed(&b, 2, OTHER_SALT), vec![SALT]),
    ] {
        let commitments = vec![committed(&a, 1, SALT), second];
        let given = Commitments { commitments, salts };
        let report = check(&bench, &[by(&a, 1), by(&b, 2)], Some(given));
        let words = ["1 trusted signer found", "had not committed to it"];
        expect(&report, Verdict::Partly, Verdict::NotChecked, &words);
    }
}

/// The verifier had only one commitment when the first report was shown.
fn a_commitment_that_came_too_late_does_not_count() {
    let bench = Bench::new();
    let [a, b] = reports(&bench);
    let given = Commitments {
        commitments: vec![committed(&a, 1, SALT)],
        salts: vec![SALT, OTHER_SALT],
    };
    let report = check(&bench, &[by(&a, 1), by(&b, 2)], Some(given));
    expect(
        &report,
        Verdict::Partly,
        Verdict::NotChecked,
        &["1 trusted signer found"],
    );
}
