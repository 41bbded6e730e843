//! `scripts/anchor.py` says of each proof what the library says.

use super::forged::cases;
use super::tsa::{self, Authority};
use super::{HEAD, LATE, add, chain_with, check, run, states};
use crate::python::script;
use pow_audit::AnchorState;
use pow_tests::anchors::{complete, listed, pending, stamped};
use tempfile::TempDir;

tests! {
    Python: the_script_judges_each_proof_alike; Python + Openssl: the_script_judges_each_token_alike
}

fn the_script_judges_each_proof_alike() {
    let run = run();
    let digest = stamped(&run, HEAD);
    let headers = chain_with(digest, LATE);
    let dir = TempDir::new().unwrap();
    let (proof, list) = (dir.path().join("proof.ots"), dir.path().join("headers"));
    std::fs::write(&list, listed(&headers)).unwrap();
    let ask = |bytes: &[u8]| {
        std::fs::write(&proof, bytes).unwrap();
        let output = script("anchor.py", &[run.run.chain(), proof.clone(), list.clone()]);
        let stdout = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), stdout.trim().to_owned())
    };
    let counts = "blocks 0 to 6: Bitcoin block 9, header time 1700100000";
    assert_eq!(ask(&complete(digest, 9)), (0, counts.to_owned()));
    let promised = "blocks 0 to 6: pending at https://calendar.example";
    assert_eq!(ask(&pending(digest)), (1, promised.to_owned()));
    let earlier = complete(stamped(&run, 3), 77);
    let unknown = "blocks 0 to 3: header of Bitcoin block 77 not given";
    assert_eq!(ask(&earlier), (1, unknown.to_owned()));
    for (name, bytes, state, _) in cases(digest) {
        let (code, words) = ask(&bytes);
        assert_eq!(code, 1, "{name}: {words}");
        assert!(words.starts_with("does not hold: "), "{name}: {words}");
        assert!(state.is_fault(), "{name}");
    }
    // One header changed, and the list is refused.
    let mut bad = headers.clone();
    bad[0].1.nonce = pow_tests::fixture::nonce(bad[0].1, false);
    std::fs::write(&list, listed(&bad)).unwrap();
    assert_eq!(ask(&complete(digest, 9)).0, 2);
    add(&run, &complete(digest, 9));
    assert_eq!(states(&check(&run, &headers)), [AnchorState::Counts]);
}

fn the_script_judges_each_token_alike() {
    let authority = Authority::new();
    let run = tsa::run();
    let digest = stamped(&run, HEAD);
    let (root, file) = (authority.path("root.pem"), authority.path("asked"));
    let ask = |bytes: &[u8], trusted: &std::path::Path| {
        std::fs::write(&file, bytes).unwrap();
        let output = script(
            "anchor.py",
            &[run.run.chain(), file.clone(), trusted.to_owned()],
        );
        let stdout = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), stdout.trim().to_owned())
    };
    for key in ["rsa:2048", "ec:P-256", "ec:P-384"] {
        authority.issue("mine", key, "root", "tsa");
        let good = authority.answer("mine", &tsa::request(&run, HEAD), &[]);
        for trusted in ["root.pem", "mine.pem"] {
            let (code, words) = ask(&good, &authority.path(trusted));
            assert_eq!(code, 0, "{words}");
            assert!(words.starts_with("blocks 0 to 6: TSA, time 1"), "{words}");
        }
    }
    let alone = authority.sign("mine", &tsa::sound(&authority, digest), &[]);
    assert_eq!(ask(&alone, &root).0, 0);
    authority.root("other", "/CN=Other", "ec:P-256", "ca", 3650);
    assert_eq!(ask(&alone, &authority.path("other.pem")).0, 1);
    let mut kinder = Vec::new();
    for case in tsa::cases(&authority, digest) {
        let (code, words) = ask(&case.bytes, &root);
        match code {
            0 => kinder.push(case.name),
            _ => assert!(
                code == 1 && words.starts_with("does not hold: "),
                "{}: {words}",
                case.name
            ),
        }
    }
    // What OpenSSL takes and `pow verify` does not.
    let known = [
        "ca_mail",
        "a weak key",
        "another curve",
        "a long accuracy",
        "a critical extension",
    ];
    assert_eq!(kinder, known);
}
