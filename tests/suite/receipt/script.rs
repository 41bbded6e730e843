//! `scripts/check_receipt.py` says of each receipt what the library says.

use super::signed::{
    compressed, declaration, exact, full, key, section, short as declared_run, signed_report,
    signed_statement, with,
};
use super::{anchored, headers, receipt_of, short, trusting_headers};
use crate::python::script;
use crate::time::tsa::Authority;
use pow_audit::Level;
use pow_audit::anchor::StampDigest;
use pow_audit::anchor::tsp::{Nonce, timestamp_request};
use pow_audit::receipt::{Receipt, ReceiptOptions, SectionKind, check_receipt};
use pow_audit::signature::head_statement;
use pow_ledger::AnchorKind::Rfc3161;
use pow_tests::anchors::{listed, stamped};
use pow_tests::fixture::Fixture;
use pow_tests::signatures::{ssh_public, ssh_sign};
use tempfile::TempDir;

tests! {
    Python: the_script_reads_each_receipt_alike;
    Python + SshKeygen: the_script_checks_what_is_signed;
    Python + Openssl: the_script_checks_tokens
}

fn the_script_reads_each_receipt_alike() {
    let run = short();
    let digests = anchored(&run, [6, 3]);
    let bytes = receipt_of(&run);
    let headers = headers(&digests);
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("headers"), listed(&headers)).unwrap();
    let options = trusting_headers(&headers);
    let report = check_receipt(&bytes, &options);
    let chain = report.chain.unwrap();
    let ask = |bytes: &[u8], head: &str| {
        std::fs::write(path("receipt"), bytes).unwrap();
        let list = path("headers");
        let arguments = [&path("receipt"), "--bitcoin-headers", &list, "--head", head];
        let output = script("check_receipt.py", &arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, "");
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, said) = ask(&bytes, &chain.head);
    assert_eq!(code, 0, "{said}");
    for words in [
        "SHOWN UNDER THE PINNED HEAD\n".to_owned(),
        format!("head     {} (final, block 6)", chain.head),
        format!("genesis  {} (genesis, block 0)", chain.genesis),
        format!(
            "completed after 6 steps, parameter root {}",
            chain.artifact.unwrap()
        ),
        "genesis: after Bitcoin block 7, header time 1699900000".into(),
        "blocks 0 to 6: Bitcoin block 9, header time 1700100000".into(),
        "blocks 0 to 3: Bitcoin block 11, header time 1700100000".into(),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }
    assert_eq!(ask(&bytes, &"07".repeat(32)).0, 1);
    // Damaged ones: both refuse, or neither.
    let step = bytes.len() / 150;
    let (mut refused, mut taken) = (0, 0);
    for at in (0..bytes.len()).step_by(step) {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        let pinned = ReceiptOptions {
            head: chain.head.parse().ok(),
            ..options.clone()
        };
        let holds = check_receipt(&bad, &pinned).holds();
        let (code, said) = ask(&bad, &chain.head);
        assert_eq!(code == 0, holds, "byte {at}: {said}");
        match holds {
            true => taken += 1,
            false => refused += 1,
        }
    }
    assert!(refused > 50, "{refused} refused, {taken} taken");
    let mut swapped = Receipt::parse(&bytes).unwrap().sections().to_vec();
    swapped.retain(|section| section.kind.number() != 3);
    let without = Receipt::new(swapped).unwrap().to_bytes();
    let (code, said) = ask(&without, &chain.head);
    assert_eq!(
        (code, said.contains("over no block of the receipt")),
        (1, true),
        "{said}"
    );
}

fn the_script_checks_tokens() {
    let authority = Authority::new();
    authority.issue("tsa", "ec:P-256", "root", "tsa");
    let run = short();
    let request = timestamp_request(StampDigest(stamped(&run, 6)), Nonce(1)).unwrap();
    run.run
        .add_anchor(Rfc3161, &authority.answer("tsa", &request, &[]))
        .unwrap();
    std::fs::write(authority.path("receipt"), receipt_of(&run)).unwrap();
    authority.root("other", "/CN=Other", "ec:P-256", "ca", 3650);
    let [receipt, root, other] = ["receipt", "root.pem", "other.pem"]
        .map(|name| authority.path(name).to_str().unwrap().to_owned());
    let ask = |trusted: &str| script("check_receipt.py", &[&receipt, "--trust-tsa", trusted]);
    let said = String::from_utf8(ask(&root).stdout).unwrap();
    assert!(said.contains("blocks 0 to 6: TSA, time 1"), "{said}");
    assert_eq!(ask(&other).status.code(), Some(1));
}

