//! Checks a receipt, without the run.

use super::format::{Receipt, SectionKind};
use super::report::{ReceiptReport, Shown};
use crate::anchor::StampDigest;
use crate::anchor::tsp::TrustedCertificates;
use crate::anchor::{BitcoinHeaders, sha256};
use crate::levels::{Dated, TimeCheck};
use crate::proof::proof_from_json;
use crate::report::Level;
use pow_core::body::{Body, BodyKind, Genesis};
use pow_core::hash::{BlockHash, ParameterRoot};
use pow_core::proof::{Proof, Proved, ProvedBlock};
use pow_ledger::AnchorKind;
use std::collections::BTreeSet;

/// What the verifier knows, and what must hold.
#[derive(Clone, Debug, Default)]
pub struct ReceiptOptions {
    /// The hash that the genesis block must have.
    pub genesis: Option<BlockHash>,
    /// The hash that the last block must have.
    pub head: Option<BlockHash>,
    /// The parameter root of the model that the verifier has.
    pub model: Option<ParameterRoot>,
    /// Headers of Bitcoin's chain, from a source that the verifier trusts.
    pub bitcoin_headers: Option<BitcoinHeaders>,
    /// Certificates of TSAs, or of authorities above them, that the verifier trusts.
    pub trusted_tsas: TrustedCertificates,
    /// The levels that must hold. Whatever is required, none may fail.
    pub require: BTreeSet<Level>,
}

/// Checks the bytes of a receipt. What is wrong with it is a verdict of the report.
pub fn check_receipt(bytes: &[u8], options: &ReceiptOptions) -> ReceiptReport {
    match shown(bytes, options) {
        Ok(shown) => ReceiptReport::of(&shown, options),
        Err(failure) => ReceiptReport::failed(failure),
    }
}

fn shown(bytes: &[u8], options: &ReceiptOptions) -> Result<Shown, String> {
    let receipt = Receipt::parse(bytes).map_err(|error| error.to_string())?;
    let (proof, proved) = chain(&receipt)?;
    let first = proved.extended().unwrap_or(proved.head());
    let genesis = genesis(&receipt, first)?;

    let digest = |opening: &[u8]| StampDigest::of_block(opening);
    let mut blocks = Vec::new();
    let mut know = |opening: &[u8], block: &ProvedBlock| {
        blocks.extend(digest(opening).map(|digest| (digest, block.height().get())));
    };
    know(&proof.head.block, proved.head());
    if let Some(block) = &proof.block {
        know(&block.opening.block, first);
    }
    for bytes in receipt.of_kind(SectionKind::Block) {
        let other = proof_from_json(bytes).map_err(|error| error.to_string())?;
        let shown = other.verify(proved.head().hash());
        let shown = shown.map_err(|error| error.to_string())?;
        match (&other.block, shown.block()) {
            (Some(part), Some(block)) => know(&part.opening.block, block),
            _ => return Err("a proof of kind 3 is of no block before the head".into()),
        }
    }

    let mut anchors = Vec::new();
    let mut not_read = Vec::new();
    for section in receipt.sections() {
        match section.kind {
            SectionKind::OpenTimestamps => {
                anchors.push((AnchorKind::OpenTimestamps, section.bytes.clone()));
            }
            SectionKind::Rfc3161 => anchors.push((AnchorKind::Rfc3161, section.bytes.clone())),
            kind @ SectionKind::Other(number) => {
                let (words, len) = (kind.words(), section.bytes.len());
                not_read.push(format!("{words} (section {number}, {len} bytes)"));
            }
            _ => {}
        }
    }
    let dated = Dated {
        genesis: &genesis,
        head: proved.head().height().get(),
        started: first.fixed().common().start,
        last_start: proved.head().fixed().common().start,
        breaks: false,
    };
    let (headers, trusted) = (options.bitcoin_headers.as_ref(), &options.trusted_tsas);
    let time = TimeCheck::of(anchors, &blocks).judge(&dated, headers, trusted);
    Ok(Shown {
        digest: sha256(bytes),
        genesis,
        first: first.clone(),
        head: proved.head().clone(),
        time,
        not_read,
    })
}

/// The proof that the head extends genesis.
fn chain(receipt: &Receipt) -> Result<(Proof, Proved), String> {
    let bytes = receipt.of_kind(SectionKind::Chain).next();
    let proof = proof_from_json(bytes.unwrap_or_default()).map_err(|error| error.to_string())?;
    let proved = proof.verify_unanchored();
    let proved = proved.map_err(|error| error.to_string())?.get().clone();
    let is_alone = proved.head().height().get() == 0;
    match (proved.extended(), is_alone) {
        (Some(first), false) if first.height().get() == 0 => Ok((proof, proved)),
        (None, true) => Ok((proof, proved)),
        _ => Err("the proof of kind 1 does not show that the head extends block 0".into()),
    }
}

/// Genesis with its extensions, if they are those of the first block.
fn genesis(receipt: &Receipt, first: &ProvedBlock) -> Result<Genesis, String> {
    let bytes = receipt.of_kind(SectionKind::Genesis).next();
    let body = Body::from_bytes(bytes.unwrap_or_default())
        .map_err(|error| format!("the body of genesis: {error}"))?;
    let is_its = body.fixed_part().to_bytes() == first.fixed().to_bytes()
        && body.entries_root() == first.entries();
    match body.kind {
        BodyKind::Genesis(genesis) if is_its => Ok(*genesis),
        _ => Err("the body of genesis is not that of the first block".into()),
    }
}
