//! Makes a receipt from a run.

mod given;

pub use given::ReceiptExtras;

use super::format::{Receipt, ReceiptError, Section, SectionKind};
use super::signed::SignedText;
use crate::anchor::tsp::{MAX_TOKEN, TimestampToken};
use crate::anchor::{MAX_OTS, OtsProof, StampDigest};
use crate::proof::{
    ProofJsonError, ProofRequest, ProofSubject, ProveError, proof_to_json, prove_all,
};
use crate::signature::{Statement, StoredSignatures};
use crate::source::RunSource;
use crate::walk::{WalkProgress, walk};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::proof::Proof;
use pow_ledger::open::read_limited;
use pow_ledger::{AnchorFile, AnchorKind, LedgerError, RunFile};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

/// The most anchors that go into a receipt.
const MAX_ANCHORS: usize = 64;
/// The most signatures of the run that go into a receipt.
const MAX_SIGNATURES: usize = 64;

/// A receipt, and what of the run is not in it.
#[derive(Clone, Debug)]
pub struct MadeReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// Anchors and signatures that are not in it, each with the reason.
    pub left_out: Vec<String>,
}

/// Why a receipt could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeReceiptError {
    /// The chain does not hold, or could not be read.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The anchors could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A proof is too long.
    #[error(transparent)]
    Json(#[from] ProofJsonError),
    /// What was given beside the run does not belong to it.
    #[error("{0}")]
    Foreign(String),
    /// There is too much for one receipt.
    #[error(transparent)]
    Form(#[from] ReceiptError),
}

impl MakeReceiptError {
    /// Whether it speaks against the run, or against what was given beside it.
    pub fn is_verdict(&self) -> bool {
        match self {
            MakeReceiptError::Prove(error) => error.is_verdict(),
            MakeReceiptError::Foreign(_) => true,
            _ => false,
        }
    }
}

/// Verifies the run's chain, twice, and puts its first and last block, its anchors and its
/// signatures into a receipt. Calls `progress` after every block.
///
/// # Errors
///
/// [`MakeReceiptError`] if the chain does not hold, or something could not be read.
pub fn make_receipt(
    run: &dyn RunSource,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<MadeReceipt, MakeReceiptError> {
    make_receipt_with(run, &ReceiptExtras::default(), progress)
}

/// Like [`make_receipt`], with what lies outside of the run.
///
/// # Errors
///
/// As [`make_receipt`], and [`MakeReceiptError::Foreign`] if something does not belong to this
/// chain.
pub fn make_receipt_with(
    run: &dyn RunSource,
    extras: &ReceiptExtras,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<MadeReceipt, MakeReceiptError> {
    let (anchors, mut left_out) = anchors(run)?;
    let signatures = signatures(run, &mut left_out);
    let mut signed = BTreeMap::new();
    for signature in &signatures {
        signed.insert(signature.height, None);
    }
    let mut heights = HashMap::new();
    let wanted: BTreeSet<StampDigest> = anchors.iter().map(|anchor| anchor.digest).collect();
    let mut genesis = None;
    let end = walk(run, None, &mut |walked, at| {
        let digest = StampDigest::of_block(&walked.record.block);
        if let Some(digest) = digest.filter(|digest| wanted.contains(digest)) {
            heights.insert(digest, walked.chain.height());
        }
        if let Some(block) = signed.get_mut(&walked.chain.height()) {
            *block = Some(walked.chain.head_hash());
        }
        genesis.get_or_insert_with(|| (walked.block.hash(), walked.record.body.clone()));
        progress(at);
    })
    .map_err(ProveError::Run)?;
    let (Some(chain), None) = (&end.chain, end.failure()) else {
        let failure = end.failure().unwrap_or_else(|| "no block".into());
        return Err(ProveError::Chain(failure).into());
    };
    let (head, Some((genesis, body))) = (chain.height(), genesis) else {
        return Err(ProveError::Chain("no block".into()).into());
    };

    let first = match head.get() {
        0 => ProofSubject::Block(head),
        _ => ProofSubject::Extends(genesis),
    };
    let mut others = BTreeSet::new();
    let mut sections = vec![section(SectionKind::Genesis, body)];
    for (kind, bytes) in extras.sections(chain)? {
        sections.push(section(kind, bytes));
    }
    for anchor in anchors {
        let Some(height) = heights.get(&anchor.digest) else {
            let why = "it is over no block of this chain";
            left_out.push(format!("{}: {why}", anchor.file.path().display()));
            continue;
        };
        if *height != head && height.get() != 0 {
            others.insert(*height);
        }
        sections.push(section(anchor.kind, anchor.bytes));
    }
    for signature in signatures {
        let at = signature.height;
        let is_here = signature.genesis == genesis
            && signed.get(&at).copied().flatten() == Some(signature.hash);
        if !is_here {
            let why = "it is over no block of this chain";
            left_out.push(format!("{}: {why}", signature.path.display()));
            continue;
        }
        if at != head && at.get() != 0 {
            others.insert(at);
        }
        sections.push(section(
            SectionKind::Signature,
            signature.section.to_bytes(),
        ));
    }
    let subjects = others.into_iter().map(ProofSubject::Block);
    let requests: Vec<ProofRequest> = std::iter::once(first)
        .chain(subjects)
        .map(|subject| ProofRequest {
            head: Some(head),
            subject,
        })
        .collect();
    let proofs = prove_all(run, &requests, progress)?;
    for (at, proof) in proofs.iter().enumerate() {
        let kind = match at {
            0 => SectionKind::Chain,
            _ => SectionKind::Block,
        };
        sections.push(section(kind, json(proof)?));
    }
    Ok(MadeReceipt {
        receipt: Receipt::new(sections)?,
        left_out,
    })
}

/// An anchor of the run in its format.
struct ReadAnchor {
    file: AnchorFile,
    kind: SectionKind,
    digest: StampDigest,
    bytes: Vec<u8>,
}

/// The anchors that can be read, and why others are left out.
fn anchors(run: &dyn RunSource) -> Result<(Vec<ReadAnchor>, Vec<String>), LedgerError> {
    let (mut found, mut left_out) = (Vec::new(), Vec::new());
    for file in run.anchors()? {
        let path = file.path();
        let read = || match found.len() < MAX_ANCHORS {
            true => read(run, file),
            false => Err(format!("a receipt has at most {MAX_ANCHORS} anchors")),
        };
        match read() {
            Ok(anchor) => found.push(anchor),
            Err(why) => left_out.push(format!("{}: {why}", path.display())),
        }
    }
    Ok((found, left_out))
}

fn read(run: &dyn RunSource, file: AnchorFile) -> Result<ReadAnchor, String> {
    let (kind, limit) = match file.kind {
        AnchorKind::OpenTimestamps => (SectionKind::OpenTimestamps, MAX_OTS),
        AnchorKind::Rfc3161 => (SectionKind::Rfc3161, MAX_TOKEN),
        _ => return Err("of an unknown kind".into()),
    };
    let opened = run.open(RunFile::Anchor(file));
    let bytes = opened.and_then(|open| read_limited(open.bytes, &file.path(), limit as u64));
    let bytes = bytes.map_err(|error| error.to_string())?;
    if AnchorFile::of(file.kind, &bytes) != file {
        return Err("its bytes are not those that its name says".into());
    }
    let digest = match kind {
        SectionKind::Rfc3161 => TimestampToken::parse(&bytes)
            .map(|token| token.digest)
            .map_err(|error| error.to_string())?,
        _ => OtsProof::parse(&bytes)
            .map(|proof| proof.digest)
            .map_err(|error| error.to_string())?,
    };
    Ok(ReadAnchor {
        file,
        kind,
        digest,
        bytes,
    })
}

/// A signature of the run in its format, with its statement.
struct ReadSignature {
    path: PathBuf,
    genesis: BlockHash,
    height: Height,
    hash: BlockHash,
    section: SignedText,
}

/// The signatures over genesis and heads. What is not one is left out, with the reason.
fn signatures(run: &dyn RunSource, left_out: &mut Vec<String>) -> Vec<ReadSignature> {
    let stored = StoredSignatures::read(run);
    left_out.extend(stored.not_read);
    let mut found = Vec::new();
    for signature in stored.signatures {
        let path = signature.file.path();
        let mut leave_out = |why: &str| left_out.push(format!("{}: {why}", path.display()));
        let statement = match signature.read {
            Ok((_, statement)) => statement,
            Err(fault) => {
                leave_out(&fault.words);
                continue;
            }
        };
        let (genesis, height, hash) = match statement {
            Statement::Genesis { genesis } => (genesis, Height::GENESIS, genesis),
            Statement::Head {
                genesis,
                height,
                hash,
            } => (genesis, height, hash),
            Statement::ReplayReport { .. } => {
                leave_out("it is over a replay report, which does not lie in a run");
                continue;
            }
        };
        if found.len() == MAX_SIGNATURES {
            leave_out(&format!(
                "a receipt has at most {MAX_SIGNATURES} signatures"
            ));
            continue;
        }
        found.push(ReadSignature {
            path,
            genesis,
            height,
            hash,
            section: SignedText {
                text: statement.to_string().into_bytes(),
                signatures: vec![signature.bytes],
            },
        });
    }
    found
}

fn section(kind: SectionKind, bytes: Vec<u8>) -> Section {
    Section { kind, bytes }
}

fn json(proof: &Proof) -> Result<Vec<u8>, ProofJsonError> {
    proof_to_json(proof).map(String::into_bytes)
}
