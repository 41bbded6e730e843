//! Paths against the recursive definition and against `ct-merkle`.

use super::twins::{Naive, TheirTree, leaf, their_consistency, their_inclusion, their_root};
use ct_merkle::{indices_for_consistency_proof, indices_for_inclusion_proof};
use pow_core::hash::TreeRoot;
use pow_core::merkle::{empty_root, root};
use pow_core::proof::{
    ConsistencyBuilder, ConsistencyPath, InclusionPath, LeafCount, LeafIndex, PathError, TreeHead,
    inclusion,
};
use pow_tests::model::mix;

tests! {
    every_leaf_up_to_300, every_extension_up_to_300, larger_trees_by_chance,
    a_wrong_place_is_refused, a_changed_path_is_refused, another_root_is_refused,
    lengths_of_the_largest_trees, an_older_tree_without_leaves
}

fn tree(naive: &Naive, count: u64) -> TreeHead {
    TreeHead {
        count: LeafCount(count),
        root: TreeRoot(naive.root(0..count)),
    }
}

/// Our path to a leaf, equal to both others', and accepted by both verifiers.
fn check_inclusion(naive: &Naive, theirs: &TheirTree, index: u64) {
    let count = theirs.len();
    let ours = inclusion((0..count).map(leaf), LeafIndex(index)).unwrap();
    let place = format!("leaf {index} of {count}");
    assert_eq!(ours.tree, tree(naive, count), "{place}");
    assert_eq!(ours.index, LeafIndex(index), "{place}");
    assert_eq!(ours.path.0, naive.path(index, 0..count), "{place}");
    let their_path = theirs.prove_inclusion(index as usize);
    assert_eq!(ours.path.0.concat(), their_path.as_bytes(), "{place}");
    assert_eq!(
        ours.path.verify(leaf(index), ours.index, ours.tree),
        Ok(()),
        "{place}"
    );
    their_root(ours.tree)
        .verify_inclusion(&leaf(index), index, &their_inclusion(&ours.path.0))
        .unwrap();
}

/// The same for the path from the tree of the first `older` leaves.
fn check_extension(naive: &Naive, theirs: &TheirTree, older: u64) {
    let newer = theirs.len();
    let mut builder = ConsistencyBuilder::new();
    let mut older_tree = None;
    for index in 0..=newer {
        if index == older {
            older_tree = Some(builder.choose());
        }
        if index < newer {
            builder.push(leaf(index));
        }
    }
    let older_tree = older_tree.unwrap();
    let (ours, newer_tree) = builder.finish().unwrap();
    let place = format!("{older} to {newer} leaves");
    assert_eq!(older_tree, tree(naive, older), "{place}");
    assert_eq!(newer_tree, tree(naive, newer), "{place}");
    assert_eq!(ours.0, naive.proof(older, newer), "{place}");
    let their_path = theirs.prove_consistency((newer - older) as usize);
    assert_eq!(ours.0.concat(), their_path.as_bytes(), "{place}");
    assert_eq!(ours.verify(older_tree, newer_tree), Ok(()), "{place}");
    their_root(newer_tree)
        .verify_consistency(&their_root(older_tree), &their_consistency(&ours.0))
        .unwrap();
}

fn every_leaf_up_to_300() {
    let naive = Naive::default();
    let mut theirs = TheirTree::new();
    assert_eq!(theirs.root().as_bytes()[..], empty_root().0);
    for count in 1..=300 {
        theirs.push(leaf(count - 1));
        assert_eq!(theirs.root().as_bytes()[..], naive.root(0..count));
        for index in 0..count {
            check_inclusion(&naive, &theirs, index);
        }
        assert_eq!(inclusion((0..count).map(leaf), LeafIndex(count)), None);
    }
}

fn every_extension_up_to_300() {
    let naive = Naive::default();
    let mut theirs = TheirTree::new();
    for newer in 1..=300 {
        theirs.push(leaf(newer - 1));
        for older in 1..=newer {
            check_extension(&naive, &theirs, older);
        }
    }
}

