//! Genesis' extensions: one byte string for each value, and what a run says it went on
//! from.

use pow_core::body::{BodyKind, Entry, Extension, StepNumber};
use pow_core::extension::{ExtensionKind, Known, Parent, Unusable};
use pow_core::hash::{BlockHash, ParameterRoot, RestRoot, StateRoot};
use pow_core::state::{RestOfState, state_root};
use pow_tests::extensions::one_of_each;
use pow_tests::fixture::{Fixture, Plan};
use pow_tests::seal::links;

tests! {
    each_type_reads_what_it_wrote, a_byte_less_or_more_is_refused,
        a_parent_is_the_state_that_an_entry_commits_to, an_origin_is_read_or_unusable,
        a_recording_begins_with_the_fresh_rest
}

fn each_type_reads_what_it_wrote() {
    for known in one_of_each() {
        let kind = known.kind();
        let extension = known.to_extension();
        assert_eq!(ExtensionKind::of(extension.kind), Some(kind));
        assert_eq!(Known::read(kind, &extension.data), Ok(known));
    }
}

fn a_byte_less_or_more_is_refused() {
    for known in one_of_each() {
        let data = known.to_extension().data;
        for len in 0..data.len() {
            assert!(Known::read(known.kind(), &data[..len]).is_err(), "{len}");
        }
        let longer = [&data[..], &[0]].concat();
        assert!(Known::read(known.kind(), &longer).is_err(), "{known:?}");
    }
}

fn a_parent_is_the_state_that_an_entry_commits_to() {
    let genesis = BlockHash([1; 32]);
    let mut entry = Entry {
        step: StepNumber(300),
        parameters: ParameterRoot([2; 32]),
        batch: None,
        loss: None,
        learning_rate: None,
        rest: Some(RestRoot([3; 32])),
    };
    let parent = Parent::at(genesis, &entry).unwrap();
    let state = state_root(ParameterRoot([2; 32]), RestRoot([3; 32]));
    assert_eq!((parent.step, parent.state), (StepNumber(300), state));
    // The bytes of docs/format.md, written out.
    let data = [&[1; 32][..], &300u64.to_le_bytes(), &state.0].concat();
    let extension = Extension { kind: 19, data };
    assert_eq!(Known::Parent(parent).to_extension(), extension);
    entry.rest = None;
    assert_eq!(Parent::at(genesis, &entry), None);
}

fn an_origin_is_read_or_unusable() {
    let parent = Parent {
        genesis: BlockHash([4; 32]),
        step: StepNumber(5),
        state: StateRoot([6; 32]),
    };
    let base = ParameterRoot([7; 32]);
    let mut genesis = genesis();
    let mut with = |extensions: Vec<Extension>| {
        genesis.extensions = extensions;
        (genesis.parent(), genesis.base_model())
    };
    let [a, b] = [Known::Parent(parent), Known::BaseModel(base)].map(|known| known.to_extension());
    assert_eq!(with(vec![]), (Ok(None), Ok(None)));
    assert_eq!(
        with(vec![b.clone(), a.clone()]),
        (Ok(Some(parent)), Ok(Some(base)))
    );
    let twice = Err(Unusable::Repeated(2));
    assert_eq!(
        with(vec![a.clone(), b.clone(), a.clone()]),
        (twice, Ok(Some(base)))
    );
    let twice = Err(Unusable::Repeated(2));
    assert_eq!(
        with(vec![b.clone(), a.clone(), b.clone()]),
        (Ok(Some(parent)), twice)
    );
    let mut long = a;
    long.data.push(0);
    let (found, _) = with(vec![long]);
    assert!(matches!(found, Err(Unusable::Malformed(_))), "{found:?}");
}

fn genesis() -> pow_core::body::Genesis {
    let fixture = Fixture::record_with(&Plan::default(), |_| {}, |_| {});
    match links(&fixture.file())[0].kind() {
        BodyKind::Genesis(genesis) => (**genesis).clone(),
        _ => panic!("not a genesis block"),
    }
}

/// What a recorder commits to before any step has this rest root, so that a reader of the
/// chain alone knows a fresh optimizer.
fn a_recording_begins_with_the_fresh_rest() {
    let fixture = Fixture::default();
    let mut links = links(&fixture.file());
    let rests = |kind: &BodyKind| match kind {
        BodyKind::Steps(entries) => entries.iter().filter_map(|entry| entry.rest).collect(),
        _ => Vec::new(),
    };
    let fresh = RestOfState::fresh().root();
    assert_eq!(rests(links[1].kind()), [fresh]);
    assert!(!rests(links[3].kind()).contains(&fresh));
}
