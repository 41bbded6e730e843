//! Proofs: the one form of their JSON, and that a trusted head proves nothing
//! but what its chain holds.

use super::json::Json;
use super::memory::metered;
use crate::chain_file::ChainFile;
use crate::fixture::{Fixture, Plan};
use crate::model::{SHAPES, parameters};
use pow_audit::proof::{ProofRequest, ProofSubject, proof_from_json, proof_to_json, prove};
use pow_core::block::Block;
use pow_core::body::{Body, BodyKind, StepNumber};
use pow_core::coinbase::Height;
use pow_core::hash::BlockHash;
use pow_core::proof::{LeafIndex, Proof, Proved, ProvedBlock, ProvedEntry};
use pow_core::tensor::{CHUNK_LEN, chunk_leaf};
use std::sync::LazyLock;

/// The JSON of a proof.
pub fn proof(data: &[u8]) {
    let proof = metered(data.len(), || proof_from_json(data));
    assert_eq!(proof.is_ok(), has_the_form(data), "{proof:?}");
    let Ok(proof) = proof else {
        return;
    };
    let json = proof_to_json(&proof).unwrap();
    assert_eq!(proof_from_json(json.as_bytes()).unwrap(), proof);

    let unanchored = metered(data.len(), || proof.verify_unanchored());
    for head in &RUN.hashes {
        let anchored = proof.verify(*head).ok();
        let own = unanchored.as_ref().ok().map(|proved| proved.get());
        let expected = own.filter(|proved| proved.head().hash() == *head);
        assert_eq!(anchored.as_ref(), expected);
        if let Some(proved) = anchored {
            RUN.has(&proved);
        }
    }
}

/// Whether a text is a proof by the tables of `docs/format.md`; what the fields
/// mean is not looked at.
fn has_the_form(data: &[u8]) -> bool {
    let Some(json) = Json::read(data) else {
        return false;
    };
    let fields = json.fields_of(["schema", "head"], ["block", "entry"]);
    let Some(([schema, head], [block, entry])) = fields else {
        return false;
    };
    schema.text() == Some("burn-pow/proof/v1")
        && has_head(head).is_some()
        && block.is_none_or(|block| has_block(block).is_some())
        && entry.is_none_or(|entry| has_entry(entry).is_some())
}

fn has_head(json: &Json) -> Option<()> {
    let [block, fixed, entries] = json.fields(["block", "fixed", "entries"])?;
    hex(block)?;
    hex(fixed)?;
    digest(entries)
}

fn has_block(json: &Json) -> Option<()> {
    let required = ["block", "fixed", "entries", "inclusion"];
    let ([block, fixed, entries, inclusion], [consistency]) =
        json.fields_of(required, ["consistency"])?;
    hex(block)?;
    hex(fixed)?;
    digest(entries)?;
    digests(inclusion)?;
    consistency.map_or(Some(()), digests)
}

fn has_entry(json: &Json) -> Option<()> {
    let ([entry, index, inclusion], [tensor]) =
        json.fields_of(["entry", "index", "inclusion"], ["tensor"])?;
    hex(entry)?;
    index.number()?;
    digests(inclusion)?;
    tensor.map_or(Some(()), has_tensor)
}

fn has_tensor(json: &Json) -> Option<()> {
    let required = [
        "path",
        "dtype",
        "dims",
        "data",
        "index",
        "count",
        "inclusion",
    ];
    let ([path, dtype, dims, data, index, count, inclusion], [chunk]) =
        json.fields_of(required, ["chunk"])?;
    path.text()?;
    super::tensors::named(dtype.text()?)?;
    dims.numbers()?;
    digest(data)?;
    index.number()?;
    count.number()?;
    digests(inclusion)?;
    chunk.map_or(Some(()), has_chunk)
}

fn has_chunk(json: &Json) -> Option<()> {
    let [index, leaf, inclusion] = json.fields(["index", "leaf", "inclusion"])?;
    index.number()?;
    digest(leaf)?;
    digests(inclusion)
}

fn hex(json: &Json) -> Option<usize> {
    let text = json.text()?;
    let lower = text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    (lower && text.len().is_multiple_of(2)).then_some(text.len() / 2)
}

