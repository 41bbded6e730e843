//! The level `signature`: keys that stand for a chain, for a part of it, or for another one.

mod forged;
mod tools;

pub use tools::has_ssh_keygen;

use pow_audit::signature::{SignerKey, Statement, accept_signature, head_statement};
use pow_audit::{AuditOptions, AuditReport, Level, SignatureState, Verdict, audit};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_ledger::SignatureKind;
use pow_tests::audits::{expect, lines};
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_public, ssh_sign, touch_sign};

tests! {
    mod forged, tools;
    a_signed_head_holds, a_head_in_mid_run_covers_what_is_before_it,
        a_signed_genesis_covers_the_genesis_block, every_named_key_must_have_signed,
        without_a_named_key_nothing_counts, a_revoked_key_does_not_count,
        a_key_counts_for_what_it_is_allowed, a_longer_chain_of_the_same_run_is_named,
        another_chain_of_the_same_run_is_an_equivocation, an_unfinished_run_can_be_signed,
        minisign_counts_too, a_chain_that_breaks_is_signed_in_part, a_security_key_must_be_touched, only_what_belongs_is_taken_in
}

/// The last block of [`run`].
const HEAD: u32 = 6;

fn run() -> Fixture {
    Fixture::default()
}

fn head(run: &Fixture, height: u32) -> Statement {
    head_statement(&run.run, Some(Height::new(height).unwrap())).unwrap()
}

fn genesis(run: &Fixture) -> Statement {
    let genesis = head(run, 0).genesis();
    Statement::Genesis { genesis }
}

/// Puts an SSH signature of the key with this seed into the run.
fn sign(run: &Fixture, seed: u8, statement: &Statement) {
    let text = statement.to_string();
    let signature = ssh_sign(seed, statement.namespace(), &text);
    add(run, SignatureKind::Ssh, &signature, &text);
}

fn add(run: &Fixture, kind: SignatureKind, signature: &str, statement: &str) {
    let added = run
        .run
        .add_signature(kind, signature.as_bytes(), statement.as_bytes());
    added.unwrap();
}

fn key(seed: u8) -> SignerKey {
    ssh_public(seed).parse().unwrap()
}

fn check_by(run: &Fixture, signed_by: &[SignerKey]) -> AuditReport {
    let options = AuditOptions {
        signed_by: signed_by.to_vec(),
        ..AuditOptions::default()
    };
    audit(&run.run, &options, &mut |_| {}).unwrap()
}

fn states(report: &AuditReport) -> Vec<SignatureState> {
    let found = report.signatures.as_ref().unwrap().signatures.iter();
    found.map(|signature| signature.state).collect()
}

fn a_signed_head_holds() {
    let run = run();
    assert!(check_by(&run, &[]).level(Level::Signature).is_none());
    sign(&run, 1, &head(&run, HEAD));
    let report = check_by(&run, &[key(1)]);
    expect(
        &report,
        Level::Signature,
        Verdict::Holds,
        &[
            "signed by 1 named key, up to the last block",
            "blocks 0 to 6: by ssh-ed25519 SHA256:",
        ],
    );
    assert_eq!(report.headline, "CONSISTENT, UNANCHORED, SIGNED");
    assert_eq!(states(&report), [SignatureState::Counts]);
    let named = &report.signatures.as_ref().unwrap().signed_by;
    assert_eq!(named[0].last_block, Some(HEAD));
    assert!(
        report
            .not_shown
            .iter()
            .any(|line| line.contains("a signature has no date"))
    );
}

fn a_head_in_mid_run_covers_what_is_before_it() {
    let run = run();
    sign(&run, 1, &head(&run, 3));
    let report = check_by(&run, &[key(1)]);
    let words = ["signed blocks 0 to 3 only, and not the 3 blocks behind"];
    expect(&report, Level::Signature, Verdict::Partly, &words);
    assert_eq!(report.headline, "CONSISTENT, UNANCHORED, SIGNED IN PART");
    // The latest one counts.
    sign(&run, 1, &head(&run, 5));
    let report = check_by(&run, &[key(1)]);
    expect(
        &report,
        Level::Signature,
        Verdict::Partly,
        &["signed blocks 0 to 5 only"],
    );
}

fn a_signed_genesis_covers_the_genesis_block() {
    let run = run();
    sign(&run, 1, &genesis(&run));
    let report = check_by(&run, &[key(1)]);
    let words = [
        "signed block 0 only",
        "not the 6 blocks behind",
        ": the genesis block: by",
    ];
    expect(&report, Level::Signature, Verdict::Partly, &words);
}

