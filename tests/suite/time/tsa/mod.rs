//! Timestamps of TSAs: by OpenSSL's TSA, whose answers count, and forged ones, which do not.

mod forged;
mod openssl;
mod vectors;

use super::{HEAD, add_kind, begins_after, chain_with, early, record, states};
pub(super) use forged::{cases, sound};
pub(crate) use openssl::Authority;
use pow_audit::anchor::tsp::{Nonce, TrustedCertificates, timestamp_request};
use pow_audit::anchor::{BitcoinHeaders, StampDigest, accept, stamp};
use pow_audit::{AnchorState, AuditOptions, AuditReport, Level, Verdict, audit};
use pow_core::coinbase::Height;
use pow_core::header::Header;
use pow_ledger::AnchorKind::Rfc3161;
use pow_tests::anchors::{REGTEST, complete, listed, stamped};
use pow_tests::audits::expect;
use pow_tests::fixture::Fixture;

tests! {
    mod vectors, forged;
    Openssl: an_interval_holds_by_a_local_tsa, openssl_accepts_what_was_kept,
        any_certificate_on_the_path_can_be_trusted, a_token_in_mid_run_covers_what_is_before_it,
        the_earlier_of_two_ends_counts
}

/// Certificates that the verifier trusts.
pub(crate) fn trusting(certificates: &[&[u8]]) -> TrustedCertificates {
    let mut trusted = TrustedCertificates::default();
    for certificate in certificates {
        trusted.add(certificate).unwrap();
    }
    trusted
}

fn check(run: &Fixture, trusted: &[&[u8]], headers: &[(u32, Header)]) -> AuditReport {
    let headers = (!headers.is_empty())
        .then(|| BitcoinHeaders::parse(listed(headers).as_bytes(), REGTEST).unwrap());
    let options = AuditOptions {
        bitcoin_headers: headers,
        trusted_tsas: trusting(trusted),
        ..AuditOptions::default()
    };
    audit(&run.run, &options, &mut |_| {}).unwrap()
}

pub(super) fn request(run: &Fixture, height: usize) -> Vec<u8> {
    timestamp_request(StampDigest(stamped(run, height)), Nonce(77)).unwrap()
}

/// A run that names no Bitcoin block.
pub(super) fn run() -> Fixture {
    record(|_| {})
}

fn an_interval_holds_by_a_local_tsa() {
    let authority = Authority::new();
    for key in ["rsa:2048", "rsa:3072", "ec:P-256", "ec:P-384"] {
        authority.issue("tsa", key, "root", "tsa");
        let run = record(begins_after(early()));
        let answer = authority.answer("tsa", &request(&run, HEAD), &[]);
        let accepted = accept(&run.run, &answer).unwrap();
        assert_eq!(accepted.height, Height::new(HEAD as u32).unwrap());
        add_kind(&run, Rfc3161, &answer);
        let headers = &[(7, early())];
        let root = authority.certificate("root");
        let report = check(&run, &[&root], headers);
        let words = [
            "made between 2023-11-13T16:26:40Z and 20",
            "the later time is the word of the TSA \"CN=TSA tsa\"",
            "blocks 0 to 6: not after",
            "by the certificate of \"CN=Root\" that you trust; policy 1.2.3, accuracy 1.5 s",
            "whether its certificates were revoked is not checked",
            "Bitcoin's times are the miners'",
        ];
        expect(&report, Level::Time, Verdict::Holds, &words);
        assert_eq!(states(&report), [AnchorState::Counts]);
        assert_eq!(report.headline, "CONSISTENT, NOT PINNED, ANCHORED IN TIME");
        // Each end alone, and neither.
        let words = [
            "not before 2023-11-13",
            "no certificate of a TSA is trusted",
        ];
        let report = check(&run, &[], headers);
        expect(&report, Level::Time, Verdict::Partly, &words);
        assert_eq!(states(&report), [AnchorState::Untrusted]);
        let run = self::run();
        add_kind(
            &run,
            Rfc3161,
            &authority.answer("tsa", &request(&run, HEAD), &[]),
        );
        let words = ["not after 20", "nothing shows how early"];
        expect(
            &check(&run, &[&root], &[]),
            Level::Time,
            Verdict::Partly,
            &words,
        );
        let words = ["UNANCHORED"];
        expect(
            &check(&run, &[], &[]),
            Level::Time,
            Verdict::NotChecked,
            &words,
        );
    }
}

