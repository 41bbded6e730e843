//! Bytes edited in place, with fitting checksums: nothing is mined anew.

use super::honest::{Case, Honest};
use pow_core::block::Block;
use pow_tests::chain_file::Record;

/// The block that is edited: the one of step 3.
const AT: usize = 3;

/// Where the fields of its block and body begin. The coinbase pushes its
/// height with one byte.
const PREV: usize = 4;
const TX_ROOT: usize = 36;
const TIME: usize = 68;
const BITS: usize = 72;
const NONCE: usize = 76;
const HEIGHT_PUSH: usize = 123;
const EXTRANONCE: usize = 125;
const COMMITMENT: usize = 153;
const BODY_START: usize = 7;
const PARAMETERS: usize = 67;
const BATCH: usize = PARAMETERS + 33;
const LOSS: usize = BATCH + 33;
const LEARNING_RATE: usize = LOSS + 9;

pub fn cases(honest: &Honest) -> Vec<Case> {
    let no_work = "The hash is another one, and meets the target no more.";
    let case = |name, attack: &str, why: &str, rule, words: &str, edit: fn(&mut Record)| {
        honest
            .attack(name, attack, why)
            .chain(honest.unmined(|file| edit(&mut file.records[AT])))
            .breaks(AT as u32, rule, words)
    };
    let in_header = |name, field: &str, rule, words: &str, why: &str, edit: fn(&mut Record)| {
        let attack = format!("The {field} in block 3's header is edited.");
        case(name, &attack, why, rule, words, edit)
    };
    let in_coinbase = |name, field: &str, edit: fn(&mut Record)| {
        let attack = format!("The {field} in block 3's coinbase is edited.");
        let why = "The header's transaction root is the id of another coinbase.";
        case(name, &attack, why, 4, "transaction root is", edit)
    };
    let in_body = |name, field: &str, edit: fn(&mut Record)| {
        let attack = format!("The {field} in block 3's body is edited.");
        let why = "The coinbase commits to another body.";
        case(name, &attack, why, 5, "coinbase commits to", edit)
    };
    vec![
        in_header("nonce", "nonce", 11, "hash ", no_work, |record| {
            record.block[NONCE] ^= 1;
        }),
        honest
            .attack(
                "nonce_that_meets_the_target_too",
                "Block 3 gets the next nonce that meets its target.",
                "Block 4 names the block with the old nonce as its parent.",
            )
            .chain(honest.unmined(|file| next_nonce(&mut file.records[AT])))
            .breaks(4, 3, "names "),
        in_header(
            "bits",
            "target",
            11,
            "target is",
            "Genesis says which target each block has.",
            |record| record.block[BITS..BITS + 4].copy_from_slice(&0x207f_ffffu32.to_le_bytes()),
        ),
        in_header("time", "time", 11, "hash ", no_work, |record| {
            record.block[TIME] += 1;
        }),
        in_header(
            "prev",
            "hash of the parent",
            3,
            "names ",
            "It must be the hash of the block before.",
            |record| record.block[PREV] ^= 1,
        ),
        in_header(
            "transaction_root",
            "transaction root",
            4,
            "transaction root is",
            "It must be the coinbase's id.",
            |record| record.block[TX_ROOT] ^= 1,
        ),
        in_coinbase("coinbase_extranonce", "extranonce", |record| {
            record.block[EXTRANONCE] ^= 1;
        }),
        in_coinbase("coinbase_height", "height", |record| {
            record.block[HEIGHT_PUSH] += 1;
        }),
        in_coinbase("coinbase_commitment", "commitment", |record| {
            record.block[COMMITMENT] ^= 1;
        }),
        in_body("body_start", "time", |record| record.body[BODY_START] ^= 1),
        in_body("entry_parameters", "parameter root", |record| {
            record.body[PARAMETERS] ^= 1;
        }),
        in_body("entry_batch", "batch digest", |record| {
            record.body[BATCH] ^= 1;
        }),
        in_body("entry_loss", "loss", |record| record.body[LOSS] ^= 1),
        in_body("entry_learning_rate", "learning rate", |record| {
            record.body[LEARNING_RATE] ^= 1;
        }),
        honest
            .attack(
                "checksum",
                "A bit of block 3 is flipped, and its checksum is left as it was.",
                "The record's checksum is wrong, which no torn write explains.",
            )
            .chain(with_a_bit_flipped(honest))
            .fails("chain", "record checksum is "),
    ]
}

fn next_nonce(record: &mut Record) {
    let mut header = Block::from_bytes(&record.block).unwrap().header;
    let target = header.bits.decode().unwrap();
    loop {
        header.nonce.0 += 1;
        if target.is_met_by(header.hash()) {
            break;
        }
    }
    record.block[..80].copy_from_slice(&header.to_bytes());
}

fn with_a_bit_flipped(honest: &Honest) -> Vec<u8> {
    let mut bytes = honest.chain.to_bytes();
    bytes[honest.chain.boundaries()[AT] + 40] ^= 1;
    bytes
}
