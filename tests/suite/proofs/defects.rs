//! Proofs that are put together well and still show nothing: each fails for its
//! own stated reason, here and in Python.

use super::cases::{Run, height, tensor};
use super::script::Batch;
use pow_audit::proof::{ProofSubject, proof_to_json};
use pow_core::block::{Block, Template};
use pow_core::body::{Body, BodyKind, Extension, FixedPart, StepNumber};
use pow_core::codec::DecodeErrorKind;
use pow_core::coinbase::ExtraNonce;
use pow_core::hash::{BlockHash, BodyCommitment, Tag};
use pow_core::merkle::{self, node};
use pow_core::proof::{
    BlockOpening, Defect, EntryProof, InclusionPath, LeafCount, LeafIndex, Part, PathError, Proof,
    ValueError, inclusion,
};
use pow_core::target::CompactTarget;
use pow_core::tensor::CHUNK_LEN;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{Fixture, Plan, mine};

tests! {
    each_names_its_part, only_a_pin_anchors, values_are_compared;
    Python: python_agrees
}

/// A bad proof, where it must fail, and Python's words for it.
struct Bad {
    proof: Proof,
    part: Part,
    defect: fn(&Defect) -> bool,
    words: &'static str,
}

/// Changes a good proof.
fn bad(
    good: &Proof,
    part: Part,
    defect: fn(&Defect) -> bool,
    words: &'static str,
    change: impl FnOnce(&mut Proof),
) -> Bad {
    let mut proof = good.clone();
    change(&mut proof);
    Bad {
        proof,
        part,
        defect,
        words,
    }
}

fn all() -> Vec<Bad> {
    let run = Run::new();
    [blocks(&run), extensions(&run), entries(&run), tensors(&run)]
        .into_iter()
        .flatten()
        .collect()
}

/// Mines a block of one's own over a body.
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
    let records = ChainFile::read(&run.fixture.run.chain()).records;
    Body::from_bytes(&records[at].body).unwrap()
}

fn edit_block(opening: &mut BlockOpening, edit: impl FnOnce(&mut Block)) {
    let mut block = Block::from_bytes(&opening.block).unwrap();
    edit(&mut block);
    opening.block = block.to_bytes();
}

fn blocks(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, ProofSubject::Block(height(2))).proof;
    let other = Fixture::record(&Plan {
        seed: 8,
        ..Plan::default()
    });
    let foreign = ChainFile::read(&other.run.chain()).records.remove(2);
    let foreign = BlockOpening::new(&foreign.block, &Body::from_bytes(&foreign.body).unwrap());
    let head = |defect, words, change: &dyn Fn(&mut BlockOpening)| {
        bad(&good, Part::Head, defect, words, |proof| {
            change(&mut proof.head);
        })
    };
    vec![
        head(|d| matches!(d, Defect::Block(_)), "bytes follow", &|head| {
            head.block.push(0);
        }),
        head(|d| matches!(d, Defect::Body(_)), "bytes follow", &|head| {
            head.fixed.push(0);
        }),
        head(
            |d| matches!(d, Defect::Version(1)),
            "header version",
            &|head| {
                edit_block(head, |block| block.header.version.0 = 1);
            },
        ),
        head(
            |d| matches!(d, Defect::TxRoot { .. }),
            "another transaction root",
            &|head| {
                edit_block(head, |block| {
                    block.coinbase.extranonce = ExtraNonce::new([1; 4], 0);
                });
            },
        ),
        head(
            |d| matches!(d, Defect::Commitment { .. }),
            "another body",
            &|head| {
                head.entries.0[0] ^= 1;
            },
        ),
        head(
            |d| matches!(d, Defect::Heights { .. }),
            "heights differ",
            &|head| {
                *head = forge(&body(run, 6), |template| template.height = height(5));
            },
        ),
        head(
            |d| matches!(d, Defect::Target(_)),
            "not canonical",
            &|head| {
                edit_block(head, |block| block.header.bits = CompactTarget(0x2100_7fff));
            },
        ),
        head(
            |d| matches!(d, Defect::Work { .. }),
            "misses the target",
            &|head| {
                edit_block(head, |block| block.header.bits = CompactTarget(0x0300_ffff));
            },
        ),
        bad(
            &good,
            Part::Block,
            is_root,
            "does not stand under",
            |proof| {
                proof.block.as_mut().unwrap().opening = foreign;
            },
        ),
        bad(
            &good,
            Part::Block,
            is_index,
            "leaf 2 of a tree of 1",
            |proof| {
                proof.head = run.prove(1, ProofSubject::Block(height(1))).proof.head;
            },
        ),
        bad(&good, Part::Block, is_length, "too short", |proof| {
            proof.block.as_mut().unwrap().inclusion.0.pop();
        }),
        bad(&good, Part::Block, is_length, "too long", |proof| {
            proof.block.as_mut().unwrap().inclusion.0.push([0; 32]);
        }),
    ]
}