fn larger_trees_by_chance() {
    let naive = Naive::default();
    let mut theirs = TheirTree::new();
    let mut state = 6962;
    for _ in 0..12 {
        state = mix(state);
        let grown = theirs.len() + 1 + state % 5000;
        while theirs.len() < grown {
            theirs.push(leaf(theirs.len()));
        }
        let count = theirs.len();
        let place = |salt| mix(state ^ salt) % count;
        for index in [0, count - 1, place(1), place(2), place(3)] {
            check_inclusion(&naive, &theirs, index);
            check_extension(&naive, &theirs, index + 1);
        }
        let power = count.next_power_of_two() / 2;
        check_extension(&naive, &theirs, power);
        check_inclusion(&naive, &theirs, power - 1);
    }
}

/// A path fits one place. Another leaf, index or count is refused, and so is
/// another older or newer tree.
fn a_wrong_place_is_refused() {
    let naive = Naive::default();
    for count in 1..=40 {
        let newer = tree(&naive, count);
        for index in 0..count {
            let path = InclusionPath(naive.path(index, 0..count));
            for other in (0..=count).filter(|other| *other != index) {
                let verify = |leaf, index| path.verify(leaf, LeafIndex(index), newer);
                assert!(verify(leaf(index), other).is_err());
                assert!(verify(leaf(other), index).is_err());
            }
        }
        for older in 1..count {
            let path = ConsistencyPath(naive.proof(older, count));
            for other in (0..=count).filter(|other| *other != older) {
                let mut wrong = tree(&naive, other);
                assert!(path.verify(wrong, newer).is_err());
                // The right root under another number of leaves. Some numbers
                // share a shape; the body binds the number.
                wrong.root = tree(&naive, older).root;
                let same_shape = path.verify(wrong, newer).is_ok();
                let theirs = their_root(newer)
                    .verify_consistency(&their_root(wrong), &their_consistency(&path.0));
                assert_eq!(same_shape, theirs.is_ok(), "{other} for {older} of {count}");
            }
            let backwards = path.verify(newer, tree(&naive, older));
            assert!(matches!(backwards, Err(PathError::Shrunk { .. })));
        }
    }
}

fn another_root_is_refused() {
    let naive = Naive::default();
    let other = |tree: TreeHead| TreeHead {
        root: TreeRoot([7; 32]),
        ..tree
    };
    for count in 1..=40 {
        let newer = tree(&naive, count);
        for index in 0..count {
            let path = InclusionPath(naive.path(index, 0..count));
            let verdict = path.verify(leaf(index), LeafIndex(index), other(newer));
            assert!(matches!(verdict, Err(PathError::Root { .. })));
        }
        for older in 1..=count {
            let path = ConsistencyPath(naive.proof(older, count));
            let older = tree(&naive, older);
            assert!(path.verify(other(older), newer).is_err());
            let verdict = path.verify(older, other(newer));
            assert!(matches!(verdict, Err(PathError::Root { .. })));
        }
    }
}

