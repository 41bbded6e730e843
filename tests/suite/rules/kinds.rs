//! Rules 10 and 12 to 19: which bodies may follow one another.

use super::forge::{Edit, Forge, HARDER, end, entry, genesis, steps};
use pow_core::body::{BodyKind, Ending, Entry, Final, Genesis, Mode};
use pow_core::difficulty::Policy;
use pow_core::hash::{BatchDigest, ParameterRoot, RestRoot, StateRoot};
use pow_core::target::CompactTarget;

tests! {
    valid_chains, order_of_kinds, genesis_rules, first_entry, steps_and_checkpoints, endings
}

type GenesisEdit = fn(&mut Genesis);
type FinalEdit = fn(&mut Final);

/// The height and rule at which a chain of these bodies fails, if it does.
fn outcome(kinds: Vec<BodyKind>) -> Option<(u32, u8)> {
    let mut forge = Forge::new(None);
    for kind in kinds {
        if let Err(error) = forge.push(kind, Edit::default()) {
            return Some((error.height, error.violation.rule()));
        }
    }
    None
}

fn begin(edit: GenesisEdit) -> BodyKind {
    let mut genesis = genesis();
    edit(&mut genesis);
    BodyKind::Genesis(Box::new(genesis))
}

fn plain() -> BodyKind {
    begin(|_| {})
}

/// A steps body with one entry, edited.
fn edited(step: u64, edit: fn(&mut Entry)) -> BodyKind {
    let mut entry = entry(step);
    edit(&mut entry);
    BodyKind::Steps(vec![entry])
}

fn stop(step: u64) -> BodyKind {
    BodyKind::Final(end(step))
}

fn complete(step: u64) -> BodyKind {
    let mut end = end(step);
    end.ending = Ending::Completed;
    BodyKind::Final(end)
}

fn unplanned(genesis: &mut Genesis) {
    genesis.schedule.planned = None;
}

fn by_two(genesis: &mut Genesis) {
    genesis.schedule.commit_every = 2;
    genesis.schedule.checkpoint_every = 0;
    genesis.schedule.planned = None;
}

fn gate(genesis: &mut Genesis) {
    genesis.mode = Mode::Gate;
}

fn valid_chains() {
    #[rustfmt::skip]
    let chains = [
        vec![plain(), steps(0..=4), complete(4)],
        vec![plain(), steps([0]), steps([1, 2]), steps([3]), steps([4]), complete(4)],
        vec![plain(), steps([0, 1]), stop(1)],
        vec![plain(), steps([0]), stop(0)],
        vec![begin(unplanned), steps(0..=7), complete(7)],
        vec![begin(gate), steps([0]), steps([1]), stop(1)],
        // The last entry may stand off the interval.
        vec![begin(by_two), steps([0]), bare(2), bare(4), bare(5), stop_bare(5)],
    ];
    for (i, chain) in chains.into_iter().enumerate() {
        assert_eq!(outcome(chain), None, "chain {i}");
    }
}

/// An entry without a checkpoint.
fn bare(step: u64) -> BodyKind {
    edited(step, |entry| entry.rest = None)
}

fn stop_bare(step: u64) -> BodyKind {
    let mut end = end(step);
    end.state = None;
    BodyKind::Final(end)
}

fn order_of_kinds() {
    assert_eq!(outcome(vec![steps([0])]), Some((0, 10)));
    assert_eq!(outcome(vec![stop(0)]), Some((0, 10)));
    assert_eq!(outcome(vec![plain(), plain()]), Some((1, 10)));
    let finished = || vec![plain(), steps([0]), stop(0)];
    for more in [plain(), steps([1]), stop(0)] {
        let chain = finished().into_iter().chain([more]).collect();
        assert_eq!(outcome(chain), Some((3, 10)));
    }
}

