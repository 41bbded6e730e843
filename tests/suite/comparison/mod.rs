//! Two copies of a run: the same, longer, parted, or of another run; and keys that stand for
//! two chains.

mod heads;

use pow_audit::comparison::{Comparison, ComparisonError, Relation, compare};
use pow_audit::signature::{SignerKey, Statement, head_statement};
use pow_audit::source::SharedRun;
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_ledger::SignatureKind;
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_sign};

tests! {
    mod heads;
    equal_copies_are_the_same, a_longer_copy_extends_the_other, copies_that_part_show_both_blocks,
        runs_of_their_own_have_no_block_in_common, a_chain_that_does_not_hold_is_not_compared,
        a_key_that_stands_for_two_chains_is_named, heads_that_may_extend_each_other_are_none,
        heads_that_no_chain_has_contradict_each_other, minisign_needs_its_key
}

fn run() -> Fixture {
    Fixture::default()
}

/// A run with the same genesis and block 1, and other blocks behind.
fn parted() -> Fixture {
    let blocks = [&[0][..], &[1], &[2, 3], &[4, 5, 6]];
    Fixture::record_with(
        &Plan::default(),
        |_| {},
        |recorder| recorder.finish_after(blocks),
    )
}

/// The same run, cut behind this many blocks.
fn cut(blocks: usize) -> Fixture {
    let run = run();
    let mut file = run.file();
    file.records.truncate(blocks);
    run.write(file.to_bytes());
    run
}

fn compared(a: &Fixture, b: &Fixture, keys: &[SignerKey]) -> Comparison {
    let [a, b] = [a, b].map(|run| SharedRun::new(run.run.clone()));
    compare(&a, &b, keys).unwrap()
}

fn head(run: &Fixture, height: u32) -> Statement {
    head_statement(&run.run, Some(Height::new(height).unwrap())).unwrap()
}

fn sign(run: &Fixture, seed: u8, statement: &Statement) {
    let text = statement.to_string();
    let signature = ssh_sign(seed, statement.namespace(), &text);
    let kind = SignatureKind::Ssh;
    run.run
        .add_signature(kind, signature.as_bytes(), text.as_bytes())
        .unwrap();
}

fn equal_copies_are_the_same() {
    let found = compared(&run(), &run(), &[]);
    assert_eq!(found.relation, Relation::Same);
    assert!(found.agrees() && found.to_string().starts_with("SAME: both end at block 6 "));
}

fn a_longer_copy_extends_the_other() {
    let (whole, short) = (run(), cut(3));
    let found = compared(&whole, &short, &[]);
    assert_eq!(found.relation, Relation::AExtendsB);
    assert!(found.agrees());
    assert!(
        found
            .to_string()
            .starts_with("A EXTENDS B by 4 blocks, behind block 2\n")
    );
    let found = compared(&short, &whole, &[]);
    assert_eq!(found.relation, Relation::BExtendsA);
    assert!(
        found
            .to_string()
            .starts_with("B EXTENDS A by 4 blocks, behind block 2\n")
    );
}

