//! Proofs that are well formed and still show nothing. Each fails for its stated
//! reason, here and in Python.

use super::cases::{Run, height, tensor};
use super::script::Batch;
use pow_audit::proof::{CheckOptions, ProofSubject, check_proof_of, proof_to_json};
use pow_audit::source::OpenFile;
use pow_core::block::{Block, Template};
use pow_core::body::{Body, BodyKind, Extension, StepNumber};
use pow_core::codec::DecodeErrorKind;
use pow_core::coinbase::ExtraNonce;
use pow_core::hash::{BlockHash, BodyCommitment, Tag};
use pow_core::merkle::{self, node};
use pow_core::proof::{
    BlockOpening, BlockProof, ChunkProof, EntryProof, InclusionPath, LeafCount, LeafIndex,
    PathError, Proof, ProofDefect as Defect, ProofPart as Part, TensorProof, ValueError, inclusion,
};
use pow_core::target::CompactTarget;
use pow_core::tensor::CHUNK_LEN;
use pow_tests::fixture::{Fixture, mine};

tests! {
    each_names_its_part, only_a_pin_anchors, values_are_compared, values_are_compared_as_they_come;
    Python: python_agrees
}

/// A bad proof, where it must fail, and Python's words for it.
struct Bad {
    proof: Proof,
    part: Part,
    defect: fn(&Defect) -> bool,
    words: &'static str,
}

/// A test of a [`Defect`]'s kind.
macro_rules! is {
    ($($kind:tt)+) => {
        |defect| matches!(defect, Defect::$($kind)+)
    };
}

impl Bad {
    /// A good proof, changed.
    fn new(
        good: &Proof,
        part: Part,
        defect: fn(&Defect) -> bool,
        words: &'static str,
        change: impl FnOnce(&mut Proof),
    ) -> Self {
        let mut proof = good.clone();
        change(&mut proof);
        Bad {
            proof,
            part,
            defect,
            words,
        }
    }
}

fn all() -> Vec<Bad> {
    let run = Run::new();
    [
        heads(&run),
        blocks(&run),
        extensions(&run),
        entries(&run),
        tensors(&run),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Mines a block over a body, edited.
fn forge(body: &Body, edit: impl FnOnce(&mut Template)) -> BlockOpening {
    let mut template = Template {
        height: body.common.height,
        prev: BlockHash::ZERO,
        time: pow_core::header::HeaderTime(0),
        bits: CompactTarget(0x207f_ffff),
        commitment: body.commitment(),
    };
    edit(&mut template);
    BlockOpening::new(&mine(&template).to_bytes(), body)
}

fn body(run: &Run, at: usize) -> Body {
    Body::from_bytes(&run.fixture.file().records[at].body).unwrap()
}

fn heads(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, ProofSubject::Block(height(2))).proof;
    let head = |defect, words, change: &dyn Fn(&mut BlockOpening)| {
        Bad::new(&good, Part::Head, defect, words, |proof| {
            change(&mut proof.head)
        })
    };
    let block = |defect, words, change: fn(&mut Block)| {
        head(defect, words, &|head| {
            let mut block = Block::from_bytes(&head.block).unwrap();
            change(&mut block);
            head.block = block.to_bytes();
        })
    };
    let other_height = forge(&body(run, 6), |template| template.height = height(5));
    vec![
        head(is!(Block(_)), "bytes follow", &|head| head.block.push(0)),
        head(is!(Body(_)), "bytes follow", &|head| head.fixed.push(0)),
        block(is!(Version(1)), "header version", |block| {
            block.header.version.0 = 1
        }),
        block(is!(TxRoot { .. }), "another transaction root", |block| {
            block.coinbase.extranonce = ExtraNonce::new([1; 4], 0);
        }),
        head(is!(Commitment { .. }), "another body", &|head| {
            head.entries.0[0] ^= 1
        }),
        head(is!(Heights { .. }), "heights differ", &|head| {
            *head = other_height.clone()
        }),
        block(is!(Target(_)), "not canonical", |block| {
            block.header.bits = CompactTarget(0x2100_7fff);
        }),
        block(is!(Work { .. }), "misses the target", |block| {
            block.header.bits = CompactTarget(0x0300_ffff);
        }),
    ]
}

fn blocks(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, ProofSubject::Block(height(2))).proof;
    let foreign = Fixture::other().file().records.remove(2);
    let foreign = BlockOpening::new(&foreign.block, &Body::from_bytes(&foreign.body).unwrap());
    let early = run.prove(1, ProofSubject::Block(height(1))).proof.head;
    let block = |defect, words, change: &dyn Fn(&mut BlockProof)| {
        Bad::new(&good, Part::Block, defect, words, |proof| {
            change(proof.block.as_mut().unwrap());
        })
    };
    vec![
        block(IS_ROOT, "does not stand under", &|block| {
            block.opening = foreign.clone()
        }),
        Bad::new(
            &good,
            Part::Block,
            IS_INDEX,
            "leaf 2 of a tree of 1",
            |proof| {
                proof.head = early;
            },
        ),
        block(IS_LENGTH, "too short", &|block| {
            block.inclusion.0.truncate(block.inclusion.0.len() - 1)
        }),
        block(IS_LENGTH, "too long", &|block| {
            block.inclusion.0.push([0; 32])
        }),
    ]
}

