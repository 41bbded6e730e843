//! Bytes edited in place, with fitting checksums: nothing is mined again.

use super::honest::{Attacked, Honest};
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

pub fn attacks(honest: &Honest) -> Vec<Attacked> {
    let block = |name, edit: fn(&mut Vec<u8>)| {
        honest.edited(name, |file| edit(&mut file.records[AT].block))
    };
    let body = |name, at: usize| honest.edited(name, |file| file.records[AT].body[at] ^= 1);
    vec![
        block("nonce", |block| block[NONCE] ^= 1),
        honest.edited("nonce_that_meets_the_target_too", |file| {
            next_nonce(&mut file.records[AT]);
        }),
        block("bits", |block| {
            block[BITS..BITS + 4].copy_from_slice(&0x207f_ffffu32.to_le_bytes());
        }),
        block("time", |block| block[TIME] += 1),
        block("prev", |block| block[PREV] ^= 1),
        block("transaction_root", |block| block[TX_ROOT] ^= 1),
        block("coinbase_extranonce", |block| block[EXTRANONCE] ^= 1),
        block("coinbase_height", |block| block[HEIGHT_PUSH] += 1),
        block("coinbase_commitment", |block| block[COMMITMENT] ^= 1),
        body("body_start", BODY_START),
        body("entry_parameters", PARAMETERS),
        body("entry_batch", BATCH),
        body("entry_loss", LOSS),
        body("entry_learning_rate", LEARNING_RATE),
        honest.with_chain("checksum", with_a_bit_flipped(honest)),
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
