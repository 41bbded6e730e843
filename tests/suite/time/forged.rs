//! Forged bounds, each with one defect. Each is refused in its own words, and the level
//! fails even beside anchors that count.

use super::{HEAD, LATE, add, begins_after, chain_with, check, early, record, run, states};
use pow_audit::{AnchorState, Level, Verdict};
use pow_core::hash::TxRoot;
use pow_core::header::Header;
use pow_core::target::CompactTarget;
use pow_tests::anchors::{OTS_HEAD, complete, pending, stamped};
use pow_tests::audits::{expect, lines};
use pow_tests::fixture::{Fixture, nonce};
use std::collections::BTreeSet;

tests! {
    each_forged_proof_has_its_own_words, a_damaged_proof_is_damaged,
        each_forged_lower_bound_has_its_own_words, a_forged_height_of_a_true_block_is_named,
        a_root_of_another_length_is_forged, a_long_file_is_refused,
        what_no_version_knows_does_not_count, too_many_anchors_are_said_to_be
}

/// Name of the defect, the proof, the state, and the words.
pub type Case = (&'static str, Vec<u8>, AnchorState, &'static str);

pub fn cases(digest: [u8; 32]) -> Vec<Case> {
    use AnchorState::{Foreign, Forged, Malformed};
    let good = complete(digest, 9);
    let edit = |change: fn(&mut Vec<u8>)| {
        let mut proof = good.clone();
        change(&mut proof);
        proof
    };
    let other = stamped(&Fixture::default(), HEAD);
    let body = OTS_HEAD.len() + 32;
    assert_eq!(body, 65);
    let forks = [&good[..body], &[0xff; 300]].concat();
    let attestations = [
        &good[..body],
        &[&[0xff][..], &good[72..]].concat().repeat(65),
        &good[72..],
    ]
    .concat();
    let long = [
        &good[..body],
        &[0xf0, 0x80, 0x20],
        &[7; 4096],
        &good[body..],
    ]
    .concat();
    vec![
        (
            "of_another_chain",
            complete(other, 9),
            Foreign,
            "FOREIGN: the stamped digest",
        ),
        (
            "another_operand",
            edit(|proof| proof[67] ^= 1),
            Forged,
            "has another transaction root",
        ),
        (
            "another_block",
            complete(digest, 10),
            Forged,
            "says Bitcoin block 10, but its root is that of block 9",
        ),
        (
            "without_magic",
            edit(|proof| proof[0] ^= 1),
            Malformed,
            "does not begin as",
        ),
        (
            "of_another_version",
            edit(|proof| proof[31] = 2),
            Malformed,
            "does not begin as",
        ),
        (
            "over_sha1",
            edit(|proof| proof[32] = 0x02),
            Malformed,
            "digest is of kind 0x02",
        ),
        (
            "through_sha1",
            edit(|proof| proof[71] = 0x02),
            Malformed,
            "operation 0x02 is not followed",
        ),
        (
            "cut_off",
            edit(|proof| proof.truncate(proof.len() - 1)),
            Malformed,
            "ends inside",
        ),
        (
            "with_a_byte_behind",
            edit(|proof| proof.push(0)),
            Malformed,
            "bytes follow the proof",
        ),
        (
            "empty_operand",
            edit(|proof| proof[66] = 0),
            Malformed,
            "an operand of 0",
        ),
        (
            "endless_number",
            edit(|proof| proof.splice(66..67, [0xff; 9]).for_each(drop)),
            Malformed,
            "a number below 2^63",
        ),
        (
            "height_of_40_bits",
            edit(|proof| {
                proof.pop();
                proof.pop();
                proof.extend([6, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
            }),
            Malformed,
            "the height of a block of",
        ),
        (
            "many_forks",
            forks,
            Malformed,
            "more than 256 open branches",
        ),
        (
            "many_attestations",
            attestations,
            Malformed,
            "more than 64 attestations",
        ),
        ("long_message", long, Malformed, "a message of 4128"),
        (
            "address_of_no_text",
            {
                let mut proof = pending(digest);
                *proof.last_mut().unwrap() = 0xff;
                proof
            },
            Malformed,
            "is not text",
        ),
    ]
}

fn each_forged_proof_has_its_own_words() {
    let mut all = BTreeSet::new();
    for (name, proof, state, words) in cases(stamped(&run(), HEAD)) {
        let run = run();
        let digest = stamped(&run, HEAD);
        add(&run, &complete(digest, 9));
        let headers = chain_with(digest, LATE);
        expect(&check(&run, &headers), Level::Time, Verdict::Holds, &[]);
        add(&run, &proof);
        let report = check(&run, &headers);
        expect(&report, Level::Time, Verdict::Fails, &[words]);
        let first = &report.level(Level::Time).unwrap().lines[0];
        assert!(first.contains(words), "{name}: {first}");
        assert!(states(&report).contains(&state), "{name}: {report}");
        assert!(report.headline.contains("OTHERS FAIL"), "{name}");
        all.insert(words);
    }
    assert!(all.len() >= 14, "{all:?}");
}

fn a_damaged_proof_is_damaged() {
    let run = run();
    let digest = stamped(&run, HEAD);
    add(&run, &complete(digest, 9));
    let anchor = *run.run.anchors().unwrap().first().unwrap();
    let path = run.run.path().join(anchor.path());
    std::fs::write(&path, complete(digest, 10)).unwrap();
    let report = check(&run, &chain_with(digest, LATE));
    expect(
        &report,
        Level::Time,
        Verdict::Fails,
        &["DAMAGED: its bytes"],
    );
    #[cfg(unix)]
    {
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let report = check(&run, &chain_with(digest, LATE));
        expect(&report, Level::Time, Verdict::Fails, &["link"]);
    }
}

fn each_forged_lower_bound_has_its_own_words() {
    let headers = chain_with([0; 32], LATE);
    let fails = |edit: fn(&mut Header), words: &str| {
        let mut header = early();
        edit(&mut header);
        let run = record(begins_after(header));
        expect(
            &check(&run, &headers),
            Level::Time,
            Verdict::Fails,
            &[words],
        );
    };
    fails(
        |header| header.nonce = nonce(*header, false),
        "does not meet its target",
    );
    fails(
        |header| header.bits = CompactTarget(0x2100_ffff),
        "TOO LITTLE WORK",
    );
    fails(
        |header| header.bits = CompactTarget(0x0180_0000),
        "TOO LITTLE WORK",
    );
    // Its work is right, but nobody but the trainer has it.
    let mut own = early();
    own.tx_root = TxRoot([9; 32]);
    own.nonce = nonce(own, true);
    let run = record(begins_after(own));
    let words = ["UNANCHORED", "is not among those supplied"];
    expect(
        &check(&run, &headers),
        Level::Time,
        Verdict::NotChecked,
        &words,
    );
}

fn a_forged_height_of_a_true_block_is_named() {
    let mut headers = chain_with([0; 32], LATE);
    for (height, _) in &mut headers {
        *height += 1;
    }
    let words = ["genesis says Bitcoin block 7, but its header is that of block 8"];
    expect(
        &check(&run(), &headers),
        Level::Time,
        Verdict::Fails,
        &words,
    );
}

fn a_root_of_another_length_is_forged() {
    let run = run();
    let digest = stamped(&run, HEAD);
    let mut proof = complete(digest, 9);
    proof.remove(71);
    add(&run, &proof);
    let report = check(&run, &chain_with(digest, LATE));
    let words = ["leads to 36 bytes, and a transaction root has 32"];
    expect(&report, Level::Time, Verdict::Fails, &words);
}

fn a_long_file_is_refused() {
    let run = run();
    let digest = stamped(&run, HEAD);
    add(
        &run,
        &[&complete(digest, 9)[..], &vec![0; 1 << 16]].concat(),
    );
    let report = check(&run, &chain_with(digest, LATE));
    expect(&report, Level::Time, Verdict::Fails, &["65536 bytes"]);
}

fn what_no_version_knows_does_not_count() {
    let run = run();
    let digest = stamped(&run, HEAD);
    let mut proof = complete(digest, 9);
    // The tag of another chain's attestation.
    proof[73] ^= 1;
    add(&run, &proof);
    let report = check(&run, &chain_with(digest, LATE));
    let words = [
        "nothing shows how late",
        "of the unknown kind 0488960d73d71901",
    ];
    expect(&report, Level::Time, Verdict::Partly, &words);
    assert_eq!(states(&report), [AnchorState::Unknown]);
}

fn too_many_anchors_are_said_to_be() {
    let run = run();
    let digest = stamped(&run, HEAD);
    for block in 0..=256u16 {
        let mut proof = complete(digest, 9);
        let at = proof.len() - 2;
        proof.splice(at.., [3, 0x80 | block as u8, 0x80 | (block >> 7) as u8, 1]);
        add(&run, &proof);
    }
    let report = check(&run, &[]);
    assert_eq!(states(&report).len(), 256);
    let lines = lines(&report, Level::Time);
    assert!(
        lines.contains("1 anchor was not read: at most 256 are"),
        "{lines}"
    );
}