const IS_ROOT: fn(&Defect) -> bool = is!(Path(PathError::Root { .. }));
const IS_INDEX: fn(&Defect) -> bool = is!(Path(PathError::Index { .. }));
const IS_LENGTH: fn(&Defect) -> bool = is!(Path(PathError::Length { .. }));

fn extensions(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, ProofSubject::Extends(run.hashes[3])).proof;
    // A block whose tree has other blocks than the head's. Its hash is a leaf of
    // a head that the forger made.
    let mut stray = body(run, 3);
    stray.common.previous_blocks.0[0] ^= 1;
    let stray = forge(&stray, |_| {});
    let stray_hash = Block::from_bytes(&stray.block).unwrap().header.hash();
    let leaves = [run.hashes[0], run.hashes[1], run.hashes[2], stray_hash];
    let leaves = leaves.map(pow_core::chain::block_leaf);
    let mut head = body(run, 4);
    head.common.previous_blocks = merkle::root(leaves);
    let mut forged = run.prove(4, ProofSubject::Extends(run.hashes[3])).proof;
    forged.head = forge(&head, |_| {});
    let block = forged.block.as_mut().unwrap();
    block.opening = stray;
    block.inclusion = inclusion(leaves, LeafIndex(3)).unwrap().path;
    let is_older_root: fn(&Defect) -> bool = is!(Path(PathError::OlderRoot { .. }));
    vec![
        Bad::new(
            &forged,
            Part::Extension,
            is_older_root,
            "another older root",
            |_| {},
        ),
        Bad::new(&good, Part::Extension, IS_LENGTH, "too short", |proof| {
            let path = proof.block.as_mut().unwrap().consistency.as_mut().unwrap();
            path.0.pop();
        }),
    ]
}

fn entries(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, ProofSubject::Step(StepNumber(5))).proof;
    let neighbour = run.prove(6, ProofSubject::Step(StepNumber(4))).proof;
    let neighbour = neighbour.entry.unwrap().entry;
    let genesis = body(run, 0);
    let root = genesis.entries_root();
    let BodyKind::Genesis(genesis) = genesis.kind else {
        unreachable!("block 0 is genesis")
    };
    let Extension { kind, data } = &genesis.extensions[0];
    let len = (data.len() as u32).to_le_bytes();
    let extension = [&kind.to_le_bytes()[..], &len, data].concat();
    assert_eq!(Tag::Entry.hash(&extension), root.0);
    // An extension of genesis is an entry of a body, and no step.
    let mut no_step = run.prove(6, ProofSubject::Block(height(0))).proof;
    no_step.entry = Some(EntryProof {
        entry: extension,
        index: LeafIndex(0),
        inclusion: InclusionPath::default(),
        tensor: None,
    });
    let trailing: fn(&Defect) -> bool =
        |d| matches!(d, Defect::Entry(error) if error.kind == DecodeErrorKind::Trailing(1));
    let entry = |defect, words, change: &dyn Fn(&mut EntryProof)| {
        Bad::new(&good, Part::Entry, defect, words, |proof| {
            change(proof.entry.as_mut().unwrap());
        })
    };
    vec![
        entry(IS_ROOT, "another root", &|entry| entry.index = LeafIndex(0)),
        entry(IS_ROOT, "another root", &|entry| {
            entry.entry = neighbour.clone()
        }),
        entry(IS_INDEX, "leaf 2 of a tree of 2", &|entry| {
            entry.index = LeafIndex(2)
        }),
        entry(trailing, "bytes follow", &|entry| entry.entry.push(0)),
        Bad::new(
            &no_step,
            Part::Entry,
            is!(Kind("genesis")),
            "a genesis body has no steps",
            |_| {},
        ),
        // The same entry, claimed to be in the head.
        Bad::new(
            &good,
            Part::Entry,
            is!(Kind("final")),
            "a final body has no steps",
            |proof| {
                proof.block = None;
            },
        ),
    ]
}

