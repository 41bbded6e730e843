//! Forged and unfit timestamps, each with one defect. Each is refused in its own words, and
//! most make the level fail even beside a good one.

use super::openssl::{Authority, TST_INFO};
use super::{HEAD, Rfc3161, add_kind, check, record, request, run, states};
use pow_audit::anchor::accept;
use pow_audit::hex::from_hex;
use pow_audit::{AnchorState, Level, Verdict};
use pow_tests::anchors::stamped;
use pow_tests::audits::expect;
use pow_tests::tokens::{Info, der, sequence};
use std::collections::BTreeSet;

tests! {
    Openssl: each_forged_token_has_its_own_words, what_lacks_trust_only_does_not_count,
        a_damaged_token_is_damaged
}

/// A time at which the certificates are valid: a month after the tests' clock.
fn good_time(authority: &Authority) -> String {
    time_in(authority, 30)
}

/// What a TSA may sign over this digest.
pub(in super::super) fn sound(authority: &Authority, digest: [u8; 32]) -> Vec<u8> {
    Info::new(digest, &good_time(authority)).to_bytes()
}

/// The certificate's first day and some days, as `GeneralizedTime`.
fn time_in(authority: &Authority, days: u32) -> String {
    let said = authority.ask(&["x509", "-in", "root.pem", "-noout", "-startdate"]);
    let text = String::from_utf8(said.stdout).unwrap();
    let words: Vec<&str> = text
        .trim()
        .trim_start_matches("notBefore=")
        .split_whitespace()
        .collect();
    let [month, _day, _time, year, "GMT"] = words[..] else {
        panic!("{text}")
    };
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = months.iter().position(|name| *name == month).unwrap() as u32 + days / 30;
    let year = year.parse::<u32>().unwrap() + month / 12;
    format!("{year}{:02}01120000Z", month % 12 + 1)
}

/// Name of the defect, the bytes, the state, and the words.
pub(in super::super) struct Case {
    pub(in super::super) name: &'static str,
    pub(in super::super) bytes: Vec<u8>,
    pub(super) state: AnchorState,
    pub(super) words: &'static str,
}

const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const MD5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05];
const SHA512: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03];