fn is_root(defect: &Defect) -> bool {
    matches!(defect, Defect::Path(PathError::Root { .. }))
}

fn is_index(defect: &Defect) -> bool {
    matches!(defect, Defect::Path(PathError::Index { .. }))
}

fn is_length(defect: &Defect) -> bool {
    matches!(defect, Defect::Path(PathError::Length { .. }))
}

fn is_older_root(defect: &Defect) -> bool {
    matches!(defect, Defect::Path(PathError::OlderRoot { .. }))
}

fn extensions(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, ProofSubject::Extends(run.hashes[3])).proof;
    // A block whose tree has other blocks than the head's. Its hash is a leaf of
    // a head of the forger's own.
    let mut stray = body(run, 3);
    stray.common.previous_blocks.0[0] ^= 1;
    let stray = forge(&stray, |_| {});
    let stray_hash = Block::from_bytes(&stray.block).unwrap().header.hash();
    let leaves = [run.hashes[0], run.hashes[1], run.hashes[2], stray_hash];
    let leaves = leaves.map(pow_core::chain::block_leaf);
    let mut head = body(run, 4);
    head.common.previous_blocks = merkle::root(leaves);
    let head = forge(&head, |_| {});
    let consistency = run.prove(4, ProofSubject::Extends(run.hashes[3])).proof;
    vec![
        bad(
            &good,
            Part::Extension,
            is_older_root,
            "another older root",
            |proof| {
                *proof = consistency;
                let block = proof.block.as_mut().unwrap();
                proof.head = head;
                block.opening = stray;
                block.inclusion = inclusion(leaves, LeafIndex(3)).unwrap().path;
            },
        ),
        bad(&good, Part::Extension, is_length, "too short", |proof| {
            let path = proof.block.as_mut().unwrap().consistency.as_mut().unwrap();
            path.0.pop();
        }),
    ]
}

fn entries(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, ProofSubject::Step(StepNumber(5))).proof;
    let neighbour = run.prove(6, ProofSubject::Step(StepNumber(4))).proof;
    let (BodyKind::Genesis(genesis), extension) = (body(run, 0).kind, body(run, 0)) else {
        unreachable!("block 0 is genesis")
    };
    let Extension { kind, data } = &genesis.extensions[0];
    let len = (data.len() as u32).to_le_bytes();
    let extension_bytes = [&kind.to_le_bytes()[..], &len, data].concat();
    assert_eq!(
        Tag::Entry.hash(&extension_bytes),
        extension.entries_root().0
    );
    vec![
        bad(&good, Part::Entry, is_root, "another root", |proof| {
            proof.entry.as_mut().unwrap().index = LeafIndex(0);
        }),
        bad(&good, Part::Entry, is_root, "another root", |proof| {
            proof.entry.as_mut().unwrap().entry = neighbour.entry.unwrap().entry;
        }),
        bad(
            &good,
            Part::Entry,
            is_index,
            "leaf 2 of a tree of 2",
            |proof| {
                proof.entry.as_mut().unwrap().index = LeafIndex(2);
            },
        ),
        bad(
            &good,
            Part::Entry,
            |d| matches!(d, Defect::Entry(error) if matches!(error.kind, DecodeErrorKind::Trailing(1))),
            "bytes follow",
            |proof| proof.entry.as_mut().unwrap().entry.push(0),
        ),
        // An extension of genesis is an entry of a body, and no step.
        bad(
            &good,
            Part::Entry,
            |d| matches!(d, Defect::Kind("genesis")),
            "a genesis body has no steps",
            |proof| {
                *proof = run.prove(6, ProofSubject::Block(height(0))).proof;
                proof.entry = Some(EntryProof {
                    entry: extension_bytes,
                    index: LeafIndex(0),
                    inclusion: InclusionPath::default(),
                    tensor: None,
                });
            },
        ),
        // The same entry, said to stand in the head.
        bad(
            &good,
            Part::Entry,
            |d| matches!(d, Defect::Kind("final")),
            "a final body has no steps",
            |proof| proof.block = None,
        ),
    ]
}

