//! Collects what a proof needs while the blocks are read.

use super::request::{ProofRequest, ProofSubject, ProveError};
use crate::walk::WalkedBlock;
use pow_core::body::{Body, BodyKind, StepNumber};
use pow_core::chain::{VerifiedChain, block_leaf};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::proof::{
    BlockOpening, BlockProof, ConsistencyBuilder, EntryProof, InclusionBuilder, LeafIndex, Proof,
};
use std::cmp::Ordering;

/// Collects a proof. It keeps O(log n) hashes, the block that the proof is about, and the
/// newest block.
pub(super) struct Search<'a> {
    request: &'a ProofRequest,
    /// Hash of the newest block that is not after the wanted head.
    pub(super) head_hash: BlockHash,
    /// The checkpoints that are nearest to the wanted step.
    pub(super) checkpoints: NearestCheckpoints,
    head: Option<NewestBlock>,
    inclusion: InclusionBuilder,
    consistency: ConsistencyBuilder,
    subject: Option<ProvedSubject>,
}

/// The newest block. It is added to the trees when the next block comes.
struct NewestBlock {
    block: Vec<u8>,
    body: Body,
    hash: BlockHash,
    is_subject: bool,
}

/// The block that the proof is about.
struct ProvedSubject {
    opening: BlockOpening,
    height: Height,
    hash: BlockHash,
    entry: Option<EntryProof>,
}

/// The steps with a checkpoint that are nearest to a step, without that step itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NearestCheckpoints {
    pub(super) before: Option<StepNumber>,
    pub(super) after: Option<StepNumber>,
}

impl<'a> Search<'a> {
    pub(super) fn new(request: &'a ProofRequest) -> Self {
        Search {
            request,
            head_hash: BlockHash::ZERO,
            checkpoints: NearestCheckpoints::default(),
            head: None,
            inclusion: InclusionBuilder::new(),
            consistency: ConsistencyBuilder::new(),
            subject: None,
        }
    }

    /// Adds the next block.
    pub(super) fn block(&mut self, walked: &WalkedBlock<'_>) {
        let (body, hash) = (walked.block.body(), walked.block.hash());
        if let Some(step) = self.step() {
            self.checkpoints.note(body, step);
        }
        let height = body.common.height;
        if self.request.head.is_some_and(|head| height > head) {
            return;
        }
        if let Some(last) = self.head.take() {
            let leaf = block_leaf(last.hash);
            self.consistency.push(leaf);
            if last.is_subject {
                self.inclusion.push_chosen(leaf);
            } else {
                self.inclusion.push(leaf);
            }
        }
        let is_subject = self.is_subject(body, hash);
        if is_subject {
            self.consistency.choose();
            self.subject = Some(ProvedSubject {
                opening: BlockOpening::new(&walked.record.block, body),
                height,
                hash,
                entry: self
                    .step()
                    .and_then(|step| EntryProof::new(body, place(body, step)?)),
            });
        }
        self.head_hash = hash;
        self.head = Some(NewestBlock {
            block: walked.record.block.clone(),
            body: body.clone(),
            hash,
            is_subject,
        });
    }

    /// The proof, without a tensor.
    pub(super) fn finish(self, chain: &VerifiedChain) -> Result<Proof, ProveError> {
        let last = chain.height();
        let wanted = self.request.head.unwrap_or(last);
        let head = match self.head {
            Some(head) if head.body.common.height == wanted => head,
            _ => return Err(ProveError::NoBlock { wanted, last }),
        };
        let opening = BlockOpening::new(&head.block, &head.body);
        let Some(subject) = self.subject else {
            return Err(missing(&self.request.subject, chain, wanted));
        };
        let extends = matches!(self.request.subject, ProofSubject::Extends(_));
        if subject.height == wanted {
            if extends {
                return Err(ProveError::IsHead(subject.hash));
            }
            return Ok(Proof {
                head: opening,
                block: None,
                entry: subject.entry,
            });
        }
        let inclusion = self.inclusion.finish().map(|place| place.path);
        let consistency = self.consistency.finish().map(|(path, _)| path);
        Ok(Proof {
            head: opening,
            block: Some(BlockProof {
                opening: subject.opening,
                inclusion: inclusion.unwrap_or_default(),
                consistency: consistency.filter(|_| extends),
            }),
            entry: subject.entry,
        })
    }

    fn step(&self) -> Option<StepNumber> {
        match self.request.subject {
            ProofSubject::Step(step) | ProofSubject::Tensor { step, .. } => Some(step),
            ProofSubject::Block(_) | ProofSubject::Extends(_) => None,
        }
    }

    fn is_subject(&self, body: &Body, hash: BlockHash) -> bool {
        match self.request.subject {
            ProofSubject::Block(height) => body.common.height == height,
            ProofSubject::Extends(older) => hash == older,
            ProofSubject::Step(step) | ProofSubject::Tensor { step, .. } => {
                place(body, step).is_some()
            }
        }
    }
}

/// The place of a step's entry in a body.
fn place(body: &Body, step: StepNumber) -> Option<LeafIndex> {
    let BodyKind::Steps(entries) = &body.kind else {
        return None;
    };
    let at = entries
        .binary_search_by_key(&step, |entry| entry.step)
        .ok()?;
    Some(LeafIndex(at as u64))
}

fn missing(subject: &ProofSubject, chain: &VerifiedChain, head: Height) -> ProveError {
    match subject {
        ProofSubject::Block(wanted) if *wanted > chain.height() => ProveError::NoBlock {
            wanted: *wanted,
            last: chain.height(),
        },
        ProofSubject::Block(height) => ProveError::NotUpToHead {
            what: format!("block {height}"),
            head,
        },
        ProofSubject::Extends(hash) => ProveError::NotUpToHead {
            what: format!("block {hash}"),
            head,
        },
        ProofSubject::Step(step) | ProofSubject::Tensor { step, .. } => ProveError::NotUpToHead {
            what: format!("entry of step {step}"),
            head,
        },
    }
}

impl NearestCheckpoints {
    fn note(&mut self, body: &Body, wanted: StepNumber) {
        let BodyKind::Steps(entries) = &body.kind else {
            return;
        };
        for entry in entries.iter().filter(|entry| entry.rest.is_some()) {
            match entry.step.cmp(&wanted) {
                Ordering::Less => self.before = Some(entry.step),
                Ordering::Equal => {}
                Ordering::Greater => {
                    self.after.get_or_insert(entry.step);
                }
            }
        }
    }
}
