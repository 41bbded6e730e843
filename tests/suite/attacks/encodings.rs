//! Bytes that mean what they should, or seem to, in a form that is not allowed.
//! The coinbase commits to them, and the block has its work.

use super::honest::{Attacked, Honest};
use pow_core::hash::Tag;
use pow_tests::seal::RawBody;

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let body = |name, block: usize, edit: fn(&mut RawBody)| {
        honest.mined(name, |links| links[block].body(edit))
    };
    let coinbase =
        |name, edit: fn(&mut Vec<u8>)| honest.mined(name, |links| links[3].coinbase(edit));
    vec![
        body("flag_of_two", 0, |raw| {
            let at = 55 + 4 + "honest".len() + 8 + 32;
            assert_eq!(raw.fixed[at], 1);
            raw.fixed[at] = 2;
        }),
        body("option_of_two", 3, |raw| {
            assert_eq!(raw.entries[0][40], 1);
            raw.entries[0][40] = 2;
        }),
        body("text_not_utf8", 0, |raw| raw.fixed[59] = 0xff),
        body("body_of_another_version", 3, |raw| raw.fixed[0] = 2),
        body("body_of_no_kind", 3, |raw| raw.fixed[2] = 3),
        body("byte_behind_the_body", 3, |raw| raw.entries[0].push(0)),
        body("steps_without_entries", 3, |raw| {
            raw.entries.clear();
            raw.count(0);
        }),
        body("node_passed_off_as_an_entry", 2, |raw| {
            let leaves = raw.entries.iter().map(|entry| Tag::Entry.hash(entry));
            raw.entries = vec![leaves.collect::<Vec<_>>().concat()];
            raw.count(1);
        }),
        coinbase("height_pushed_in_a_longer_form", |bytes| {
            bytes.splice(42..43, [1, 3]);
            bytes[41] += 1;
        }),
        coinbase("coinbase_of_64_bytes", |bytes| bytes.truncate(64)),
        coinbase("coinbase_that_pays", |bytes| {
            let value = bytes.len() - 4 - 34 - 1 - 8;
            bytes[value] = 1;
        }),
        coinbase("coinbase_with_a_witness", |bytes| {
            bytes.splice(4..4, [0, 1]);
        }),
        coinbase("byte_behind_the_coinbase", |bytes| bytes.push(0)),
        honest.edited("transaction_count_in_a_longer_form", |file| {
            file.records[3].block.splice(80..81, [0xfd, 1, 0]);
        }),
        honest.edited("coinbase_twice", |file| {
            let block = &mut file.records[3].block;
            let coinbase = block[81..].to_vec();
            block[80] = 2;
            block.extend(&coinbase[..10]);
        }),
    ]
}
