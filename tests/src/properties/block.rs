//! Blocks beside rust-bitcoin's.

use super::header::has_our_shape;
use super::memory::metered;
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::Hash;
use pow_core::block::{Block, MAX_BLOCK_LEN};

/// A block: ours reads it exactly if rust-bitcoin does and its one transaction
/// has our shape.
pub fn block(data: &[u8]) {
    let ours = metered(data.len(), || Block::from_bytes(data));
    let theirs = deserialize::<bitcoin::Block>(data).ok();
    let accepted = theirs.as_ref().is_some_and(|block| {
        block.txdata.len() == 1 && has_our_shape(&block.txdata[0]) && serialize(block) == data
    });
    assert_eq!(ours.is_ok(), accepted, "{ours:?}");
    match (ours, theirs) {
        (Ok(ours), Some(theirs)) => {
            assert_eq!(ours.to_bytes(), data);
            assert!((189..=MAX_BLOCK_LEN).contains(&data.len()));
            assert_eq!(ours.header.hash().0, theirs.block_hash().to_byte_array());
            assert_eq!(
                ours.header.tx_root == ours.coinbase.txid(),
                theirs.check_merkle_root()
            );
            assert!(theirs.txdata[0].is_coinbase());
            refuses_a_byte_less_or_more(data);
        }
        (Err(error), _) => assert!(error.offset <= data.len(), "{error}"),
        (Ok(_), None) => unreachable!("both accept"),
    }
}

fn refuses_a_byte_less_or_more(data: &[u8]) {
    assert!(Block::from_bytes(&data[..data.len() - 1]).is_err());
    assert!(Block::from_bytes(&[data, &[0]].concat()).is_err());
}
