//! `scripts/anchor.py` says of each proof what the library says.

use super::forged::cases;
use super::{HEAD, LATE, add, chain_with, check, run, states};
use crate::python::script;
use pow_audit::AnchorState;
use pow_tests::anchors::{complete, listed, pending, stamped};
use tempfile::TempDir;

tests! { Python: the_script_judges_each_proof_alike }

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
