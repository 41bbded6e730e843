//! Replay reports of several people: who counts, how often, and what no majority undoes.

use super::bench::{Bench, differs, expect};
use pow_audit::replay::{Again, Amount, EntryField, ReplayReport, SegmentResult, Shard};
use pow_audit::signature::{Signature, SignerKey, Statement};
use pow_audit::{AuditOptions, AuditReport, ReportSigners, Verdict, audit};
use pow_core::challenge::SegmentIndex;
use pow_tests::long_run::{goal, source};
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign};
use std::num::NonZeroU32;
use std::path::PathBuf;

tests! {
    enough_signers_hold, one_signer_counts_once, a_report_that_nobody_trusted_signed_does_not_count,
        one_that_contradicts_is_not_outvoted, a_signature_over_something_else_does_not_count,
        without_signers_all_must_hold, a_revoked_signer_does_not_count
}

pub(super) fn key(seed: u8) -> SignerKey {
    ssh_public(seed).parse().unwrap()
}

pub(super) fn signed(seed: u8, report: &ReplayReport) -> Signature {
    let statement = Statement::of_report(report).unwrap();
    let text = statement.to_string();
    let signature = ssh_sign(seed, "burn-pow/replay-report/v1", &text);
    Signature::parse(signature.as_bytes()).unwrap()
}

/// A report that holds, another one, and one that fails.
fn reports(bench: &Bench) -> [ReplayReport; 3] {
    let challenge = bench.run.challenge(source(), goal());
    let all = bench.run.challenge(source(), Amount::All);
    let exact = bench.run.exact(&challenge, Shard::WHOLE);
    let whole = bench.run.exact(&all, Shard::WHOLE);
    let change = |result: &mut SegmentResult| {
        if result.segment.index == SegmentIndex(4) {
            result.outcome = differs(EntryField::Batch, Some(Again::Same));
        }
    };
    let failing = bench.run.report(&all, Shard::WHOLE, change).unwrap();
    [exact, whole, failing]
}

struct Given {
    trusted: Vec<SignerKey>,
    signatures: Vec<Signature>,
    quorum: u32,
}

fn check(bench: &Bench, reports: &[&ReplayReport], given: Option<Given>) -> AuditReport {
    check_with(bench, reports, given, Vec::new())
}

fn check_with(
    bench: &Bench,
    reports: &[&ReplayReport],
    given: Option<Given>,
    revoked: Vec<SignerKey>,
) -> AuditReport {
    let paths: Vec<PathBuf> = (0..reports.len())
        .map(|index| bench.path().with_file_name(format!("report-{index}.json")))
        .collect();
    for (report, path) in reports.iter().zip(&paths) {
        report.write(path).unwrap();
    }
    let options = AuditOptions {
        head: Some(bench.head()),
        replay_reports: paths,
        report_signers: given.map(|given| ReportSigners {
            trusted: given.trusted,
            signatures: given.signatures,
            quorum: NonZeroU32::new(given.quorum).unwrap(),
            commitments: None,
        }),
        revoked,
        ..AuditOptions::default()
    };
    audit(&bench.run.run, &options, &mut |_| {}).unwrap()
}

fn enough_signers_hold() {
    let bench = Bench::new();
    let [exact, whole, _] = reports(&bench);
    let given = |signatures: Vec<Signature>, quorum| {
        Some(Given {
            trusted: vec![key(1), key(2), minisign_public(3).parse().unwrap()],
            signatures,
            quorum,
        })
    };
    let both = vec![signed(1, &exact), signed(2, &whole)];
    let report = check(&bench, &[&exact, &whole], given(both.clone(), 2));
    let words = [
        "2 trusted signers found every challenged segment bit-exact, and 2 must (--quorum); you trust 3",
        &format!("signed by {}: according to", key(1)),
        &format!("signed by {}: according to", key(2)),
        "that the reports were made independently of each other",
    ];
    expect(&report, Verdict::Holds, Verdict::Holds, &words);
    // Two people may sign one report. That is what each of them says.
    let same = vec![signed(1, &exact), signed(2, &exact)];
    let report = check(&bench, &[&exact], given(same, 2));
    expect(
        &report,
        Verdict::Holds,
        Verdict::Holds,
        &[" and by ssh-ed25519"],
    );
    let report = check(&bench, &[&exact, &whole], given(both, 3));
    expect(
        &report,
        Verdict::Partly,
        Verdict::NotChecked,
        &["2 trusted signers found"],
    );
    // A minisign key is a key.
    let text = Statement::of_report(&whole).unwrap().to_string();
    let minisign = Signature::parse(minisign_sign(3, &text).as_bytes()).unwrap();
    let report = check(
        &bench,
        &[&exact, &whole],
        given(vec![signed(1, &exact), minisign], 2),
    );
    expect(
        &report,
        Verdict::Holds,
        Verdict::Holds,
        &["signed by minisign 0303030303030303"],
    );
}

