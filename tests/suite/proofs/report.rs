//! What a report on a proof says, line by line.

use super::cases::{Run, tensor};
use pow_audit::proof::{CheckOptions, MadeProof, ProofSubject, check_proof, proof_to_json};

tests! { lists_all_that_is_shown_and_what_is_not }

/// The report has as many lines, and they begin like this.
#[track_caller]
fn expect(made: &MadeProof, options: &CheckOptions<'_>, lines: &[&str]) {
    let json = proof_to_json(&made.proof).unwrap();
    let text = check_proof(json.as_bytes(), options).to_string();
    assert_eq!(text.lines().count(), lines.len(), "{text}");
    for (found, line) in text.lines().zip(lines) {
        assert!(found.starts_with(line), "{line:?} is not in\n{text}");
    }
}

fn lists_all_that_is_shown_and_what_is_not() {
    let run = Run::new();
    let block = |at: usize, kind| format!("{} ({kind}, block {at}), bits 0x", run.hashes[at]);
    let head = format!("  head     {}", block(6, "final"));
    let third = format!("  block    {}", block(3, "steps"));
    let fifth = format!("  block    {}", block(5, "steps"));
    let made = run.prove(6, tensor(3, "embedding.weight", Some(1)));
    let options = CheckOptions {
        head: Some(run.hashes[6]),
        older: None,
        value: made.value.as_deref(),
    };
    let rules = "  - that the head's chain holds every rule, or that its blocks exist";
    let training = "  - that a training produced these values, when it did, or who owns them";
    let same_path = "  - that no other tensor of the step has the same path";
    #[rustfmt::skip]
    expect(&made, &options, &[
        "SHOWN UNDER THE PINNED HEAD",
        &head,
        &third,
        "           it is block 3 of the head's chain",
        "  entry    step 3, parameters ",
        "           with a checkpoint, state ",
        "  tensor   embedding.weight F32 [33, 40], 5280 bytes, data root ",
        "  chunk    1: 1184 bytes from byte 4096 on",
        "  value    the bytes given are those proved",
        "NOT SHOWN",
        rules,
        "  - the other chunks of the tensor",
        same_path,
        training,
    ]);
    let pin = format!(
        "  - that {} is the head of a chain that others know",
        run.hashes[6]
    );
    let made = run.prove(6, tensor(3, "embedding.weight", None));
    #[rustfmt::skip]
    expect(&made, &CheckOptions::default(), &[
        "SHOWN, UNANCHORED",
        &head,
        &third,
        "           it is block 3 of the head's chain",
        "  entry    step 3, parameters ",
        "           with a checkpoint, state ",
        "  tensor   embedding.weight F32 [33, 40], 5280 bytes, data root ",
        "NOT SHOWN",
        &pin,
        rules,
        "  - which bytes the tensor or chunk has: compare them with --value",
        same_path,
        training,
    ]);
    let made = run.prove(6, ProofSubject::Extends(run.hashes[5]));
    #[rustfmt::skip]
    expect(&made, &CheckOptions::default(), &[
        "SHOWN, UNANCHORED",
        &head,
        &fifth,
        "           the head extends it: the blocks before it are the same",
        "NOT SHOWN",
        &pin,
        rules,
        training,
    ]);
}
