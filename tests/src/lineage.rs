//! Runs that go on from others.

use crate::chain_file::ChainFile;
use crate::fixture::{First, Fixture, Plan};
use pow_core::body::{Body, BodyKind, Entry, Genesis};
use pow_core::extension::{Known, Parent};

/// The steps in the blocks of a run of the usual plan.
pub const BLOCKS: [&[u64]; 5] = [&[0], &[1, 2], &[3], &[4, 5], &[6]];

/// The entry of a step.
///
/// # Panics
///
/// If there is none.
pub fn entry_of(file: &ChainFile, step: u64) -> Entry {
    let bodies = file
        .records
        .iter()
        .map(|record| Body::from_bytes(&record.body).unwrap());
    let mut entries = bodies.flat_map(|body| match body.kind {
        BodyKind::Steps(entries) => entries,
        _ => Vec::new(),
    });
    entries.find(|entry| entry.step.0 == step).unwrap()
}

/// A step of a run, as its child names it.
///
/// # Panics
///
/// If the step has no checkpoint.
pub fn at(parent: &Fixture, step: u64) -> Parent {
    Parent::at(parent.genesis, &entry_of(&parent.file(), step)).unwrap()
}

/// Says in genesis what the run went on from, and nothing else.
pub fn names(known: Known) -> impl FnOnce(&mut Genesis) {
    move |genesis| {
        genesis.extensions = vec![known.to_extension()];
        genesis.initial.regenerable = false;
    }
}

/// A plan for a run of its own seed that starts with `first`.
pub fn plan(name: &str, seed: u64, first: First) -> Plan {
    Plan {
        name: name.into(),
        seed,
        first,
        ..Plan::default()
    }
}

/// A finished run that starts with `first` and names this parent.
pub fn child(name: &str, seed: u64, first: First, parent: Parent) -> Fixture {
    Fixture::record_with(
        &plan(name, seed, first),
        names(Known::Parent(parent)),
        |recorder| recorder.finish_after(BLOCKS),
    )
}
