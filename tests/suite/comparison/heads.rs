//! Signed heads that lie in no run.

use super::{cut, head, parted, run, sign};
use pow_audit::comparison::{
    ComparisonError, HeadComparison, HeadRelation, LooseHead, MAX_LOOSE_HEADS, compare_heads,
};
use pow_audit::signature::{SignerKey, Statement};
use pow_audit::source::SharedRun;
use pow_core::coinbase::Height;
use pow_tests::fixture::Fixture;
use pow_tests::signatures::{minisign_public, minisign_sign, ssh_sign};

tests! {
    two_heads_of_one_height_need_no_run, two_heads_of_other_heights_need_the_later_block,
        each_key_stands_for_itself, heads_in_runs_count_as_well, a_head_is_compared_with_runs,
        what_is_no_signed_head_is_refused
}

fn loose(name: &str, seed: u8, statement: &Statement) -> LooseHead {
    let text = statement.to_string();
    LooseHead {
        name: name.into(),
        signature: ssh_sign(seed, statement.namespace(), &text).into_bytes(),
        statement: text.into_bytes(),
    }
}

fn compared(heads: Vec<LooseHead>, runs: &[&Fixture]) -> HeadComparison {
    let runs: Vec<SharedRun> = runs
        .iter()
        .map(|run| SharedRun::new(run.run.clone()))
        .collect();
    compare_heads(heads, &runs, &[]).unwrap()
}

fn relations(found: &HeadComparison) -> Vec<HeadRelation> {
    found.pairs.iter().map(|pair| pair.relation).collect()
}

