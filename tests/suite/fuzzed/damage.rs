//! What a recorder writes, damaged at random. libFuzzer goes much further; this
//! runs wherever the tests do.

use crate::forall::forall;
use pow_tests::properties::{ALL, Property, seeds};
use proptest::prelude::*;
use proptest::sample::Index;

/// Damaged inputs of each property.
const CASES: u32 = 400;

/// One change to a byte string.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// The rest is another seed's.
    Splice(Index, Index),
}

pub fn tests() -> impl Iterator<Item = (String, impl FnOnce() + Send)> {
    ALL.into_iter()
        .map(|property| (format!("damaged/{}", property.0), move || damaged(property)))
}

fn damaged((name, property): Property) {
    let seeds: Vec<Vec<u8>> = seeds()
        .into_iter()
        .filter(|seed| seed.property == name)
        .map(|seed| seed.bytes)
        .collect();
    let input = (any::<Index>(), prop::collection::vec(edit(), 1..4));
    forall(CASES, input, |(seed, edits)| {
        let mut bytes = seed.get(&seeds).clone();
        for edit in &edits {
            apply(edit, &mut bytes, &seeds);
        }
        property(&bytes);
    });
}

fn edit() -> impl Strategy<Value = Edit> {
    // The values at which lengths and numbers change their kind.
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(vec![0, 1, 2, 0x7f, 0x80, 0xff])
    ];
    prop_oneof![
        3 => (any::<Index>(), byte).prop_map(|(at, byte)| Edit::Set(at, byte)),
        3 => (any::<Index>(), 0..8u8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        1 => (any::<Index>(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        1 => (any::<Index>(), 1..40usize).prop_map(|(at, len)| Edit::Remove(at, len)),
        1 => (any::<Index>(), 1..300usize).prop_map(|(at, len)| Edit::Repeat(at, len)),
        1 => any::<(Index, Index)>().prop_map(|(at, seed)| Edit::Splice(at, seed)),
    ]
}

fn apply(edit: &Edit, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
    // One past the end is a place to insert at.
    let place = |at: &Index| at.index(bytes.len() + 1);
    let end = |at: usize, len: &usize| (at + len).min(bytes.len());
    let found = |at: &Index| at.index(bytes.len().max(1));
    match edit {
        Edit::Set(at, byte) => {
            let at = found(at);
            if let Some(found) = bytes.get_mut(at) {
                *found = *byte;
            }
        }
        Edit::Flip(at, bit) => {
            let at = found(at);
            if let Some(found) = bytes.get_mut(at) {
                *found ^= 1 << bit;
            }
        }
        Edit::Insert(at, new) => {
            let at = place(at);
            bytes.splice(at..at, new.iter().copied());
        }
        Edit::Remove(at, len) => {
            let at = place(at);
            let end = end(at, len);
            bytes.drain(at..end);
        }
        Edit::Repeat(at, len) => {
            let at = place(at);
            let piece = bytes[at..end(at, len)].to_vec();
            bytes.splice(at..at, piece);
        }
        Edit::Splice(at, seed) => {
            let at = place(at);
            let other = seed.get(seeds);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[at.min(other.len())..]);
        }
    }
}
