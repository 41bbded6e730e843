//! Whole chain files, through the reader and the verifier.

use super::record::{fit_checksums, read};
use super::session::Session;
use pow_core::block::Block;
use pow_core::body::{Body, BodyKind};
use pow_core::chain::ChainVerifier;
use pow_core::hash::BlockHash;
use pow_core::header::{Header, HeaderTime, Nonce};

/// One byte of settings, then a chain file. Each bit that is 0 makes a part of
/// the file fit what comes before it, as a forger would. So a change reaches the
/// rules behind checksums, hashes and work.
pub fn chain_file(data: &[u8]) {
    let Some((settings, data)) = data.split_first() else {
        return;
    };
    let fit = Fit::new(*settings);
    let mut file = data.to_vec();
    if fit.checksums {
        fit_checksums(&mut file);
    }
    let mut session = Session::new();
    for (_, mut block, mut body) in read(&file).records {
        fit.record(&session.verifier, &mut block, &mut body);
        session.push(&block, &body);
    }
    session.finish();
}

struct Fit {
    checksums: bool,
    body: bool,
    commitments: bool,
    header: bool,
    work: bool,
}

impl Fit {
    fn new(settings: u8) -> Self {
        let fits = |bit: u8| settings >> bit & 1 == 0;
        Fit {
            checksums: fits(0),
            body: fits(1),
            commitments: fits(2),
            header: fits(3),
            work: fits(4),
        }
    }

    fn record(&self, verifier: &ChainVerifier, block: &mut Vec<u8>, body: &mut [u8]) {
        let height = verifier.chain().map_or(0, |chain| chain.height().get() + 1);
        if self.body && body.len() >= 55 {
            body[3..7].copy_from_slice(&height.to_le_bytes());
            body[23..55].copy_from_slice(&verifier.previous_blocks().0);
        }
        let (Ok(mut parsed), Ok(body)) = (Block::from_bytes(block), Body::from_bytes(body)) else {
            return;
        };
        if self.commitments {
            parsed.coinbase.commitment = body.commitment();
            parsed.coinbase.height = body.common.height;
            parsed.header.tx_root = parsed.coinbase.txid();
        }
        if self.header {
            fit_header(verifier, &mut parsed, &body);
        }
        if self.work {
            find_nonce(&mut parsed.header);
        }
        *block = parsed.to_bytes();
    }
}

fn fit_header(verifier: &ChainVerifier, block: &mut Block, body: &Body) {
    let header = &mut block.header;
    let found = body.common.parent_found;
    header.prev = verifier
        .chain()
        .map_or(BlockHash::ZERO, |chain| chain.head_hash());
    header.time = HeaderTime((body.common.start.0 / 1000) as u32);
    let ends = matches!(body.kind, BodyKind::Final(_));
    match (verifier.chain(), &body.kind) {
        (Some(chain), _) => header.bits = chain.required(found, ends).unwrap(),
        (None, BodyKind::Genesis(genesis)) => header.bits = genesis.difficulty.of_genesis(),
        (None, _) => {}
    }
}

/// A nonce that meets the target; false if an easy search finds none.
pub(super) fn find_nonce(header: &mut Header) -> bool {
    let Ok(target) = header.bits.decode() else {
        return false;
    };
    (0..256).map(Nonce).any(|nonce| {
        header.nonce = nonce;
        target.is_met_by(header.hash())
    })
}