fn two_heads_of_one_height_need_no_run() {
    let (a, b) = (head(&run(), 3), head(&parted(), 3));
    let found = compared(vec![loose("mine", 1, &a), loose("yours", 1, &b)], &[]);
    assert_eq!(relations(&found), [HeadRelation::Diverge]);
    let [equivocation] = &found.equivocations[..] else {
        panic!("{found}")
    };
    assert_eq!(
        (equivocation.first.height, equivocation.second.height),
        (3, 3)
    );
    assert!(!found.agrees());
    let text = found.to_string();
    for words in [
        "mine, yours: of chains that DIVERGE",
        "EQUIVOCATION by ssh-ed25519",
        "     yours\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let found = compared(vec![loose("mine", 1, &a), loose("again", 1, &a)], &[]);
    assert_eq!(relations(&found), [HeadRelation::Same]);
    assert!(found.agrees());
    // Heads of two runs are no equivocation.
    let other = head(&Fixture::other(), 3);
    let found = compared(vec![loose("mine", 1, &a), loose("other", 1, &other)], &[]);
    assert_eq!(relations(&found), [HeadRelation::OtherRun]);
    assert!(found.equivocations.is_empty() && !found.agrees());
}

fn two_heads_of_other_heights_need_the_later_block() {
    let (run, parted) = (run(), parted());
    let early = || loose("early", 1, &head(&run, 3));
    let found = compared(vec![loose("late", 1, &head(&run, 5)), early()], &[]);
    assert_eq!(relations(&found), [HeadRelation::NotKnown]);
    assert_eq!(found.pairs[0].first, "early");
    assert!(found.equivocations.is_empty() && !found.agrees());
    // A run with both blocks, one that is too short, and the later head of another chain.
    let late = || loose("late", 1, &head(&run, 5));
    let found = compared(vec![late(), early()], &[&run]);
    assert_eq!(relations(&found), [HeadRelation::OneChain; 3]);
    assert!(found.agrees());
    let found = compared(vec![late(), early()], &[&cut(5)]);
    let expected = [
        HeadRelation::NotKnown,
        HeadRelation::OneChain,
        HeadRelation::NotKnown,
    ];
    assert_eq!(relations(&found), expected);
    assert!(!found.agrees());
    let far = || loose("far", 1, &head(&parted, 4));
    let found = compared(vec![far(), early()], &[&parted]);
    let expected = [
        HeadRelation::Diverge,
        HeadRelation::Diverge,
        HeadRelation::OneChain,
    ];
    assert_eq!(relations(&found), expected);
    assert_eq!(found.equivocations.len(), 1);
    // The run with the earlier head alone does not show what is behind the later one.
    let found = compared(vec![far(), early()], &[&cut(4)]);
    assert_eq!(relations(&found)[0], HeadRelation::NotKnown);
    assert!(found.equivocations.is_empty());
}

fn each_key_stands_for_itself() {
    let (a, b) = (head(&run(), 3), head(&parted(), 3));
    let found = compared(vec![loose("mine", 1, &a), loose("yours", 2, &b)], &[]);
    assert_eq!(relations(&found), [HeadRelation::Diverge]);
    assert!(found.equivocations.is_empty() && !found.agrees());
}

fn heads_in_runs_count_as_well() {
    let run = run();
    sign(&run, 1, &head(&run, 6));
    let found = compared(vec![loose("theirs", 1, &head(&parted(), 3))], &[&run]);
    assert_eq!(relations(&found), [HeadRelation::Diverge]);
    let [equivocation] = &found.equivocations[..] else {
        panic!("{found}")
    };
    assert_eq!(equivocation.first.run, None);
    assert_eq!(equivocation.second.run, Some("A"));
    assert!(!found.agrees());
}

fn a_head_is_compared_with_runs() {
    let run = run();
    for (statement, relation) in [
        (head(&run, 6), HeadRelation::OneChain),
        (head(&parted(), 3), HeadRelation::Diverge),
        (head(&Fixture::other(), 3), HeadRelation::OtherRun),
    ] {
        let found = compared(vec![loose("head", 1, &statement)], &[&run]);
        assert_eq!(relations(&found), [relation]);
        assert_eq!(found.agrees(), relation == HeadRelation::OneChain);
    }
    let found = compared(vec![loose("head", 1, &head(&run, 6))], &[&cut(3)]);
    assert_eq!(relations(&found), [HeadRelation::NotKnown]);
    let broken = cut(0);
    let runs = [SharedRun::new(broken.run.clone())];
    let error = compare_heads(vec![loose("head", 1, &head(&run, 6))], &runs, &[]).unwrap_err();
    assert!(error.is_verdict(), "{error}");
}

fn what_is_no_signed_head_is_refused() {
    let run = run();
    let good = head(&run, 3);
    let refused = |head: LooseHead, keys: &[SignerKey]| {
        let error = compare_heads(vec![head], &[], keys).unwrap_err();
        assert!(error.is_verdict());
        error.to_string()
    };
    let forged = LooseHead {
        statement: head(&run, 4).to_string().into_bytes(),
        ..loose("forged", 1, &good)
    };
    assert!(refused(forged, &[]).starts_with("forged: WRONG: it is not a signature"));
    let genesis = Statement::Genesis {
        genesis: good.genesis(),
    };
    let words = "genesis: its statement is not about a head";
    assert_eq!(refused(loose("genesis", 1, &genesis), &[]), words);
    let malformed = LooseHead {
        statement: b"words".to_vec(),
        ..loose("bad", 1, &good)
    };
    assert!(refused(malformed, &[]).contains("MALFORMED: its statement: "));
    let malformed = LooseHead {
        signature: b"words".to_vec(),
        ..loose("bad", 1, &good)
    };
    assert!(refused(malformed, &[]).contains("it begins neither as an SSH signature"));
    let minisign = || LooseHead {
        signature: minisign_sign(1, &good.to_string()).into_bytes(),
        ..loose("mini", 1, &good)
    };
    assert!(refused(minisign(), &[]).contains("whose public key was not given (--key)"));
    let named = minisign_public(1).parse().unwrap();
    let heads = vec![minisign(), loose("other", 1, &head(&parted(), 3))];
    let found = compare_heads(heads, &[], &[named]).unwrap();
    assert_eq!(relations(&found), [HeadRelation::Diverge]);
    let Statement::Head { genesis, hash, .. } = good else {
        panic!()
    };
    let height = Height::GENESIS;
    let many = vec![
        loose(
            "many",
            1,
            &Statement::Head {
                genesis,
                height,
                hash
            }
        );
        MAX_LOOSE_HEADS + 1
    ];
    let error = compare_heads(many, &[], &[]).unwrap_err();
    assert!(matches!(error, ComparisonError::TooManyHeads(257)));
}