fn every_named_key_must_have_signed() {
    let run = run();
    sign(&run, 1, &head(&run, HEAD));
    let report = check_by(&run, &[key(1), key(2)]);
    let words = [format!("NOT SIGNED by {}", key(2))];
    expect(&report, Level::Signature, Verdict::Fails, &[&words[0]]);
    sign(&run, 2, &head(&run, 2));
    let report = check_by(&run, &[key(1), key(2)]);
    expect(
        &report,
        Level::Signature,
        Verdict::Partly,
        &["signed blocks 0 to 2 only"],
    );
    sign(&run, 2, &head(&run, HEAD));
    let report = check_by(&run, &[key(1), key(2)]);
    expect(
        &report,
        Level::Signature,
        Verdict::Holds,
        &["signed by 2 named keys"],
    );
}

fn without_a_named_key_nothing_counts() {
    let run = run();
    sign(&run, 1, &head(&run, HEAD));
    let report = check_by(&run, &[]);
    let words = ["you named no key", "which you did not name (--signed-by)"];
    expect(&report, Level::Signature, Verdict::NotChecked, &words);
    assert_eq!(states(&report), [SignatureState::NotNamed]);
    assert_eq!(report.headline, "CONSISTENT, UNANCHORED");
    let report = check_by(&run, &[key(2)]);
    expect(
        &report,
        Level::Signature,
        Verdict::Fails,
        &["NOT SIGNED by"],
    );
}

fn a_revoked_key_does_not_count() {
    let run = run();
    sign(&run, 1, &head(&run, HEAD));
    let options = AuditOptions {
        signed_by: vec![key(1)],
        revoked: vec![key(2), key(1)],
        ..AuditOptions::default()
    };
    let report = audit(&run.run, &options, &mut |_| {}).unwrap();
    let words = ["NOT SIGNED by", "which you call revoked (--revoked)"];
    expect(&report, Level::Signature, Verdict::Fails, &words);
    assert_eq!(states(&report), [SignatureState::Revoked]);
}

fn a_key_counts_for_what_it_is_allowed() {
    let run = run();
    sign(&run, 1, &head(&run, HEAD));
    for (namespaces, verdict) in [
        ("git", Verdict::Fails),
        ("git,burn-pow/head/*", Verdict::Holds),
        ("*,!burn-pow/*", Verdict::Fails),
    ] {
        let line = format!("me namespaces=\"{namespaces}\" {}", ssh_public(1));
        let report = check_by(&run, &[line.parse().unwrap()]);
        expect(&report, Level::Signature, verdict, &[]);
        if verdict == Verdict::Fails {
            assert_eq!(states(&report), [SignatureState::NotAllowed]);
            let words = "is not allowed for signatures of the namespace burn-pow/head/v1";
            assert!(lines(&report, Level::Signature).contains(words));
        }
    }
}

fn a_longer_chain_of_the_same_run_is_named() {
    let run = run();
    sign(&run, 1, &head(&run, HEAD));
    let mut file = run.file();
    file.records.truncate(5);
    run.write(file.to_bytes());
    let report = check_by(&run, &[key(1)]);
    let words = [
        "NOT SIGNED by",
        "AHEAD: over block 6 of this run, and this chain ends at block 4: it is an older copy, or was cut",
    ];
    expect(&report, Level::Signature, Verdict::Fails, &words);
    assert_eq!(states(&report), [SignatureState::Ahead]);
}

fn another_chain_of_the_same_run_is_an_equivocation() {
    let run = run();
    let other = Statement::Head {
        genesis: head(&run, 0).genesis(),
        height: Height::new(4).unwrap(),
        hash: BlockHash([9; 32]),
    };
    sign(&run, 1, &head(&run, HEAD));
    sign(&run, 1, &other);
    let report = check_by(&run, &[key(1)]);
    let words = [
        "EQUIVOCATION: its key stands for this chain up to block 6, too",
        "over block 4",
    ];
    expect(&report, Level::Signature, Verdict::Fails, &words);
    let mut states = states(&report);
    states.sort_by_key(|state| *state != SignatureState::Counts);
    assert_eq!(
        states,
        [SignatureState::Counts, SignatureState::Equivocation]
    );
    // One head may extend the other, or each has a signer of its own.
    for (signer, height) in [(1, 2), (2, HEAD)] {
        let run = run_with(&other);
        sign(&run, signer, &head(&run, height));
        let report = check_by(&run, &[key(signer)]);
        expect(
            &report,
            Level::Signature,
            Verdict::Fails,
            &["ANOTHER CHAIN: over block 4"],
        );
        assert!(!lines(&report, Level::Signature).contains("EQUIVOCATION"));
    }
}

