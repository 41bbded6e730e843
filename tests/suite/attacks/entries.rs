//! Committed steps moved, removed, repeated and replaced.

use super::honest::{Attacked, Honest, entries, genesis};
use pow_core::body::{Body, BodyKind, Entry, Mode};
use pow_core::hash::{ParameterRoot, RestRoot};
use pow_tests::chain_file::Record;
use pow_tests::seal::Link;

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    // Block 2 holds the steps 1 and 2.
    let edited = |name, edit: fn(&mut Vec<Vec<u8>>)| {
        honest.edited(name, |file| edit_entries(&mut file.records[2], edit))
    };
    let mined =
        |name, edit: fn(&mut Vec<Entry>)| honest.mined(name, |links| edit(entries(&mut links[2])));
    let chain = |name, edit: fn(&mut Vec<Link>)| honest.mined(name, edit);
    vec![
        edited("entries_reordered", |all| all.swap(0, 1)),
        edited("entry_deleted", |all| drop(all.remove(0))),
        edited("entry_inserted", |all| {
            let mut between = all[0].clone();
            between[8] ^= 1;
            all.insert(1, between);
        }),
        edited("duplicate_merkle_leaves", |all| all.push(all[1].clone())),
        mined("entries_reordered_mined", |all| all.swap(0, 1)),
        mined("entry_deleted_mined", |all| {
            all.remove(0);
        }),
        mined("entry_duplicated_mined", |all| all.insert(0, all[0])),
        mined("checkpoint_left_out_mined", |all| all[1].rest = None),
        mined("checkpoint_where_it_suits_mined", |all| {
            all[0].rest = Some(RestRoot([1; 32]));
        }),
        chain("gate_with_two_entries_mined", |links| {
            genesis(&mut links[0]).mode = Mode::Gate;
        }),
        chain("gate_that_skips_steps", |links| {
            let genesis = genesis(&mut links[0]);
            genesis.mode = Mode::Gate;
            genesis.schedule.commit_every = 2;
        }),
        chain("first_entry_mined", |links| {
            entries(&mut links[1])[0].parameters = ParameterRoot([1; 32]);
        }),
        chain("first_entry_with_a_batch_mined", |links| {
            let batch = entries(&mut links[2])[0].batch;
            entries(&mut links[1])[0].batch = batch;
        }),
    ]
}

/// Edits the entries of block 2, and sets their number.
fn edit_entries(record: &mut Record, edit: fn(&mut Vec<Vec<u8>>)) {
    let BodyKind::Steps(parsed) = Body::from_bytes(&record.body).unwrap().kind else {
        panic!("block 2 is of another kind");
    };
    let mut entries: Vec<Vec<u8>> = parsed.iter().map(|entry| entry.to_bytes()).collect();
    edit(&mut entries);
    record.body.truncate(55);
    record.body.extend((entries.len() as u32).to_le_bytes());
    record.body.extend(entries.concat());
}
