//! Checks a receipt, without the run.

use super::format::{Receipt, SectionKind};
use super::report::{ReceiptReport, Shown};
use super::signed;
use crate::anchor::StampDigest;
use crate::anchor::tsp::TrustedCertificates;
use crate::anchor::{BitcoinHeaders, sha256};
use crate::declaration::{Declaration, GivenDeclaration};
use crate::levels::{
    Dated, DeclaredVerdict, Done, NamedKeys, ReceiptReports, ReplayVerdict, SignatureCheck,
    SignatureVerdict, SignedChain, TimeCheck, by_receipt, judge_declared,
};
use crate::options::ReportSigners;
use crate::proof::proof_from_json;
use crate::replay::ReplayedChain;
use crate::report::Level;
use crate::signature::{Signature, SignerKey, StoredSignature};
use pow_core::body::{Body, BodyKind, FixedKind, Genesis};
use pow_core::coinbase::Height;
use pow_core::hash::{BlockHash, ParameterRoot};
use pow_core::proof::{Proof, Proved, ProvedBlock};
use pow_ledger::AnchorKind;
use std::collections::BTreeSet;
use std::num::NonZeroU32;

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
    /// The keys whose signatures over the chain count. Each must stand for the head.
    pub signed_by: Vec<SignerKey>,
    /// Keys whose signatures never count, also if they are named elsewhere.
    pub revoked: Vec<SignerKey>,
    /// The declaration as the verifier has it. Absent: the one in the receipt.
    pub declaration: Option<Declaration>,
    /// The keys that must have signed the declaration.
    pub declared_by: Vec<SignerKey>,
    /// More signatures over the declaration than the receipt has.
    pub declaration_signatures: Vec<Signature>,
    /// Who must have signed the replay reports. Absent: none of them counts, because a receipt
    /// may come from a stranger.
    pub report_signers: Option<ReportSigners>,
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

    let (mut blocks, mut hashes) = (Vec::new(), Vec::new());
    let mut know = |opening: &[u8], block: &ProvedBlock| {
        let digest = StampDigest::of_block(opening);
        blocks.extend(digest.map(|digest| (digest, block.height().get())));
        hashes.push((block.height(), block.hash()));
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
            SectionKind::Other(number) => {
                let len = section.bytes.len();
                not_read.push(format!(
                    "something of an unknown kind (section {number}, {len} bytes)"
                ));
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
    let chain = Ends {
        first,
        head: proved.head(),
        genesis: &genesis,
    };
    Ok(Shown {
        digest: sha256(bytes),
        signatures: chain.signatures(&receipt, &hashes, options)?,
        declared: chain.declared(&receipt, options)?,
        replay: chain.replay(&receipt, options)?,
        genesis,
        first: first.clone(),
        head: proved.head().clone(),
        time,
        not_read,
    })
}

/// The ends of the chain.
struct Ends<'a> {
    first: &'a ProvedBlock,
    head: &'a ProvedBlock,
    genesis: &'a Genesis,
}

impl Ends<'_> {
    fn signatures(
        &self,
        receipt: &Receipt,
        blocks: &[(Height, BlockHash)],
        options: &ReceiptOptions,
    ) -> Result<SignatureVerdict, String> {
        let sections = receipt.of_kind(SectionKind::Signature);
        let stored = sections.map(|bytes| {
            let (statement, signature) = in_section(16, signed::statement(bytes))?;
            Ok(StoredSignature::outside(signature, &statement))
        });
        let stored: Vec<StoredSignature> = stored.collect::<Result<_, String>>()?;
        let chain = SignedChain {
            genesis: self.first.hash(),
            head: self.head.height(),
            breaks: false,
            has_gaps: true,
        };
        let keys = NamedKeys {
            signed_by: &options.signed_by,
            revoked: &options.revoked,
        };
        let is_asked = !options.signed_by.is_empty() || options.require.contains(&Level::Signature);
        Ok(SignatureCheck::of(stored, blocks).judge_all(&chain, keys, is_asked))
    }

    fn declared(
        &self,
        receipt: &Receipt,
        options: &ReceiptOptions,
    ) -> Result<DeclaredVerdict, String> {
        let section = receipt.of_kind(SectionKind::Declaration).next();
        let section = section.map(|bytes| in_section(17, signed::declaration(bytes)));
        let (inside, mut signatures) = section.transpose()?.unzip();
        let of_receipt = signatures.take().unwrap_or_default();
        let declaration = options.declaration.clone().or(inside);
        let given = declaration.map(|declaration| GivenDeclaration {
            declaration,
            signatures: [of_receipt, options.declaration_signatures.clone()].concat(),
            declared_by: options.declared_by.clone(),
        });
        let done = Done {
            genesis: self.genesis,
            end: match self.head.fixed().kind() {
                FixedKind::Final(end) => Some(end),
                _ => None,
            },
        };
        let is_asked = given.is_some()
            || !options.declared_by.is_empty()
            || options.require.contains(&Level::Declared);
        Ok(judge_declared(
            &done,
            given.as_ref(),
            &options.revoked,
            is_asked,
        ))
    }

    fn replay(&self, receipt: &Receipt, options: &ReceiptOptions) -> Result<ReplayVerdict, String> {
        let (mut reports, mut signers) = (Vec::new(), options.report_signers.clone());
        let signers = signers.get_or_insert(ReportSigners {
            trusted: Vec::new(),
            signatures: Vec::new(),
            quorum: NonZeroU32::MIN,
            commitments: None,
        });
        for bytes in receipt.of_kind(SectionKind::ReplayReport) {
            let (report, signatures) = in_section(18, signed::report(bytes))?;
            reports.push(report);
            signers.signatures.extend(signatures);
        }
        let given = ReceiptReports {
            reports,
            signers,
            revoked: &options.revoked,
        };
        let chain = ReplayedChain {
            genesis: self.first.hash(),
            head: self.head.hash(),
            height: self.head.height(),
            finished: matches!(self.head.fixed().kind(), FixedKind::Final(_)),
        };
        by_receipt(given, &chain, self.genesis).map_err(|error| error.to_string())
    }
}

fn in_section<T>(kind: u16, read: Result<T, String>) -> Result<T, String> {
    read.map_err(|why| format!("a section of kind {kind}: {why}"))
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