/// A run with a signature over another chain, by key 1.
fn run_with(other: &Statement) -> Fixture {
    let run = run();
    sign(&run, 1, other);
    run
}

fn an_unfinished_run_can_be_signed() {
    let run = Fixture::record_with(&Plan::default(), |_| {}, |recorder| recorder.steps(&[0]));
    let last = head_statement(&run.run, None).unwrap();
    sign(&run, 1, &last);
    let report = check_by(&run, &[key(1)]);
    expect(
        &report,
        Level::Signature,
        Verdict::Holds,
        &["up to the last block"],
    );
}

fn a_chain_that_breaks_is_signed_in_part() {
    let run = run();
    sign(&run, 1, &head(&run, 3));
    sign(&run, 1, &head(&run, HEAD));
    let mut file = run.file();
    file.records.remove(4);
    run.write(file.to_bytes());
    let report = check_by(&run, &[key(1)]);
    expect(&report, Level::Chain, Verdict::Fails, &[]);
    let words = [
        "signed up to the last good block; the chain does not hold behind it",
        "not checked: over block 6, behind the last good one",
    ];
    expect(&report, Level::Signature, Verdict::Partly, &words);
}

fn minisign_counts_too() {
    let run = run();
    let text = head(&run, HEAD).to_string();
    add(
        &run,
        SignatureKind::Minisign,
        &minisign_sign(1, &text),
        &text,
    );
    let named: SignerKey = minisign_public(1).parse().unwrap();
    let report = check_by(&run, &[named]);
    let words = ["up to the last block", "by minisign 0101010101010101"];
    expect(&report, Level::Signature, Verdict::Holds, &words);
    let report = check_by(&run, &[]);
    let words = ["not checked: by minisign 0101010101010101, which you did not name"];
    expect(&report, Level::Signature, Verdict::NotChecked, &words);
}

fn a_security_key_must_be_touched() {
    for (touched, verdict, words) in [
        (
            true,
            Verdict::Holds,
            "by sk-ssh-ed25519@openssh.com SHA256:",
        ),
        (
            false,
            Verdict::Fails,
            "the security key signed without being touched",
        ),
    ] {
        let run = run();
        let statement = head(&run, HEAD);
        let text = statement.to_string();
        let (public, signature) = touch_sign(1, statement.namespace(), &text, touched);
        add(&run, SignatureKind::Ssh, &signature, &text);
        let report = check_by(&run, &[public.parse().unwrap()]);
        expect(&report, Level::Signature, verdict, &[words]);
    }
}

fn only_what_belongs_is_taken_in() {
    let (run, other) = (run(), Fixture::other());
    let statement = head(&run, HEAD);
    let text = statement.to_string();
    let good = ssh_sign(1, statement.namespace(), &text);
    let taken = accept_signature(&run.run, text.as_bytes(), good.as_bytes(), None).unwrap();
    assert_eq!((taken.key, taken.statement), (key(1), statement));

    let foreign = head(&other, HEAD);
    let report = Statement::ReplayReport {
        genesis: statement.genesis(),
        height: Height::GENESIS,
        hash: statement.genesis(),
        report: [1; 32],
    };
    let later = Statement::Head {
        genesis: statement.genesis(),
        height: Height::new(7).unwrap(),
        hash: BlockHash([1; 32]),
    };
    let by = |statement: &Statement| {
        let text = statement.to_string();
        let signature = ssh_sign(1, statement.namespace(), &text);
        (text, signature)
    };
    let cases = [
        (
            by(&foreign),
            None,
            "it is about another run: its genesis block is",
        ),
        (
            by(&later),
            None,
            "there is no block 7; the last one is block 6",
        ),
        (by(&report), None, "about a replay report"),
        (
            (text.clone() + "more\n", good.clone()),
            None,
            "line 5: not in the form",
        ),
        (
            (text.clone(), good.clone()),
            Some(key(2)),
            "made by another key",
        ),
        (
            (text.clone(), "words".into()),
            None,
            "begins neither as an SSH signature",
        ),
        (
            (text.clone(), ssh_sign(1, "file", &text)),
            None,
            "made for the namespace \"file\", not \"burn-pow/head/v1\"",
        ),
        (
            (text.clone(), minisign_sign(1, &text)),
            None,
            "made by minisign 0101010101010101, whose public key was not given",
        ),
    ];
    for ((text, signature), key, words) in cases {
        let refused = accept_signature(
            &run.run,
            text.as_bytes(),
            signature.as_bytes(),
            key.as_ref(),
        );
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(words), "{words:?} is not in: {error}");
    }
}