fn tensors(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, tensor(3, "embedding.weight", Some(0))).proof;
    let later = run.prove(6, tensor(6, "embedding.weight", Some(0))).proof;
    let later = later.entry.unwrap().tensor.unwrap();
    let bad = |part, defect, words, change: &dyn Fn(&mut TensorProof)| {
        Bad::new(&good, part, defect, words, |proof| {
            change(proof.entry.as_mut().unwrap().tensor.as_mut().unwrap());
        })
    };
    let parameters = |change: &dyn Fn(&mut TensorProof)| {
        bad(
            Part::Tensor,
            is!(Parameters { .. }),
            "another parameter root",
            change,
        )
    };
    let chunk = |defect, words, change: &dyn Fn(&mut ChunkProof)| {
        bad(Part::Chunk, defect, words, &|tensor| {
            change(tensor.chunk.as_mut().unwrap())
        })
    };
    vec![
        parameters(&|tensor| tensor.path.push('x')),
        // A tensor of another step.
        parameters(&|tensor| *tensor = later.clone()),
        // One number of tensors has this shape of path as well; it is bound.
        parameters(&|tensor| {
            assert_eq!((tensor.index, tensor.count), (LeafIndex(2), LeafCount(6)));
            tensor.count = LeafCount(5);
        }),
        bad(Part::Tensor, is!(Tensor(_)), "too many bytes", &|tensor| {
            tensor.dims = vec![u64::MAX, 2, 0];
        }),
        chunk(IS_INDEX, "leaf 2 of a tree of 2", &|chunk| {
            chunk.index = LeafIndex(2)
        }),
        // An inner node is no leaf: the byte length says how deep leaves lie.
        bad(Part::Chunk, IS_LENGTH, "too short", &|tensor| {
            let chunk = tensor.chunk.as_mut().unwrap();
            chunk.leaf = node(&chunk.leaf, &chunk.inclusion.0[0]);
            assert_eq!(chunk.leaf, tensor.data.0);
            chunk.inclusion.0.clear();
        }),
        chunk(IS_ROOT, "another data root", &|chunk| {
            chunk.leaf[31] ^= 0x80
        }),
    ]
}

fn each_names_its_part() {
    for bad in all() {
        let error = bad.proof.verify_unanchored().unwrap_err();
        assert_eq!(error.part, bad.part, "{}: {error}", bad.words);
        assert!((bad.defect)(&error.defect), "{}: {error}", bad.words);
    }
}

fn python_agrees() {
    let mut batch = Batch::new();
    let all = all();
    for bad in &all {
        batch.add(proof_to_json(&bad.proof).unwrap().as_bytes());
    }
    for (bad, verdict) in all.iter().zip(batch.verdicts(&[])) {
        let part = format!("DOES NOT HOLD: {}: ", bad.part);
        assert!(verdict.starts_with(&part), "{part}{}: {verdict}", bad.words);
        assert!(verdict.contains(bad.words), "{}: {verdict}", bad.words);
    }
}