fn copies_that_part_show_both_blocks() {
    let (a, b) = (run(), parted());
    let found = compared(&a, &b, &[]);
    let Relation::Diverge { a: at_a, b: at_b } = &found.relation else {
        panic!("{found}");
    };
    assert_eq!((at_a.height, at_b.height), (2, 2));
    let Statement::Head { hash, .. } = head(&a, 2) else {
        panic!()
    };
    assert_eq!(at_a.hash, hash.to_string());
    assert_eq!(at_a.prev, at_b.prev);
    assert_ne!(at_a.hash, at_b.hash);
    assert_eq!((&*at_a.holds, &*at_b.holds), ("steps 1 to 2", "step 1"));
    assert!(!found.agrees());
    let text = found.to_string();
    for words in [
        "DIVERGE at block 2",
        "the first blocks that differ:",
        &at_a.hash,
        &at_b.hash,
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // Where they part does not depend on which is longer.
    assert_eq!(compared(&cut(3), &b, &[]).relation, found.relation);
}

fn runs_of_their_own_have_no_block_in_common() {
    let (a, b) = (run(), Fixture::other());
    // One key may sign many runs.
    sign(&a, 1, &head(&a, 6));
    sign(&b, 1, &head(&b, 6));
    let found = compared(&a, &b, &[]);
    assert!(matches!(&found.relation, Relation::OtherRun { a, b } if a.hash != b.hash));
    assert!(!found.agrees() && found.equivocations.is_empty());
    assert!(found.to_string().starts_with("DIFFERENT RUNS"));
}

fn a_chain_that_does_not_hold_is_not_compared() {
    let (a, b) = (run(), run());
    let mut file = b.file();
    file.records.remove(3);
    b.write(file.to_bytes());
    for (a, b) in [(&a, &b), (&b, &a)] {
        let [a, b] = [a, b].map(|run| SharedRun::new(run.run.clone()));
        let error = compare(&a, &b, &[]).unwrap_err();
        assert!(matches!(error, ComparisonError::Chain { .. }) && error.is_verdict());
    }
    let nothing = SharedRun::new(pow_ledger::RunDir::new("nothing-is-here"));
    let there = SharedRun::new(a.run.clone());
    for (a, b) in [(&nothing, &there), (&there, &nothing)] {
        assert!(matches!(
            compare(a, b, &[]),
            Err(ComparisonError::Ledger(_))
        ));
    }
}

fn a_key_that_stands_for_two_chains_is_named() {
    // Also with heads of unequal heights, and with both signatures in one copy.
    for (height_a, height_b, both_in_b) in [(6, 5, false), (2, 5, false), (6, 2, true)] {
        let (a, b) = (run(), parted());
        sign(if both_in_b { &b } else { &a }, 1, &head(&a, height_a));
        sign(&b, 1, &head(&b, height_b));
        // Somebody else's signature changes nothing.
        sign(&b, 2, &head(&b, 5));
        let found = compared(&a, &b, &[]);
        let [equivocation] = &found.equivocations[..] else {
            panic!("{height_a} {height_b}: {found}");
        };
        let heights = (equivocation.first.height, equivocation.second.height);
        assert_eq!(heights, (height_a.min(height_b), height_a.max(height_b)));
        let text = found.to_string();
        for words in [
            format!("EQUIVOCATION by {}", equivocation.key),
            format!("signed block {} {}", heights.0, equivocation.first.hash),
            format!("signed block {} {}", heights.1, equivocation.second.hash),
        ] {
            assert!(text.contains(&words), "{words}: {text}");
        }
        assert!(!found.agrees());
    }
    // Two copies of one chain, and a signature over another one in the second.
    let (a, b) = (run(), run());
    sign(&a, 1, &head(&a, 6));
    sign(&b, 1, &head(&parted(), 3));
    let found = compared(&a, &b, &[]);
    assert_eq!(
        (&found.relation, found.equivocations.len()),
        (&Relation::Same, 1)
    );
    assert!(!found.agrees());
}

fn heads_that_may_extend_each_other_are_none() {
    let none = |signed: &[(u32, u32)]| {
        let (a, b) = (run(), parted());
        for (height_a, height_b) in signed {
            sign(&a, 1, &head(&a, *height_a));
            sign(&b, 1, &head(&b, *height_b));
        }
        let found = compared(&a, &b, &[]);
        assert!(found.equivocations.is_empty(), "{found}");
        assert!(!found.agrees());
    };
    // Blocks 0 and 1 are those of both.
    none(&[(1, 5), (1, 1), (0, 3)]);
    none(&[(6, 1)]);
    // By different keys.
    let (a, b) = (run(), parted());
    sign(&a, 1, &head(&a, 6));
    sign(&b, 2, &head(&b, 5));
    assert!(compared(&a, &b, &[]).equivocations.is_empty());
    // A signature that is not right says nothing about its key.
    let text = head(&b, 5).to_string();
    let forged = ssh_sign(1, "burn-pow/head/v1", &head(&b, 4).to_string());
    let kind = SignatureKind::Ssh;
    b.run
        .add_signature(kind, forged.as_bytes(), text.as_bytes())
        .unwrap();
    let found = compared(&a, &b, &[]);
    assert!(found.equivocations.is_empty());
    assert!(found.unused[0].starts_with("in B, signatures"), "{found}");
    assert!(
        found.unused[0].contains("WRONG: it is not a signature"),
        "{found}"
    );
}

fn heads_that_no_chain_has_contradict_each_other() {
    let (a, b) = (run(), run());
    let made_up = |hash| Statement::Head {
        genesis: a.genesis,
        height: Height::new(40).unwrap(),
        hash: BlockHash([hash; 32]),
    };
    sign(&a, 1, &made_up(1));
    sign(&b, 1, &made_up(2));
    assert_eq!(compared(&a, &b, &[]).equivocations.len(), 1);
    let a = run();
    sign(&a, 1, &made_up(2));
    assert!(compared(&a, &b, &[]).equivocations.is_empty());
}

fn minisign_needs_its_key() {
    let (a, b) = (run(), parted());
    for (run, height) in [(&a, 6), (&b, 5)] {
        let text = head(run, height).to_string();
        let signature = minisign_sign(1, &text);
        let kind = SignatureKind::Minisign;
        run.run
            .add_signature(kind, signature.as_bytes(), text.as_bytes())
            .unwrap();
    }
    let found = compared(&a, &b, &[]);
    assert!(found.equivocations.is_empty());
    let words = "by minisign 0101010101010101, whose public key was not given (--key)";
    assert_eq!(found.to_string().matches(words).count(), 2);
    let key = minisign_public(1).parse().unwrap();
    let found = compared(&a, &b, &[key]);
    assert_eq!(found.equivocations[0].key, "minisign 0101010101010101");
}
