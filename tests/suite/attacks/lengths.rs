//! Lengths and counts that lie.

use super::honest::{Attacked, Honest};
use pow_tests::chain_file::record_header;

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let record = |name, lengths: [u32; 2]| {
        let mut bytes = honest.chain.to_bytes();
        let at = honest.chain.boundaries()[3];
        bytes[at..at + 16].copy_from_slice(&record_header(lengths));
        honest.with_chain(name, bytes)
    };
    let real = &honest.chain.records[3];
    let [block, body] = [real.block.len() as u32, real.body.len() as u32];
    vec![
        record("record_with_a_huge_block", [u32::MAX, body]),
        record("record_with_a_block_above_the_limit", [201, body]),
        record("record_with_a_huge_body", [block, u32::MAX]),
        record(
            "record_with_a_body_above_the_limit",
            [block, (16 << 20) + 1],
        ),
        record("record_that_swallows_the_next", [block, 16 << 20]),
        honest.mined("entry_count_huge", |links| {
            links[3].body(|raw| raw.count(u32::MAX));
        }),
        honest.mined("entry_count_one_more", |links| {
            links[3].body(|raw| raw.count(2))
        }),
        honest.mined("text_length_huge", |links| {
            links[0].body(|raw| raw.fixed[55..59].copy_from_slice(&[0xff; 4]));
        }),
        honest.mined("script_length_huge", |links| {
            links[3].coinbase(|bytes| bytes[41] = 0xff);
        }),
    ]
}
