//! Headers and coinbases beside rust-bitcoin's.

use super::memory::metered;
use bitcoin::consensus::{deserialize, deserialize_partial, serialize};
use bitcoin::hashes::Hash;
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::{Amount, OutPoint, Sequence, Transaction};
use pow_core::codec::Reader;
use pow_core::coinbase::Coinbase;
use pow_core::header::{HEADER_LEN, Header};
use pow_core::search::{Job, NonceRange};

/// 80 bytes of a header; more are left alone.
pub fn header(data: &[u8]) {
    let Some(bytes) = data.first_chunk::<HEADER_LEN>() else {
        return;
    };
    let ours = Header::from_bytes(bytes);
    assert_eq!(&ours.to_bytes(), bytes);
    let theirs: bitcoin::block::Header = deserialize(bytes).unwrap();
    assert_eq!(theirs.block_hash().to_byte_array(), ours.hash().0);
    assert_eq!(theirs.bits.to_consensus(), ours.bits.0);
    assert_eq!(theirs.time, ours.time.0);
    assert_eq!(theirs.nonce, ours.nonce.0);
    let bip9 = ours.version.0 >> 29 == 1;
    let low = ours.version.0 & 0x1fff;
    assert_eq!(ours.version.is_allowed(), bip9 && low == 0);

    let Ok(target) = ours.bits.decode() else {
        return;
    };
    // Where a target is good by our rules, theirs is the same.
    assert_eq!(theirs.target().to_le_bytes(), target.to_le_bytes());
    let met = theirs.validate_pow(theirs.target()).is_ok();
    assert_eq!(target.is_met_by(ours.hash()), met);
    let job = Job::new(ours, target, NonceRange::FULL);
    assert_eq!(job.check(ours.nonce).is_some(), met);
}

/// A coinbase transaction; bytes after it are left alone.
pub fn coinbase(data: &[u8]) {
    let mut reader = Reader::new(data);
    let ours = metered(data.len(), || Coinbase::read(&mut reader));
    let theirs = deserialize_partial::<Transaction>(data).ok();
    let accepted = theirs
        .as_ref()
        .is_some_and(|(tx, len)| has_our_shape(tx) && serialize(tx) == data[..*len]);
    assert_eq!(ours.is_ok(), accepted, "{ours:?}");
    match (ours, theirs) {
        (Ok(ours), Some((theirs, len))) => {
            assert_eq!(reader.offset(), len);
            assert_eq!(ours.to_bytes(), data[..len]);
            assert_ne!(len, 64);
            assert_eq!(ours.txid().0, theirs.compute_txid().to_byte_array());
            for cut in [0, 1, len / 2, len - 1] {
                assert!(Coinbase::read(&mut Reader::new(&data[..cut])).is_err());
            }
        }
        (Err(error), _) => assert!(error.offset <= data.len(), "{error}"),
        (Ok(_), None) => unreachable!("both accept"),
    }
}

/// Whether a transaction is what the document describes under Coinbase.
pub(super) fn has_our_shape(tx: &Transaction) -> bool {
    let ([input], [output]) = (&tx.input[..], &tx.output[..]) else {
        return false;
    };
    let script = input.script_sig.as_bytes();
    let height = script.len().checked_sub(13).and_then(|push| {
        let push = &script[..push];
        heights(push).find(|height| Builder::new().push_int(*height).as_bytes() == push)
    });
    let Some(height) = height else {
        return false;
    };
    let extranonce = PushBytesBuf::try_from(script[script.len() - 12..].to_vec()).unwrap();
    let expected = Builder::new()
        .push_int(height)
        .push_slice(&extranonce)
        .into_script();
    let commitment = output.script_pubkey.as_bytes();
    tx.version == bitcoin::transaction::Version::ONE
        && tx.lock_time.to_consensus_u32() == 0
        && input.previous_output == OutPoint::null()
        && input.sequence == Sequence::MAX
        && input.witness.is_empty()
        && input.script_sig == expected
        && output.value == Amount::ZERO
        && commitment.len() == 34
        && commitment.starts_with(&[0x6a, 0x20])
}

/// The heights that a push may stand for, allowed or not.
fn heights(push: &[u8]) -> impl Iterator<Item = i64> {
    let number = push.get(1..).unwrap_or_default().iter().rev();
    let number = number.fold(0i64, |sum, byte| sum.wrapping_mul(256) + i64::from(*byte));
    (0..=16).chain((17..1 << 31).contains(&number).then_some(number))
}