fn genesis_rules() {
    #[rustfmt::skip]
    let bad: [(u8, GenesisEdit); 6] = [
        (12, |genesis| genesis.difficulty.floor = HARDER),
        (12, |genesis| genesis.difficulty.policy = Policy::Fixed(HARDER)),
        (12, |genesis| genesis.difficulty.floor = CompactTarget(0)),
        (12, |genesis| genesis.difficulty.final_bits = CompactTarget(0x2100_ffff)),
        (12, |genesis| genesis.difficulty.policy = Policy::Fixed(CompactTarget(0x0180_0001))),
        (13, |genesis| { gate(genesis); genesis.schedule.commit_every = 2; }),
    ];
    for (i, (rule, edit)) in bad.into_iter().enumerate() {
        assert_eq!(outcome(vec![begin(edit)]), Some((0, rule)), "case {i}");
    }
    assert_eq!(outcome(vec![begin(gate), steps([0, 1])]), Some((1, 13)));
    // The final block has another target.
    let harder = begin(|genesis| genesis.difficulty.final_bits = HARDER);
    assert_eq!(outcome(vec![harder, steps([0]), stop(0)]), Some((2, 11)));
}

fn first_entry() {
    let bad: [fn(&mut Entry); 5] = [
        |entry| entry.step.0 = 1,
        |entry| entry.parameters = ParameterRoot([9; 32]),
        |entry| entry.rest = None,
        |entry| entry.batch = Some(BatchDigest([1; 32])),
        |entry| entry.learning_rate = Some(0),
    ];
    for edit in bad {
        assert_eq!(outcome(vec![plain(), edited(0, edit)]), Some((1, 14)));
    }
}

fn steps_and_checkpoints() {
    let after = |genesis: GenesisEdit, kinds: Vec<BodyKind>| {
        let chain = [begin(genesis), steps([0])].into_iter().chain(kinds);
        outcome(chain.collect())
    };
    let same: GenesisEdit = |_| {};
    let one_step: GenesisEdit = |genesis| {
        genesis.schedule.checkpoint_every = 0;
        genesis.schedule.planned = Some(1);
    };
    let rest: fn(&mut Entry) = |entry| entry.rest = Some(RestRoot([1; 32]));
    let cases: [(GenesisEdit, Vec<BodyKind>, (u32, u8)); 9] = [
        (same, vec![steps([2])], (2, 15)),
        (same, vec![steps([1, 1])], (2, 15)),
        (same, vec![steps([1, 2, 1])], (2, 15)),
        (same, vec![steps(1..=5)], (2, 15)),
        (by_two, vec![bare(3)], (2, 15)),
        // Nothing follows an entry off an interval.
        (by_two, vec![bare(2), bare(3), bare(4)], (4, 16)),
        (same, vec![edited(1, rest), steps([2])], (3, 16)),
        // A checkpoint is due at the interval, and at the planned end.
        (same, vec![steps([1]), bare(2)], (3, 17)),
        (one_step, vec![bare(1)], (2, 17)),
    ];
    for (i, (genesis, kinds, expected)) in cases.into_iter().enumerate() {
        assert_eq!(after(genesis, kinds), Some(expected), "case {i}");
    }
}

fn endings() {
    let ends = |edit: FinalEdit| {
        let mut end = end(2);
        edit(&mut end);
        outcome(vec![plain(), steps([0, 1, 2]), BodyKind::Final(end)])
    };
    assert_eq!(ends(|_| {}), None);
    let bad: [(u8, FinalEdit); 5] = [
        (18, |end| end.steps.0 = 1),
        (18, |end| end.state = None),
        (18, |end| end.state = Some(StateRoot([1; 32]))),
        (18, |end| end.artifact = ParameterRoot([1; 32])),
        (19, |end| end.ending = Ending::Completed),
    ];
    for (i, (rule, edit)) in bad.into_iter().enumerate() {
        assert_eq!(ends(edit), Some((2, rule)), "case {i}");
    }
    assert_eq!(outcome(vec![plain(), stop(0)]), Some((1, 18)));
}