fn tensors(run: &Run) -> Vec<Bad> {
    let good = run.prove(6, tensor(3, "embedding.weight", Some(0))).proof;
    let later = run.prove(6, tensor(6, "embedding.weight", Some(0))).proof;
    let is_parameters = |d: &Defect| matches!(d, Defect::Parameters { .. });
    vec![
        bad(
            &good,
            Part::Tensor,
            is_parameters,
            "another parameter root",
            |proof| {
                with_tensor(proof, |tensor| tensor.path.push('x'));
            },
        ),
        // A tensor of another step.
        bad(
            &good,
            Part::Tensor,
            is_parameters,
            "another parameter root",
            |proof| {
                proof.entry.as_mut().unwrap().tensor = later.entry.unwrap().tensor;
            },
        ),
        // One number of tensors has this shape of path as well; it is bound.
        bad(
            &good,
            Part::Tensor,
            is_parameters,
            "another parameter root",
            |proof| {
                with_tensor(proof, |tensor| {
                    assert_eq!((tensor.index, tensor.count), (LeafIndex(2), LeafCount(6)));
                    tensor.count = LeafCount(5);
                });
            },
        ),
        bad(
            &good,
            Part::Tensor,
            |d| matches!(d, Defect::Tensor(_)),
            "too many bytes",
            |proof| with_tensor(proof, |tensor| tensor.dims = vec![u64::MAX, 2, 0]),
        ),
        bad(
            &good,
            Part::Chunk,
            is_index,
            "leaf 2 of a tree of 2",
            |proof| {
                with_tensor(proof, |tensor| {
                    tensor.chunk.as_mut().unwrap().index = LeafIndex(2)
                });
            },
        ),
        // An inner node is no leaf: the byte length says how deep leaves lie.
        bad(&good, Part::Chunk, is_length, "too short", |proof| {
            with_tensor(proof, |tensor| {
                let chunk = tensor.chunk.as_mut().unwrap();
                chunk.leaf = node(&chunk.leaf, &chunk.inclusion.0[0]);
                assert_eq!(chunk.leaf, tensor.data.0);
                chunk.inclusion.0.clear();
            });
        }),
        bad(&good, Part::Chunk, is_root, "another data root", |proof| {
            with_tensor(proof, |tensor| {
                tensor.chunk.as_mut().unwrap().leaf[31] ^= 0x80
            });
        }),
    ]
}

fn with_tensor(proof: &mut Proof, change: impl FnOnce(&mut pow_core::proof::TensorProof)) {
    change(proof.entry.as_mut().unwrap().tensor.as_mut().unwrap());
}

fn each_names_its_part() {
    for Bad {
        proof,
        part,
        defect,
        words,
    } in all()
    {
        let error = proof.verify_unanchored().unwrap_err();
        assert_eq!(error.part, part, "{words}: {error}");
        assert!(defect(&error.defect), "{words}: {error}");
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

/// Anybody can mine a head of their own over the blocks of others.
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
    let fixed = FixedPart::of(&body);
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