/// Anybody can mine another head over the blocks of others.
fn only_a_pin_anchors() {
    let run = Run::new();
    let good = run.prove(6, ProofSubject::Extends(run.hashes[0])).proof;
    let mut proof = good.clone();
    proof.head = forge(&body(&run, 6), |_| {});
    let forged = proof.verify_unanchored().unwrap();
    assert_ne!(forged.get().head().hash(), run.hashes[6]);
    assert!(forged.get().extended().is_some());

    let head = proof.verify(run.hashes[6]).unwrap_err();
    assert_eq!(head.part, Part::Head);
    assert!(matches!(head.defect, Defect::NotTrusted { .. }), "{head}");
    // Genesis is the true one: that alone says nothing of the head.
    assert!(proof.verify_extension(run.hashes[0]).is_ok());
    let older = proof.verify_extension(run.hashes[1]).unwrap_err();
    assert_eq!(older.part, Part::Block);
    assert!(matches!(older.defect, Defect::NotTrusted { .. }), "{older}");

    let proved = good.verify(run.hashes[6]).unwrap();
    assert_eq!(proved.extended().unwrap().hash(), run.hashes[0]);
    assert_eq!(proved.block(), proved.extended());
    assert_eq!(proved.head().work().to_string(), "65537");
    // A block under the head is not yet one that the head extends.
    let block = run.prove(6, ProofSubject::Block(height(0))).proof;
    assert!(block.verify(run.hashes[6]).unwrap().extended().is_none());
    let missing = block.verify_extension(run.hashes[0]).unwrap_err();
    assert_eq!(
        (missing.part, missing.defect),
        (Part::Extension, Defect::Missing)
    );
    // The commitment is what ties a body to its block.
    let body = body(&run, 6);
    let fixed = body.fixed_part();
    assert_eq!(fixed.commitment(body.entries_root()), body.commitment());
    assert_ne!(
        fixed.commitment(body.entries_root()),
        BodyCommitment([0; 32])
    );
}

fn values_are_compared() {
    let run = Run::new();
    let proved = |subject| {
        let made = run.prove(6, subject);
        (
            made.proof.verify(run.hashes[6]).unwrap(),
            made.value.unwrap(),
        )
    };
    let (whole, bytes) = proved(tensor(3, "embedding.weight", None));
    let tensor_of = whole.entry().unwrap().tensor().unwrap();
    assert_eq!(bytes.len(), 5280);
    assert_eq!(tensor_of.check_value(&bytes), Ok(()));
    let length = |found, expected| Err(ValueError::Length { found, expected });
    assert_eq!(tensor_of.check_value(&bytes[1..]), length(5279, 5280));
    let mut other = bytes.clone();
    other[5000] ^= 1;
    assert_eq!(tensor_of.check_value(&other), Err(ValueError::Bytes));

    for (index, piece) in bytes.chunks(CHUNK_LEN).enumerate() {
        let (proved, value) = proved(tensor(3, "embedding.weight", Some(index as u64)));
        let chunk = *proved.entry().unwrap().tensor().unwrap().chunk().unwrap();
        assert_eq!(value, piece);
        assert_eq!(chunk.offset(), (index * CHUNK_LEN) as u64);
        assert_eq!(chunk.byte_len(), piece.len() as u64);
        assert_eq!(chunk.check_value(piece), Ok(()));
        assert_eq!(chunk.check_value(&bytes), length(5280, piece.len() as u64));
        let zeros = vec![0; piece.len()];
        assert_eq!(chunk.check_value(&zeros), Err(ValueError::Bytes));
    }
}

/// A value may come from a pipe, whose length nobody knows before.
fn values_are_compared_as_they_come() {
    let run = Run::new();
    for (chunk, len) in [(None, 5280), (Some(0), 4096), (Some(1), 1184)] {
        let made = run.prove(6, tensor(3, "embedding.weight", chunk));
        let (json, good) = (proof_to_json(&made.proof).unwrap(), made.value.unwrap());
        assert_eq!(good.len(), len);
        let told = |value: &[u8], len: Option<usize>| {
            let value = OpenFile {
                bytes: Box::new(value),
                len: len.map(|len| len as u64),
            };
            let options = CheckOptions::default();
            let report = check_proof_of(json.as_bytes(), &options, value).unwrap();
            report.to_string()
        };
        let longer = [&good[..], &[0; 9]].concat();
        let has =
            |found: usize| format!("value: the value has {found} bytes, the proof is of {len}");
        let more = format!("value: the value has more bytes than the {len} of the proof");
        for (value, known, unknown) in [
            (
                &good[..],
                "the bytes given are those proved",
                "the bytes given are those proved",
            ),
            (&good[1..], &has(len - 1), &has(len - 1)),
            (&longer, &has(len + 9), &more),
        ] {
            for (len, words) in [(Some(value.len()), known), (None, unknown)] {
                let told = told(value, len);
                assert!(told.contains(words), "{words:?} is not in\n{told}");
            }
        }
    }
}
