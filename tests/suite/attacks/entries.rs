//! Committed steps moved, removed, repeated and replaced.

use super::honest::{Case, Honest, entries, genesis};
use super::seal::Link;
use pow_core::body::Mode;
use pow_core::hash::{ParameterRoot, RestRoot};
use pow_tests::chain_file::Record;

pub fn cases(honest: &Honest) -> Vec<Case> {
    // Block 2 holds the steps 1 and 2.
    let unmined = |name, attack: &str, edit: fn(&mut Vec<Vec<u8>>)| {
        let chain = honest.unmined(|file| edit_entries(&mut file.records[2], edit));
        let why = "The coinbase commits to the entries, their order and their number.";
        honest
            .attack(name, attack, why)
            .chain(chain)
            .breaks(2, 5, "coinbase commits to")
    };
    let mined = |name, attack: &str, why: &str, rule, words: &str, edit: fn(&mut Link)| {
        honest
            .attack(name, attack, why)
            .blocks(&honest.mined(|links| edit(&mut links[2])))
            .breaks(2, rule, words)
    };
    let steps = "Each entry's step follows the last one's by the commit interval.";
    vec![
        unmined("entries_reordered", "Two entries change places.", |all| {
            all.swap(0, 1);
        }),
        unmined("entry_deleted", "An entry is left out.", |all| {
            all.remove(0);
        }),
        unmined("entry_inserted", "An entry is put in between.", |all| {
            let mut between = all[0].clone();
            between[8] ^= 1;
            all.insert(1, between);
        }),
        unmined(
            "duplicate_merkle_leaves",
            "The last of the entries stands there twice: a tree that pads with its last leaf, as \
             Bitcoin's does, would have the same root (CVE-2012-2459).",
            |all| all.push(all[1].clone()),
        ),
        mined(
            "entries_reordered_mined",
            "Two entries change places, and all is mined anew from there.",
            steps,
            15,
            "entry of step 2 follows step 0",
            |link| entries(link).swap(0, 1),
        ),
        mined(
            "entry_deleted_mined",
            "An entry is left out, and all is mined anew from there.",
            steps,
            15,
            "entry of step 2 follows step 0",
            |link| {
                entries(link).remove(0);
            },
        ),
        mined(
            "entry_duplicated_mined",
            "An entry stands there twice, and all is mined anew from there.",
            steps,
            15,
            "entry of step 1 follows step 1",
            |link| {
                let first = entries(link)[0];
                entries(link).insert(0, first);
            },
        ),
        mined(
            "checkpoint_left_out_mined",
            "Step 2 has no checkpoint, so that none need be shown.",
            "Genesis says at which steps there are checkpoints.",
            17,
            "step 2 must carry a checkpoint",
            |link| entries(link)[1].rest = None,
        ),
        mined(
            "checkpoint_where_it_suits_mined",
            "Step 1 has a checkpoint, where a forger would like to begin.",
            "Genesis says at which steps there are checkpoints.",
            16,
            "step 1 stands off the intervals",
            |link| entries(link)[0].rest = Some(RestRoot([1; 32])),
        ),
        honest
            .attack(
                "gate_with_two_entries_mined",
                "In gate mode, block 2 seals two steps at once.",
                "In gate mode each step waits for a block of its own.",
            )
            .blocks(&honest.mined(|links| genesis(&mut links[0]).mode = Mode::Gate))
            .breaks(2, 13, "gate mode seals one entry a block, found 2"),
        honest
            .attack(
                "gate_that_skips_steps",
                "A genesis in gate mode commits to every second step only.",
                "In gate mode each step is committed to.",
            )
            .blocks(&honest.mined(|links| {
                let genesis = genesis(&mut links[0]);
                genesis.mode = Mode::Gate;
                genesis.schedule.commit_every = 2;
            }))
            .breaks(0, 13, "gate mode with a commit interval of 2"),
        honest
            .attack(
                "first_entry_mined",
                "The weights of step 0 are not those that genesis announced.",
                "Entry 0 has the initial state of genesis.",
            )
            .blocks(&honest.mined(|links| {
                entries(&mut links[1])[0].parameters = ParameterRoot([1; 32]);
            }))
            .breaks(1, 14, "the first entry is not step 0"),
        honest
            .attack(
                "first_entry_with_a_batch_mined",
                "Step 0 claims a batch, as if the initial weights had been trained already.",
                "Entry 0 is the model before any step.",
            )
            .blocks(&honest.mined(|links| {
                let batch = entries(&mut links[2])[0].batch;
                entries(&mut links[1])[0].batch = batch;
            }))
            .breaks(1, 14, "the first entry is not step 0"),
    ]
}

/// Edits the entries of block 2, and sets their number.
fn edit_entries(record: &mut Record, edit: fn(&mut Vec<Vec<u8>>)) {
    let body = pow_core::body::Body::from_bytes(&record.body).unwrap();
    let pow_core::body::BodyKind::Steps(parsed) = body.kind else {
        panic!("block 2 is of another kind");
    };
    let mut entries: Vec<Vec<u8>> = parsed.iter().map(|entry| entry.to_bytes()).collect();
    edit(&mut entries);
    record.body.truncate(55);
    record.body.extend((entries.len() as u32).to_le_bytes());
    record.body.extend(entries.concat());
}