/// Calls `visit` with the path one hash shorter at each end, one hash longer at
/// each end, and with each bit of it flipped.
fn each_change(path: &[[u8; 32]], mut visit: impl FnMut(&[[u8; 32]])) {
    if !path.is_empty() {
        visit(&path[1..]);
        visit(&path[..path.len() - 1]);
    }
    for extra in [[0; 32], *path.last().unwrap_or(&[1; 32])] {
        visit(&[&[extra], path].concat());
        visit(&[path, &[extra]].concat());
    }
    let mut changed = path.to_vec();
    for bit in 0..path.len() * 256 {
        changed[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
        visit(&changed);
        changed[bit / 256][bit % 256 / 8] ^= 1 << (bit % 8);
    }
}

fn a_changed_path_is_refused() {
    let naive = Naive::default();
    for count in [1, 2, 3, 6, 7, 8, 13, 64, 100] {
        let newer = tree(&naive, count);
        for index in [0, count / 3, count - 1] {
            let path = naive.path(index, 0..count);
            each_change(&path, |changed| {
                let changed = InclusionPath(changed.to_vec());
                let verdict = changed.verify(leaf(index), LeafIndex(index), newer);
                assert!(verdict.is_err(), "leaf {index} of {count}");
            });
        }
        for older in [1, count.div_ceil(3), count.div_ceil(2), count] {
            let path = naive.proof(older, count);
            each_change(&path, |changed| {
                let verdict = ConsistencyPath(changed.to_vec()).verify(tree(&naive, older), newer);
                assert!(verdict.is_err(), "{older} to {count} leaves");
            });
        }
    }
}

/// In trees of any size there is one right length, and no path makes the
/// verifier panic.
fn lengths_of_the_largest_trees() {
    let mut state = 9162;
    for _ in 0..20_000 {
        state = mix(state);
        // Up to the largest tree that ct-merkle knows.
        let count = (state >> 1 >> (mix(state) % 63)).max(1);
        let index = mix(state ^ 1) % count;
        let newer = TreeHead {
            count: LeafCount(count),
            root: TreeRoot([0; 32]),
        };
        let older = TreeHead {
            count: LeafCount(index + 1),
            ..newer
        };
        let right = indices_for_inclusion_proof(count, index).len();
        let verify =
            |len| InclusionPath(vec![[7; 32]; len]).verify([7; 32], LeafIndex(index), newer);
        assert!(matches!(verify(right), Err(PathError::Root { .. })));
        assert_length(verify(right + 1), right + 1, right);

        let right = indices_for_consistency_proof(index + 1, count - index - 1).len();
        let verify = |len| ConsistencyPath(vec![[7; 32]; len]).verify(older, newer);
        assert!(!matches!(verify(right), Err(PathError::Length { .. })));
        assert_length(verify(right + 1), right + 1, right);
        if right > 0 {
            assert_length(verify(right - 1), right - 1, right);
        }
    }
    for [index, count] in [[0, 0], [5, 5], [u64::MAX, u64::MAX], [1, 0]] {
        let none = TreeHead {
            count: LeafCount(count),
            root: empty_root(),
        };
        let verdict = InclusionPath(vec![]).verify([0; 32], LeafIndex(index), none);
        assert!(matches!(verdict, Err(PathError::Index { .. })));
    }
    let largest = TreeHead {
        count: LeafCount(u64::MAX),
        root: empty_root(),
    };
    let last = LeafIndex(u64::MAX - 1);
    let verdict = InclusionPath(vec![[0; 32]; 63]).verify([0; 32], last, largest);
    assert!(
        matches!(verdict, Err(PathError::Root { .. })),
        "{verdict:?}"
    );
    let verdict = ConsistencyPath(vec![]).verify(largest, largest);
    assert_eq!(verdict, Ok(()));
}

#[track_caller]
fn assert_length(verdict: Result<(), PathError>, found: usize, expected: usize) {
    assert_eq!(verdict, Err(PathError::Length { found, expected }));
}

/// Not in the RFC: genesis' tree over previous blocks has no leaves.
fn an_older_tree_without_leaves() {
    let naive = Naive::default();
    let none = TreeHead {
        count: LeafCount(0),
        root: root([]),
    };
    for count in [0, 1, 5] {
        let newer = tree(&naive, count);
        let mut builder = ConsistencyBuilder::new();
        assert_eq!(builder.choose(), none);
        (0..count).for_each(|index| builder.push(leaf(index)));
        assert_eq!(builder.finish(), Some((ConsistencyPath(vec![]), newer)));
        let verify = |older, path: &[[u8; 32]]| ConsistencyPath(path.into()).verify(older, newer);
        assert_eq!(verify(none, &[]), Ok(()));
        assert!(verify(none, &[[0; 32]]).is_err());
        let other = TreeHead {
            root: TreeRoot([1; 32]),
            ..none
        };
        assert!(matches!(
            verify(other, &[]),
            Err(PathError::OlderRoot { .. })
        ));
    }
    assert_eq!(ConsistencyBuilder::new().finish(), None);
}