fn digest(json: &Json) -> Option<()> {
    (hex(json)? == 32).then_some(())
}

fn digests(json: &Json) -> Option<()> {
    match json {
        Json::List(list) => list.iter().try_for_each(digest),
        _ => None,
    }
}

/// A run that everybody knows, recorded once.
static RUN: LazyLock<Run> = LazyLock::new(Run::record);

struct Run {
    hashes: Vec<BlockHash>,
    bodies: Vec<Body>,
    seed: u64,
    proofs: Vec<Proof>,
}

impl Run {
    fn record() -> Self {
        let plan = Plan::default();
        let fixture = Fixture::record(&plan);
        let records = ChainFile::read(&fixture.run.chain()).records;
        let hash = |block: &[u8]| Block::from_bytes(block).unwrap().header.hash();
        let hashes: Vec<BlockHash> = records.iter().map(|record| hash(&record.block)).collect();
        let tensor = |step, path: &str, chunk: Option<u64>| ProofSubject::Tensor {
            step: StepNumber(step),
            path: path.into(),
            chunk: chunk.map(LeafIndex),
        };
        let subjects = [
            (6, tensor(3, "embedding.weight", Some(1))),
            (6, tensor(0, "unused", None)),
            (4, ProofSubject::Step(StepNumber(4))),
            (6, ProofSubject::Block(Height::GENESIS)),
            (6, ProofSubject::Block(Height::new(6).unwrap())),
            (6, ProofSubject::Extends(hashes[3])),
            (5, ProofSubject::Extends(hashes[4])),
        ];
        let made = subjects.map(|(head, subject)| {
            let request = ProofRequest {
                head: Some(Height::new(head).unwrap()),
                subject,
            };
            prove(&fixture.run, &request, &mut |_| {}).unwrap().proof
        });
        Run {
            bodies: records
                .iter()
                .map(|record| Body::from_bytes(&record.body).unwrap())
                .collect(),
            hashes,
            seed: plan.seed,
            proofs: made.into(),
        }
    }

    /// All that is proved is so.
    fn has(&self, proved: &Proved) {
        self.has_block(proved.head());
        if let Some(block) = proved.block() {
            self.has_block(block);
            assert!(block.height() < proved.head().height());
        }
        if let Some(entry) = proved.entry() {
            self.has_entry(proved.subject(), entry);
        }
    }

    fn has_block(&self, block: &ProvedBlock) {
        let height = block.height().get() as usize;
        assert_eq!(block.hash(), self.hashes[height]);
        let body = &self.bodies[height];
        assert_eq!(block.fixed(), &body.fixed_part());
        assert_eq!(block.entries(), body.entries_root());
    }

    fn has_entry(&self, block: &ProvedBlock, proved: &ProvedEntry) {
        let BodyKind::Steps(entries) = &self.bodies[block.height().get() as usize].kind else {
            panic!("an entry of a {} block", block.fixed().kind().name());
        };
        let entry = &entries[proved.index().0 as usize];
        assert_eq!(proved.entry(), entry);
        let Some(proved) = proved.tensor() else {
            return;
        };
        let model = parameters(SHAPES, self.seed, entry.step.0);
        let tensor = model.iter().find(|tensor| tensor.path == proved.path());
        let tensor = tensor.expect("a tensor of the model");
        assert_eq!(proved.dtype(), tensor.dtype);
        assert_eq!(proved.dims(), tensor.dims);
        assert_eq!(proved.byte_len(), tensor.data.len() as u64);
        proved.check_value(&tensor.data).unwrap();
        if let Some(chunk) = proved.chunk() {
            let value = tensor.data.chunks(CHUNK_LEN).nth(chunk.index().0 as usize);
            assert_eq!(
                chunk.leaf(),
                &chunk_leaf(value.expect("a chunk of the tensor"))
            );
        }
    }
}

/// One proof of each kind, as JSON.
pub(super) fn seeds() -> Vec<String> {
    RUN.proofs
        .iter()
        .map(|proof| proof_to_json(proof).unwrap())
        .collect()
}
