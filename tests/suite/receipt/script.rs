//! `scripts/check_receipt.py` says of each receipt what the library says.

use super::{anchored, headers, receipt_of, short, trusting_headers};
use crate::python::script;
use crate::time::tsa::Authority;
use pow_audit::anchor::StampDigest;
use pow_audit::anchor::tsp::{Nonce, timestamp_request};
use pow_audit::receipt::{Receipt, check_receipt};
use pow_ledger::AnchorKind::Rfc3161;
use pow_tests::anchors::{listed, stamped};
use tempfile::TempDir;

tests! {
    Python: the_script_reads_each_receipt_alike;
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
        let pinned = pow_audit::receipt::ReceiptOptions {
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