fn one_signer_counts_once() {
    let bench = Bench::new();
    let [exact, whole, _] = reports(&bench);
    let report = check(
        &bench,
        &[&exact, &whole],
        Some(Given {
            // Naming a key twice does not make two of it.
            trusted: vec![key(1), key(1)],
            signatures: vec![signed(1, &exact), signed(1, &whole), signed(1, &exact)],
            quorum: 2,
        }),
    );
    let words = [
        "1 trusted signer found every challenged segment bit-exact, and 2 must (--quorum); you trust 1",
    ];
    expect(&report, Verdict::Partly, Verdict::NotChecked, &words);
}

fn a_report_that_nobody_trusted_signed_does_not_count() {
    let bench = Bench::new();
    let [exact, whole, failing] = reports(&bench);
    let given = |signatures| {
        Some(Given {
            trusted: vec![key(1)],
            signatures,
            quorum: 1,
        })
    };
    let report = check(&bench, &[&exact], given(vec![]));
    let words = [
        "0 trusted signers found",
        "does not count, as no trusted key signed it: according to",
    ];
    expect(&report, Verdict::NotChecked, Verdict::NotChecked, &words);
    let report = check(&bench, &[&exact], given(vec![signed(2, &exact)]));
    let words = [format!(
        "a signature by {} does not count: you do not trust it",
        key(2)
    )];
    expect(
        &report,
        Verdict::NotChecked,
        Verdict::NotChecked,
        &[&words[0]],
    );
    // A stranger's report can neither help nor accuse.
    let report = check(
        &bench,
        &[&failing, &whole],
        given(vec![signed(2, &failing), signed(1, &whole)]),
    );
    expect(
        &report,
        Verdict::Holds,
        Verdict::Holds,
        &["does not count, as no trusted key"],
    );
}

fn one_that_contradicts_is_not_outvoted() {
    let bench = Bench::new();
    let [exact, whole, failing] = reports(&bench);
    let report = check(
        &bench,
        &[&exact, &whole, &failing],
        Some(Given {
            trusted: vec![key(1), key(2), key(3)],
            signatures: vec![signed(1, &exact), signed(2, &whole), signed(3, &failing)],
            quorum: 2,
        }),
    );
    let words = [
        "2 trusted signers found",
        &format!("signed by {}: according to", key(3)),
    ];
    expect(&report, Verdict::Fails, Verdict::NotChecked, &words);
}

fn a_signature_over_something_else_does_not_count() {
    let bench = Bench::new();
    let [exact, whole, _] = reports(&bench);
    let text = Statement::of_report(&exact).unwrap().to_string();
    let as_head = ssh_sign(1, "burn-pow/head/v1", &text);
    let raw = ssh_sign(1, "burn-pow/replay-report/v1", &exact.to_json().unwrap());
    let parse = |text: &str| Signature::parse(text.as_bytes()).unwrap();
    for (signature, words) in [
        (
            parse(&as_head),
            "made for the namespace \"burn-pow/head/v1\"",
        ),
        (
            parse(&raw),
            "WRONG: it is not a signature of this key over this statement",
        ),
        (
            signed(1, &whole),
            "WRONG: it is not a signature of this key over this statement",
        ),
    ] {
        let given = Given {
            trusted: vec![key(1)],
            signatures: vec![signature],
            quorum: 1,
        };
        let report = check(&bench, &[&exact], Some(given));
        expect(&report, Verdict::NotChecked, Verdict::NotChecked, &[words]);
    }
}

fn without_signers_all_must_hold() {
    let bench = Bench::new();
    let [exact, whole, failing] = reports(&bench);
    let report = check(&bench, &[&exact, &whole], None);
    let words = ["2 reports, each on your own word: all must hold"];
    expect(&report, Verdict::Holds, Verdict::Holds, &words);
    let report = check(&bench, &[&exact, &failing], None);
    expect(&report, Verdict::Fails, Verdict::NotChecked, &[]);
}

fn a_revoked_signer_does_not_count() {
    let bench = Bench::new();
    let [exact, ..] = reports(&bench);
    let given = Given {
        trusted: vec![key(1)],
        signatures: vec![signed(1, &exact)],
        quorum: 1,
    };
    let report = check_with(&bench, &[&exact], Some(given), vec![key(1)]);
    let words = [
        "does not count: you call it revoked (--revoked)",
        "you trust 0",
    ];
    expect(&report, Verdict::NotChecked, Verdict::NotChecked, &words);
}