fn openssl_accepts_what_was_kept() {
    let authority = Authority::new();
    let run = run();
    let stamp = stamp(&run.run, None).unwrap();
    let query = timestamp_request(stamp.digest, Nonce(u64::MAX)).unwrap();
    for key in ["rsa:2048", "ec:P-256"] {
        authority.issue("tsa", key, "root", "tsa");
        let answer = authority.answer("tsa", &query, &[]);
        add_kind(&run, Rfc3161, &answer);
        let kept = run.run.anchors().unwrap();
        let kept = kept.last().unwrap();
        let file = run.run.path().join(kept.path());
        let file = file.to_str().unwrap();
        std::fs::write(authority.path("header"), stamp.header).unwrap();
        // By the request, with its nonce, and by the header itself.
        for by in [["-queryfile", "query"], ["-data", "header"]] {
            let common = ["ts", "-verify", "-in", file, "-CAfile", "root.pem"];
            let said = authority.ask(&[&common[..], &by].concat());
            assert!(said.status.success(), "{said:?}");
        }
        let mut other = stamp.header;
        other[0] ^= 1;
        std::fs::write(authority.path("header"), other).unwrap();
        let common = ["ts", "-verify", "-in", file, "-CAfile", "root.pem"];
        let said = authority.ask(&[&common[..], &["-data", "header"]].concat());
        assert!(!said.status.success(), "{said:?}");
    }
}

fn any_certificate_on_the_path_can_be_trusted() {
    let authority = Authority::new();
    authority.issue("middle", "ec:P-384", "root", "ca");
    authority.issue("tsa", "ec:P-256", "middle", "tsa");
    let run = run();
    let names = ["root", "middle", "tsa"];
    let [root, middle, tsa] = names.map(|name| authority.certificate(name));
    let answer = authority.answer("tsa", &request(&run, HEAD), &["middle"]);
    add_kind(&run, Rfc3161, &answer);
    for (trusted, name) in [(&root, "Root"), (&middle, "TSA middle"), (&tsa, "TSA tsa")] {
        let words = format!("by the certificate of \"CN={name}\" that you trust");
        expect(
            &check(&run, &[trusted], &[]),
            Level::Time,
            Verdict::Partly,
            &[&words],
        );
    }
    // The signer may be named by its key.
    let info = sound(&authority, stamped(&run, HEAD));
    let by_key = authority.sign("tsa", &info, &["-keyid", "-certfile", "middle.pem"]);
    let named = self::run();
    add_kind(&named, Rfc3161, &by_key);
    expect(
        &check(&named, &[&root], &[]),
        Level::Time,
        Verdict::Partly,
        &["not after"],
    );
    // In DER, and among others in one file.
    let said = authority.ask(&["x509", "-in", "tsa.pem", "-outform", "DER"]);
    expect(
        &check(&run, &[&said.stdout], &[]),
        Level::Time,
        Verdict::Partly,
        &["not after"],
    );
    let bundle = [&b"notes\n"[..], &middle, b"more\n", &root].concat();
    assert_eq!(TrustedCertificates::default().add(&bundle), Ok(2));
    // A token without certificates, which the verifier supplies.
    let bare = authority.answer("tsa", &without_certificates(&request(&run, HEAD)), &[]);
    assert!(
        bare.len() + 300 < answer.len(),
        "{} {}",
        bare.len(),
        answer.len()
    );
    let run = self::run();
    add_kind(&run, Rfc3161, &bare);
    let words = ["neither in the token nor among the trusted ones"];
    expect(
        &check(&run, &[&root], &[]),
        Level::Time,
        Verdict::NotChecked,
        &words,
    );
    expect(
        &check(&run, &[&tsa], &[]),
        Level::Time,
        Verdict::Partly,
        &["not after"],
    );
}

/// The request with `certReq` away, which is false then.
fn without_certificates(request: &[u8]) -> Vec<u8> {
    let mut bytes = request[..request.len() - 3].to_vec();
    bytes[1] -= 3;
    bytes
}

fn a_token_in_mid_run_covers_what_is_before_it() {
    let authority = Authority::new();
    authority.issue("tsa", "ec:P-256", "root", "tsa");
    let run = run();
    add_kind(
        &run,
        Rfc3161,
        &authority.answer("tsa", &request(&run, 3), &[]),
    );
    let words = ["blocks 0 to 3 not after a time; nothing shows when the blocks behind"];
    let report = check(&run, &[&authority.certificate("root")], &[]);
    expect(&report, Level::Time, Verdict::Partly, &words);
}

fn the_earlier_of_two_ends_counts() {
    let authority = Authority::new();
    authority.issue("tsa", "ec:P-256", "root", "tsa");
    let run = record(begins_after(early()));
    let digest = stamped(&run, HEAD);
    add_kind(
        &run,
        Rfc3161,
        &authority.answer("tsa", &request(&run, HEAD), &[]),
    );
    super::add(&run, &complete(digest, 9));
    let root = authority.certificate("root");
    let later = |time| check(&run, &[&root], &chain_with(digest, time));
    let words = ["the later time is that of a Bitcoin block"];
    expect(&later(super::LATE), Level::Time, Verdict::Holds, &words);
    let words = ["the later time is the word of the TSA"];
    expect(&later(u32::MAX), Level::Time, Verdict::Holds, &words);
}