/// All of them, over this digest. The verifier trusts `root`.
pub(in super::super) fn cases(authority: &Authority, digest: [u8; 32]) -> Vec<Case> {
    use AnchorState::{Foreign, Forged, Malformed, UnfitCertificate, Weak};
    let mut cases = Vec::new();
    let mut case = |name, bytes, state, words| {
        cases.push(Case {
            name,
            bytes,
            state,
            words,
        });
    };
    let time = good_time(authority);
    let good = Info::new(digest, &time);
    let with = |edit: &dyn Fn(&mut Info)| {
        let mut info = good.clone();
        edit(&mut info);
        info.to_bytes()
    };
    authority.issue("tsa", "ec:P-256", "root", "tsa");
    let sign = |info: &[u8]| authority.sign("tsa", info, &[]);
    let sound = sign(&good.to_bytes());

    // What is stamped.
    let other = stamped(&record(|genesis| genesis.seed ^= 1), HEAD);
    let foreign = sign(&Info::new(other, &time).to_bytes());
    case(
        "of another chain",
        foreign,
        Foreign,
        "FOREIGN: the stamped digest",
    );
    let weak = with(&|info| (info.algorithm, info.digest) = (SHA1.into(), vec![7; 20]));
    case(
        "over SHA-1",
        sign(&weak),
        Weak,
        "the stamped digest is SHA-1, which is too weak",
    );
    let weak = with(&|info| (info.algorithm, info.digest) = (MD5.into(), vec![7; 16]));
    case(
        "over MD5",
        sign(&weak),
        Weak,
        "the stamped digest is MD5, which is too weak",
    );
    let long = with(&|info| (info.algorithm, info.digest) = (SHA512.into(), vec![7; 64]));
    case(
        "over SHA-512",
        sign(&long),
        Malformed,
        "expected SHA-256, in 32 bytes",
    );
    let short = with(&|info| info.digest = vec![7; 31]);
    case(
        "a short digest",
        sign(&short),
        Malformed,
        "Sha256 in another length",
    );

    // What is signed, and by whom.
    let edit = |find: &[u8], skip: usize, change: u8| {
        let mut bytes = sound.clone();
        let at = bytes
            .windows(find.len())
            .rposition(|part| part == find)
            .unwrap();
        bytes[at + skip] ^= change;
        bytes
    };
    let changed = edit(time.as_bytes(), 3, 1);
    case(
        "another time",
        changed,
        Forged,
        "the signed digest is not that of the token's content",
    );
    let mut changed = sound.clone();
    *changed.last_mut().unwrap() ^= 1;
    case(
        "another signature",
        changed,
        Forged,
        "the signature over the token does not hold",
    );
    // The signing time, in the signed attributes.
    let changed = edit(b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05\x31", 15, 1);
    let words = "under the key of \"CN=TSA tsa\"";
    case("another attribute", changed, Forged, words);
    // The last place with the certificate's number is the signer's, which nobody signed.
    let said = authority.ask(&["x509", "-in", "tsa.pem", "-noout", "-serial"]);
    let said = String::from_utf8(said.stdout).unwrap();
    let number = from_hex(said.trim().trim_start_matches("serial=")).unwrap();
    let changed = edit(&number, 1, 1);
    let words = "the signed attributes name another certificate than that of \"CN=TSA tsa\"";
    case("another number", changed, Forged, words);
    authority.issue("elsewhere", "ec:P-256", "root", "tsa");
    let sha1 = authority.sign("tsa", &good.to_bytes(), &["-md", "sha1"]);
    case(
        "signed with SHA-1",
        sha1,
        Weak,
        "digest of the signed attributes is SHA-1",
    );
    let plain = authority.cms("tsa", &good.to_bytes(), TST_INFO, &["-md", "sha256"]);
    case(
        "no certificate named",
        plain,
        Malformed,
        "0 references to the signer's certificate",
    );
    let bare = ["-noattr", "-md", "sha256"];
    let bare = authority.cms("tsa", &good.to_bytes(), TST_INFO, &bare);
    case(
        "no signed attributes",
        bare,
        Malformed,
        "0 sets of signed attributes",
    );
    let two = ["-signer", "elsewhere.pem", "-inkey", "elsewhere.key"];
    let two = authority.sign("tsa", &good.to_bytes(), &two);
    case(
        "two signers",
        two,
        Malformed,
        "2 signers of the token, expected exactly 1",
    );
    let data = ["-cades", "-md", "sha256"];
    let data = authority.cms("tsa", &good.to_bytes(), "1.2.840.113549.1.7.1", &data);
    case(
        "of other content",
        data,
        Malformed,
        "what is signed is 1.2.840.113549.1.7.1",
    );
    let named = der(0xa0, &der(0xa4, &sequence(&[&common_name("Another")])));
    let named = with(&|info| info.rest = named.clone());
    case(
        "by another TSA",
        sign(&named),
        Forged,
        "the token names the TSA \"CN=Another\"",
    );

    // Certificates.
    for (extensions, words) in [
        (
            "tsa_not_critical",
            "extended key usage is timeStamping (not critical)",
        ),
        (
            "tsa_and_mail",
            "is timeStamping, 1.3.6.1.5.5.7.3.4 (critical)",
        ),
        ("tsa_server", "is 1.3.6.1.5.5.7.3.1 (critical)"),
        ("tsa_no_usage", "its extended key usage is absent"),
        ("tsa_encrypts", "may not sign data"),
        (
            "tsa_unknown",
            "critical extension 1.2.3.4.5 that is not known",
        ),
    ] {
        authority.issue(extensions, "ec:P-256", "root", extensions);
        let token = authority.sign(extensions, &good.to_bytes(), &[]);
        case(extensions, token, UnfitCertificate, words);
    }
    let early = with(&|info| info.time = "20200101000000Z".into());
    case(
        "before its certificate",
        sign(&early),
        UnfitCertificate,
        "was not valid yet: valid from",
    );
    let late = with(&|info| info.time = "20990101000000Z".into());
    case(
        "after its certificate",
        sign(&late),
        UnfitCertificate,
        "had expired: valid until",
    );
    for (issuer, words) in [
        ("no_ca", "is not that of a CA"),
        ("ca_no_sign", "may not sign certificates, by its key usage"),
        ("ca_mail", "may not sign certificates for time-stamping"),
    ] {
        authority.issue(issuer, "ec:P-256", "root", issuer);
        authority.issue("below", "ec:P-256", issuer, "tsa");
        let file = format!("{issuer}.pem");
        let token = authority.sign("below", &good.to_bytes(), &["-certfile", &file]);
        case(issuer, token, UnfitCertificate, words);
    }
    authority.issue("short", "ec:P-256", "root", "ca0");
    authority.issue("middle", "ec:P-256", "short", "ca");
    authority.issue("below", "ec:P-256", "middle", "tsa");
    let both = [
        authority.certificate("short"),
        authority.certificate("middle"),
    ]
    .concat();
    std::fs::write(authority.path("both.pem"), both).unwrap();
    let token = authority.sign("below", &good.to_bytes(), &["-certfile", "both.pem"]);
    case(
        "a long path",
        token,
        UnfitCertificate,
        "its path length is shorter",
    );
    // The true root's name, and nothing about the key.
    authority.root("false", "/CN=Root", "rsa:2048", "ca_bare", 3650);
    authority.issue("below", "ec:P-256", "false", "tsa");
    let token = authority.sign("below", &good.to_bytes(), &["-certfile", "false.pem"]);
    case(
        "a false root",
        token,
        Forged,
        "the signature over the certificate of \"CN=TSA below\"",
    );
    authority.issue("weak", "rsa:1024", "root", "tsa");
    let token = authority.sign("weak", &good.to_bytes(), &[]);
    case(
        "a weak key",
        token,
        Weak,
        "RSA of 1024 bits, which is too weak",
    );
    authority.issue("curve", "ec:secp256k1", "root", "tsa");
    let token = authority.sign("curve", &good.to_bytes(), &[]);
    case(
        "another curve",
        token,
        Malformed,
        "on the curve 1.3.132.0.10, expected",
    );

    // What is in no right form.
    let refused = sequence(&[&sequence(&[
        &der(0x02, &[2]),
        &sequence(&[&der(0x0c, b"busy")]),
    ])]);
    case(
        "no token",
        refused,
        Malformed,
        "status 2, expected 0 or 1, \"busy\"",
    );
    let behind = [&sound[..], &[0]].concat();
    case(
        "a byte behind",
        behind,
        Malformed,
        "1 bytes follow the answer of the TSA",
    );
    let cut = sound[..sound.len() - 1].to_vec();
    case("cut off", cut, Malformed, "the answer of the TSA: ");
    let mut endless = sound.clone();
    endless[1] = 0x80;
    case("without a length", endless, Malformed, "indefinite");
    case(
        "nothing",
        vec![0x30, 0],
        Malformed,
        "the status of the answer: ",
    );
    case("too long", vec![0x30; 70_000], Malformed, "65536 bytes");
    let version = with(&|info| info.version = 2);
    case(
        "version 2",
        sign(&version),
        Malformed,
        "the version of the token's content is 2",
    );
    let wrong = with(&|info| info.time = info.time.replacen("120000Z", "120000.50Z", 1));
    case(
        "a zero behind",
        sign(&wrong),
        Malformed,
        "the last one not 0",
    );
    let wrong = with(&|info| info.time = "20261332120000Z".into());
    case(
        "month 13",
        sign(&wrong),
        Malformed,
        "the time is \"20261332120000Z\"",
    );
    let wrong = with(&|info| info.rest = sequence(&[&der(0x80, &[0x03, 0xe8])]));
    case(
        "a long accuracy",
        sign(&wrong),
        Malformed,
        "expected 1 to 999 thousandths",
    );
    let more = with(&|info| info.rest = der(0x05, &[]));
    case(
        "more content",
        sign(&more),
        Malformed,
        "2 bytes follow the token's content",
    );
    let extension = sequence(&[&der(0x06, &[0x2a, 9]), &[1, 1, 0xff], &der(0x04, &[5, 0])]);
    let critical = with(&|info| info.rest = der(0xa1, &extension));
    let words = "the token has a critical extension 1.2.9";
    case(
        "a critical extension",
        sign(&critical),
        UnfitCertificate,
        words,
    );
    cases
}

fn common_name(name: &str) -> Vec<u8> {
    let part = sequence(&[&der(0x06, &[0x55, 4, 3]), &der(0x0c, name.as_bytes())]);
    der(0x31, &part)
}

fn each_forged_token_has_its_own_words() {
    let authority = Authority::new();
    let root = authority.certificate("root");
    let digest = stamped(&run(), HEAD);
    let good = {
        authority.issue("good", "ec:P-256", "root", "tsa");
        authority.answer("good", &request(&run(), HEAD), &[])
    };
    let mut all = BTreeSet::new();
    for Case {
        name,
        bytes,
        state,
        words,
    } in cases(&authority, digest)
    {
        let run = run();
        add_kind(&run, Rfc3161, &good);
        expect(
            &check(&run, &[&root], &[]),
            Level::Time,
            Verdict::Partly,
            &["not after"],
        );
        add_kind(&run, Rfc3161, &bytes);
        let report = check(&run, &[&root], &[]);
        expect(&report, Level::Time, Verdict::Fails, &[]);
        let first = &report.level(Level::Time).unwrap().lines[0];
        assert!(first.contains(words), "{name}: {first}");
        assert!(states(&report).contains(&state), "{name}: {report}");
        assert!(all.insert(words), "{name} has the words of another");
        // What needs no trust to be seen is not taken in at all.
        if matches!(
            state,
            AnchorState::Malformed | AnchorState::Weak | AnchorState::Foreign
        ) {
            let error = accept(&run.run, &bytes).unwrap_err();
            assert!(error.is_verdict(), "{name}: {error}");
        }
    }
    assert!(all.len() >= 40, "{}", all.len());
}

fn what_lacks_trust_only_does_not_count() {
    let authority = Authority::new();
    let run = run();
    let info = Info::new(stamped(&run, HEAD), &good_time(&authority)).to_bytes();
    authority.root("other", "/CN=Other", "ec:P-256", "ca", 3650);
    authority.issue("tsa", "ec:P-256", "other", "tsa");
    let token = authority.sign("tsa", &info, &["-certfile", "other.pem"]);
    accept(&run.run, &token).unwrap();
    add_kind(&run, Rfc3161, &token);
    let root = authority.certificate("root");
    let report = check(&run, &[&root], &[]);
    let words = ["whose certificate leads to \"CN=Other\", and none of these is trusted"];
    expect(&report, Level::Time, Verdict::NotChecked, &words);
    assert_eq!(states(&report), [AnchorState::Untrusted]);
    // Once it is trusted, the same token counts. Its root may have expired by then.
    let other = authority.certificate("other");
    expect(
        &check(&run, &[&root, &other], &[]),
        Level::Time,
        Verdict::Partly,
        &["not after"],
    );
    // An authority of the same name and another key is another one, and accuses nobody.
    authority.root("renewed", "/CN=Other", "ec:P-256", "ca", 3650);
    let renewed = authority.certificate("renewed");
    let words = ["whose certificate leads to \"CN=Other\""];
    expect(
        &check(&run, &[&renewed], &[]),
        Level::Time,
        Verdict::NotChecked,
        &words,
    );
    authority.root("brief", "/CN=Brief", "ec:P-256", "ca", 1);
    authority.issue("tsa", "ec:P-256", "brief", "tsa");
    add_kind(&run, Rfc3161, &authority.sign("tsa", &info, &[]));
    let words = ["the certificate of \"CN=Brief\" had expired: valid until"];
    let brief = authority.certificate("brief");
    expect(
        &check(&run, &[&brief], &[]),
        Level::Time,
        Verdict::Fails,
        &words,
    );
}

fn a_damaged_token_is_damaged() {
    let authority = Authority::new();
    authority.issue("tsa", "ec:P-256", "root", "tsa");
    let run = run();
    let answer = authority.answer("tsa", &request(&run, HEAD), &[]);
    add_kind(&run, Rfc3161, &answer);
    let anchor = *run.run.anchors().unwrap().first().unwrap();
    let other = authority.answer("tsa", &request(&run, HEAD), &[]);
    std::fs::write(run.run.path().join(anchor.path()), other).unwrap();
    let report = check(&run, &[&authority.certificate("root")], &[]);
    expect(
        &report,
        Level::Time,
        Verdict::Fails,
        &["DAMAGED: its bytes"],
    );
}
