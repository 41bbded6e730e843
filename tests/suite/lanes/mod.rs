//! The hashing contract of `pow_core::tensor`, kept by every hasher.

mod files;

use crate::forall::forall;
use crate::requirements::{Requirement, Test};
use pow_audit::RunHasher;
use pow_core::hash::PlainSha2;
use pow_core::tensor::{
    CHUNK_BATCH, CHUNK_LEN, DType, TensorHasher, TensorInfo, TensorSet, data_root_with,
};
use pow_cpu::{Kernel, Lanes};
use pow_tests::oracle::{bytes, tagged, tree_root};
use proptest::prelude::*;

/// A test over any hasher.
type Case = (&'static str, fn(&dyn RunHasher));

/// A hasher: its name, what it needs, how it is made.
type Candidate = (
    &'static str,
    Option<Requirement>,
    fn() -> Box<dyn RunHasher>,
);

/// Lanes of a kernel that not every CPU has.
macro_rules! kernel {
    ($name:literal) => {
        ($name, Some(Requirement::Kernel($name)), || lanes($name))
    };
}

const HASHERS: [Candidate; 7] = [
    ("plain", None, || Box::new(PlainSha2)),
    ("fastest", None, || Box::new(Lanes::fastest())),
    kernel!("sha-ni-x3"),
    kernel!("sha-ni-x2"),
    kernel!("avx512"),
    kernel!("avx2"),
    ("portable", None, || lanes("portable")),
];

fn lanes(kernel: &str) -> Box<dyn RunHasher> {
    Box::new(Lanes::new(Kernel::named(kernel).unwrap()))
}

const CASES: [Case; 6] = [
    ("chunks_of_every_count", chunks),
    ("nodes_of_every_count", nodes),
    ("edges_of_lengths", edges),
    ("arbitrary_tensors", arbitrary),
    ("known_roots", known),
    ("files_and_verdicts", files::verdicts),
];

/// Every case over every hasher, and one over how often they are asked.
pub fn tests() -> Vec<Test> {
    let over = |(name, case): Case| {
        HASHERS.map(|(hasher, needs, make)| {
            let test = Test::new(format!("lanes/{hasher}/{name}"), move || {
                case(make().as_ref());
            });
            match needs {
                Some(requirement) => test.needs(requirement),
                None => test,
            }
        })
    };
    let count = Test::new("lanes/an_audit_asks_for_every_chunk", files::count);
    let cases = CASES.into_iter().flat_map(over);
    cases.chain([count]).collect()
}

/// What no hash is, to see that every place is written and no other one.
const UNTOUCHED: [u8; 32] = [0xee; 32];

fn chunks(hasher: &dyn RunHasher) {
    let data = bytes(1, CHUNK_BATCH * CHUNK_LEN);
    let (chunks, _) = data.as_chunks::<CHUNK_LEN>();
    let expected: Vec<_> = chunks.iter().map(|chunk| tagged("chunk", chunk)).collect();
    for count in 1..=CHUNK_BATCH {
        let mut found = [UNTOUCHED; CHUNK_BATCH];
        hasher.chunks(&chunks[..count], &mut found[..count]);
        assert_eq!(found[..count], expected[..count], "{count}");
        assert!(found[count..].iter().all(|leaf| *leaf == UNTOUCHED));
    }
}

fn nodes(hasher: &dyn RunHasher) {
    const PAIRS: usize = CHUNK_BATCH / 2;
    let data = bytes(2, PAIRS * 64);
    let (pairs, _) = data.as_chunks::<32>().0.as_chunks::<2>();
    let expected: Vec<_> = pairs
        .iter()
        .map(|pair| tagged("node", pair.as_flattened()))
        .collect();
    for count in 1..=PAIRS {
        let mut found = [UNTOUCHED; PAIRS];
        hasher.nodes(&pairs[..count], &mut found[..count]);
        assert_eq!(found[..count], expected[..count], "{count}");
        assert!(found[count..].iter().all(|node| *node == UNTOUCHED));
    }
}

/// Compares roots with the oracle's, of the data and of a model that has them
/// as its one tensor.
fn compare(hasher: &dyn TensorHasher, data: &[u8]) {
    let leaves: Vec<_> = data
        .chunks(CHUNK_LEN)
        .map(|chunk| tagged("chunk", chunk))
        .collect();
    let len = data.len();
    let root = data_root_with(data, hasher).0;
    assert_eq!(root, tree_root(&leaves), "{len} bytes");
    let info = TensorInfo {
        path: "w",
        dtype: DType::U8,
        dims: &[len as u64],
    };
    let [mut with, mut without] = [TensorSet::new(), TensorSet::new()];
    with.insert_with(&info, data, hasher).unwrap();
    without.insert(&info, data).unwrap();
    assert_eq!(with.root(), without.root(), "{len} bytes");
}

fn edges(hasher: &dyn RunHasher) {
    let data = bytes(3, (2 * CHUNK_BATCH + 2) * CHUNK_LEN);
    // Around each kernel's lanes, whole batches, and one chunk more.
    let counts = [0, 1, 2, 3, 8, 15, 16, 17, CHUNK_BATCH, 2 * CHUNK_BATCH];
    for len in counts.map(|count| count * CHUNK_LEN) {
        for len in [len.saturating_sub(1), len, len + 1, len + 63, len + 64] {
            // Not aligned to anything, and aligned to a block at best.
            for offset in [0, 1, 17, 64] {
                compare(hasher, &data[offset..offset + len]);
            }
        }
    }
}

fn arbitrary(hasher: &dyn RunHasher) {
    let data = bytes(4, 64 + 220 * CHUNK_LEN);
    let rest = prop_oneof![Just(0), 1..CHUNK_LEN];
    let places = (0..64usize, 0..219usize, rest, any::<u64>());
    forall(100, places, |(offset, chunks, rest, seed)| {
        let mut data = data[offset..offset + chunks * CHUNK_LEN + rest].to_vec();
        // Other bytes each time, in some one chunk.
        let at = seed as usize % data.len().max(1);
        let end = (at + CHUNK_LEN).min(data.len());
        data[at..end].copy_from_slice(&bytes(seed, end - at));
        compare(hasher, &data);
    });
}

/// Roots that Python's hashlib made, of the bytes `i * i / 7`.
fn known(hasher: &dyn RunHasher) {
    #[rustfmt::skip]
    let roots = [
        (0, "969e4d53d62c2c78a170a174e7b379a1cc3adba64212462e43b9d2cab6275220"),
        (1, "fe568df28883762b03246ea0633754c7a843eed744daded90efab87a801eefcb"),
        (4095, "895ece6a378378e6c57aa8f30012483e72f276d0a8edc7a75fac1669536d86a1"),
        (4096, "1d6421c3d03989f59dd942942837914ed1f6b6731f034e6bb218452c41bb2f07"),
        (4097, "2df5017f9f467bc492482ff1621091041b7fca05b9c8f3b81e9b2d090db93aed"),
        (196608, "4f26d7aecb59f8443e30e85d995da720eb91e6dd97d7116032fbae389f779f11"),
        (1000000, "07274da7fb17c880b730912170577e83e1e288ca618d415a3b55f3e9b301d4d8"),
    ];
    for (len, expected) in roots {
        let data: Vec<u8> = (0..len).map(|i: u64| (i * i / 7) as u8).collect();
        assert_eq!(data_root_with(&data, hasher).to_string(), expected, "{len}");
    }
}
