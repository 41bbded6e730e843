//! Bytes that mean what they should, or seem to, in a form that they must not
//! have. The coinbase commits to them, and the block has its work.

use super::honest::{Case, Honest};
use super::seal::{Link, RawBody};
use pow_core::hash::Tag;

pub fn cases(honest: &Honest) -> Vec<Case> {
    let body = |name, block: usize, attack: &str, words: &str, edit: fn(&mut RawBody)| {
        honest
            .attack(name, attack, "There is one byte string for each body.")
            .blocks(&honest.mined(|links| links[block].body(edit)))
            .breaks(block as u32, 1, &format!("malformed body: {words}"))
    };
    let coinbase = |name, attack: &str, words: &str, edit: fn(&mut Vec<u8>)| {
        honest
            .attack(
                name,
                attack,
                "All of the coinbase but height, extranonce and commitment is fixed.",
            )
            .blocks(&honest.mined(|links: &mut Vec<Link>| links[3].coinbase(edit)))
            .breaks(3, 1, &format!("malformed block: {words}"))
    };
    vec![
        body(
            "flag_of_two",
            0,
            "Genesis' flag is 2.",
            "byte 105: regenerable is 2",
            |raw| {
                let at = 55 + 4 + "honest".len() + 8 + 32;
                assert_eq!(raw.fixed[at], 1);
                raw.fixed[at] = 2;
            },
        ),
        body(
            "option_of_two",
            3,
            "An option begins with 2.",
            "byte 99: batch digest is 2",
            |raw| {
                assert_eq!(raw.entries[0][40], 1);
                raw.entries[0][40] = 2;
            },
        ),
        body(
            "text_not_utf8",
            0,
            "The name is not UTF-8.",
            "byte 55: name is not UTF-8",
            |raw| {
                raw.fixed[59] = 0xff;
            },
        ),
        body(
            "body_of_another_version",
            3,
            "The body has format version 2.",
            "byte 0: format version is 2",
            |raw| raw.fixed[0] = 2,
        ),
        body(
            "body_of_no_kind",
            3,
            "The body is of kind 3.",
            "byte 2: kind is 3",
            |raw| {
                raw.fixed[2] = 3;
            },
        ),
        body(
            "byte_behind_the_body",
            3,
            "A byte follows the last entry.",
            "byte 151: ",
            |raw| raw.entries[0].push(0),
        ),
        body(
            "steps_without_entries",
            3,
            "A steps block without any step, to add work where nothing was trained.",
            "byte 55: entry count is 0",
            |raw| {
                raw.entries.clear();
                raw.count(0);
            },
        ),
        body(
            "node_passed_off_as_an_entry",
            2,
            "In the place of its two entries, block 2 has the 64 bytes that the node above their \
             leaves hashes (leaf and node confusion).",
            "byte 99: batch digest is 105",
            |raw| {
                let leaves = raw.entries.iter().map(|entry| Tag::Entry.hash(entry));
                raw.entries = vec![leaves.collect::<Vec<_>>().concat()];
                raw.count(1);
            },
        ),
        coinbase(
            "height_pushed_in_a_longer_form",
            "The coinbase pushes height 3 as Bitcoin pushes larger ones.",
            "byte 122: height push differs",
            |bytes| {
                bytes.splice(42..43, [1, 3]);
                bytes[41] += 1;
            },
        ),
        coinbase(
            "coinbase_of_64_bytes",
            "The coinbase is 64 bytes long, so that its id could be that of a node of Bitcoin's \
             tree of transactions (CVE-2017-12842).",
            "byte 141: output count and value needs 9 bytes",
            |bytes| bytes.truncate(64),
        ),
        coinbase(
            "coinbase_that_pays",
            "The coinbase pays out money.",
            "byte 141: output count and value differs",
            |bytes| {
                let value = bytes.len() - 4 - 34 - 1 - 8;
                bytes[value] = 1;
            },
        ),
        coinbase(
            "coinbase_with_a_witness",
            "The coinbase has SegWit's marker and flag.",
            "byte 81: coinbase version and input count differs",
            |bytes| {
                bytes.splice(4..4, [0, 1]);
            },
        ),
        coinbase(
            "byte_behind_the_coinbase",
            "A byte follows the coinbase.",
            "byte 189: ",
            |bytes| bytes.push(0),
        ),
        honest
            .attack(
                "transaction_count_in_a_longer_form",
                "The number of transactions is written in three bytes.",
                "There is one byte string for each block.",
            )
            .chain(honest.unmined(|file| {
                file.records[3].block.splice(80..81, [0xfd, 1, 0]);
            }))
            .breaks(3, 1, "malformed block: byte 80: transaction count is 253"),
        honest
            .attack(
                "coinbase_twice",
                "The coinbase stands there twice; padding with the last leaf, Bitcoin's tree over \
                 three transactions has the root of one over four.",
                "A block has one transaction.",
            )
            .chain(honest.unmined(|file| {
                let block = &mut file.records[3].block;
                let coinbase = block[81..].to_vec();
                block[80] = 2;
                block.extend(&coinbase[..10]);
            }))
            .breaks(3, 1, "malformed block: byte 80: transaction count is 2"),
    ]
}
