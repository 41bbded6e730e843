//! Lengths and counts that lie.

use super::honest::{Case, Honest};
use pow_tests::chain_file::record_header;

pub fn cases(honest: &Honest) -> Vec<Case> {
    let record = |name, attack: &str, lengths: [u32; 2], words: &str| {
        let mut bytes = honest.chain.to_bytes();
        let at = honest.chain.boundaries()[3];
        bytes[at..at + 16].copy_from_slice(&record_header(lengths));
        honest
            .attack(
                name,
                attack,
                "Nobody reserves memory for a length before it was compared with its limit.",
            )
            .chain(bytes)
            .fails("chain", words)
    };
    let real = |at: usize| {
        let record = &honest.chain.records[at];
        [record.block.len() as u32, record.body.len() as u32]
    };
    let [block, body] = real(3);
    let limit = "a length exceeds the format's limit";
    vec![
        record(
            "record_with_a_huge_block",
            "A record announces a block of 4 GiB.",
            [u32::MAX, body],
            limit,
        ),
        record(
            "record_with_a_block_above_the_limit",
            "A record announces a block of 201 bytes.",
            [201, body],
            limit,
        ),
        record(
            "record_with_a_huge_body",
            "A record announces a body of 4 GiB.",
            [block, u32::MAX],
            limit,
        ),
        record(
            "record_with_a_body_above_the_limit",
            "A record announces a body of 16 MiB and one byte.",
            [block, (16 << 20) + 1],
            limit,
        ),
        record(
            "record_that_swallows_the_next",
            "A record announces a body that reaches beyond the end of the file, over good records.",
            [block, 16 << 20],
            "record is cut short, yet another begins",
        ),
        honest
            .attack(
                "entry_count_huge",
                "Block 3 announces 4,294,967,295 entries, and has its work.",
                "Nobody reserves memory for a count before it was compared with its limit.",
            )
            .blocks(&honest.mined(|links| links[3].body(|raw| raw.count(u32::MAX))))
            .breaks(3, 1, "malformed body: byte 55: entry count is 4294967295"),
        honest
            .attack(
                "entry_count_one_more",
                "Block 3 announces an entry more than it has, and has its work.",
                "The body ends too early.",
            )
            .blocks(&honest.mined(|links| links[3].body(|raw| raw.count(2))))
            .breaks(3, 1, "malformed body: byte 151: step needs 8 bytes"),
        honest
            .attack(
                "text_length_huge",
                "Genesis' name announces 4 GiB, and genesis has its work.",
                "Nobody reserves memory for a length before it was compared with its limit.",
            )
            .blocks(&honest.mined(|links| {
                links[0].body(|raw| raw.fixed[55..59].copy_from_slice(&[0xff; 4]));
            }))
            .breaks(0, 1, "malformed body: byte 55: name is 4294967295"),
        honest
            .attack(
                "script_length_huge",
                "The coinbase's script announces 255 bytes, and the block has its work.",
                "Its length follows from the height.",
            )
            .blocks(&honest.mined(|links| links[3].coinbase(|bytes| bytes[41] = 0xff)))
            .breaks(3, 1, "malformed block: byte 123: script needs 255 bytes"),
    ]
}