fn the_script_checks_what_is_signed() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    for seed in 1..=4 {
        std::fs::write(path(&format!("key{seed}")), ssh_public(seed)).unwrap();
    }
    let run = declared_run();
    let good = full(&run);
    let ask = |bytes: &[u8], more: &[(&str, u8)]| {
        std::fs::write(path("receipt"), bytes).unwrap();
        let mut arguments = vec![path("receipt")];
        for (option, seed) in more {
            arguments.extend([(*option).to_owned(), path(&format!("key{seed}"))]);
        }
        let output = script("check_receipt.py", &arguments);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), said)
    };
    let all = [
        ("--signed-by", 1),
        ("--declared-by", 3),
        ("--trust-signer", 2),
    ];
    let (code, said) = ask(&good, &all);
    assert_eq!(code, 0, "{said}");
    for words in [
        format!("signature of blocks 0 to 6: by {}\n", key(1)),
        format!("signature of blocks 0 to 3: by {}\n", key(1)),
        "declared seeds agrees\n".into(),
        "declared metric not checkable\n".into(),
        format!("declared by {}\n", key(3)),
        "report 1 signed by ssh-ed25519 ".into(),
        ": 2 bit-exact; challenge not drawn again\n".into(),
    ] {
        assert!(said.contains(&words), "{words}: {said}");
    }
    let (code, said) = ask(&good, &[]);
    assert_eq!(
        (code, said.contains("whose key was not named")),
        (0, true),
        "{said}"
    );
    assert!(
        said.contains("report 1 does not count: no trusted key signed it"),
        "{said}"
    );

    // Each forged receipt is refused by both, for the same reason.
    let head = head_statement(&run.run, None).unwrap();
    let other = head_statement(&Fixture::other().run, None).unwrap();
    let space = "burn-pow/head/v1";
    let wrong = ssh_sign(1, space, "another");
    let (text, plan) = (head.to_string(), declaration(9));
    let foreign = signed_report(2, &exact(&Fixture::other()));
    let signatures: Vec<&[u8]> = foreign.signatures.iter().map(|made| &made[..]).collect();
    let plan_signed = ssh_sign(3, "burn-pow/declaration/v1", plan.text());
    let cases = [
        (
            SectionKind::Signature,
            vec![signed_statement(1, space, &other)],
            "over another run",
        ),
        (
            SectionKind::Signature,
            vec![signed_statement(1, "file", &head)],
            "ssh-keygen refuses it",
        ),
        (
            SectionKind::Signature,
            vec![section(text.as_bytes(), &[wrong.as_bytes()])],
            "ssh-keygen refuses it",
        ),
        (
            SectionKind::Signature,
            vec![signed_statement(4, space, &head)],
            "the last block is not signed by",
        ),
        (
            SectionKind::Signature,
            vec![],
            "the last block is not signed by",
        ),
        (
            SectionKind::Signature,
            vec![section(text.as_bytes(), &[])],
            "not one signature",
        ),
        (
            SectionKind::Declaration,
            vec![section(plan.text().as_bytes(), &[plan_signed.as_bytes()])],
            "genesis names another declaration",
        ),
        (
            SectionKind::Declaration,
            vec![section(
                declaration(6).text().as_bytes(),
                &[plan_signed.as_bytes()],
            )],
            "the declaration is not signed by",
        ),
        (
            SectionKind::Declaration,
            vec![vec![1; 3]],
            "ends inside a part",
        ),
        (
            SectionKind::Declaration,
            vec![section(b"words", &[])],
            "not a declaration",
        ),
    ];
    let options = ReceiptOptions {
        signed_by: vec![key(1)],
        declared_by: vec![key(3)],
        require: [Level::Signature, Level::Declared].into(),
        ..ReceiptOptions::default()
    };
    assert!(check_receipt(&good, &options).holds());
    for (kind, contents, words) in cases {
        let bad = with(&good, kind, &contents);
        assert!(!check_receipt(&bad, &options).holds(), "{words}");
        let (code, said) = ask(&bad, &all);
        assert_eq!((code, said.contains(words)), (1, true), "{words}: {said}");
    }
    // A report about another chain is one only if its signer counts.
    let bad = with(
        &good,
        SectionKind::ReplayReport,
        &[section(&compressed(&foreign.text), &signatures)],
    );
    let (code, said) = ask(&bad, &[]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = ask(&bad, &[("--trust-signer", 2)]);
    assert_eq!(
        (code, said.contains("report 1 is about another chain")),
        (1, true),
        "{said}"
    );
}
