//! The example as the document shows it: every digest on the way, then the
//! file.

use super::bytes::{Fields, LINE};
use super::example::{
    CONFIG, Example, ITEMS, SEED, WEIGHTS, dataset, entries, parameters, rest, schedule, weights,
};
use super::exports;
use pow_core::body::BodyKind;
use pow_core::chain::block_leaf;
use pow_core::hash::{FileDigest, Tag};
use pow_core::merkle;
use pow_core::order::device_seed;
use pow_core::state::state_root;
use pow_core::tensor::{TensorSet, chunk_leaf, tensor_leaf};
use pow_tests::oracle::hex;
use sha2::{Digest, Sha256};

/// Everything between the document's markers.
pub fn render(example: &Example) -> String {
    [
        "\n### Tensors and states\n\n".to_owned(),
        tensors(),
        "\n### Dataset, order and seed\n\n".into(),
        order(),
        "\n### Blocks\n\n".into(),
        blocks(example),
        "\n### The file\n\nOffset, bytes and meaning of all of `chain.pow`:\n\n".into(),
        example.file().dump(),
        "\n### Export of step 1\n\n".into(),
        "Offset, bytes and meaning of its [OpenTimestamps proof](#ots-proofs):\n\n".into(),
        exports::ots(example).dump(),
        "\n".into(),
    ]
    .concat()
}

/// A code block of names and values.
#[derive(Default)]
struct Values(String);

impl Values {
    fn value(&mut self, name: &str, value: impl AsRef<[u8]>) -> &mut Self {
        for (i, line) in value.as_ref().chunks(LINE).enumerate() {
            let name = if i == 0 { name } else { "" };
            self.0 += &format!("{name:<30}  {}\n", hex(line));
        }
        self
    }

    fn block(&self) -> String {
        format!("```text\n{}```\n", self.0)
    }
}

fn tensors() -> String {
    let mut leaf = Fields::new();
    let data = weights(0);
    leaf.text("path", WEIGHTS.path)
        .text("dtype", WEIGHTS.dtype.name())
        .field("rank", 1u32.to_le_bytes())
        .field("dim 0", 2u64.to_le_bytes())
        .field("byte length", 8u64.to_le_bytes())
        .field("data root", chunk_leaf(&data));
    let first = tensor_leaf(&WEIGHTS, &data).unwrap();
    assert_eq!(Tag::Tensor.hash(&leaf.bytes()), first);

    let mut values = Values::default();
    let tag = Sha256::digest("burn-pow/v1/chunk");
    values
        .value("SHA256(\"burn-pow/v1/chunk\")", tag)
        .value("data of w at step 0", &data)
        .value("its chunk leaf = data root", chunk_leaf(&data))
        .value("its tensor leaf", first)
        .value("parameter root, step 0", parameters(0).0)
        .value("data of w at step 1", weights(1))
        .value("its chunk leaf = data root", chunk_leaf(&weights(1)))
        .value(
            "its tensor leaf",
            tensor_leaf(&WEIGHTS, &weights(1)).unwrap(),
        )
        .value("parameter root, step 1", parameters(1).0)
        .value("root of an empty tree", merkle::root([]).0)
        .value("root of no tensors", TensorSet::new().root().0)
        .value("rest root, step 0", rest().root().0)
        .value(
            "state root, step 0",
            state_root(parameters(0), rest().root()).0,
        );
    format!(
        "What the leaf of tensor `w` at step 0 is the tagged hash of:\n\n{}\n{}",
        leaf.dump(),
        values.block()
    )
}

fn order() -> String {
    let mut values = Values::default();
    let leaves = ITEMS.map(|item| Tag::Item.hash(item.as_bytes()));
    for (item, leaf) in ITEMS.iter().zip(leaves) {
        values.value(&format!("item leaf of {item:?}"), leaf);
    }
    values
        .value("tree root over the items", merkle::root(leaves).0)
        .value("dataset root", dataset().0);
    for index in 0..ITEMS.len() as u32 {
        let digest = Tag::Order
            .hasher()
            .chain(&dataset().0)
            .chain(&SEED.to_le_bytes())
            .chain(&0u64.to_le_bytes())
            .chain(&index.to_le_bytes())
            .finish();
        values.value(&format!("sort key, epoch 0, sample {index}"), &digest[..8]);
    }
    let mut schedule = schedule();
    let batch = schedule.micro_batch(0, 0).to_vec();
    let mut input = Fields::new();
    input.field("", 2u32.to_le_bytes());
    for index in &batch {
        input.field("", index.to_le_bytes());
    }
    let digest = schedule.digest(0..1).unwrap();
    assert_eq!(Tag::Batch.hash(&input.bytes()), digest.0);
    values
        .value("batch of step 1, hashed bytes", input.bytes())
        .value("batch digest, step 1", digest.0)
        .value(
            "device seed, micro-batch 0",
            device_seed(SEED, 0).to_le_bytes(),
        )
        .value("digest of config.json \"{}\"", FileDigest::of(CONFIG).0);
    format!(
        "The keys are 8 bytes, little-endian; sorted, they give the order {} then {} in epoch 0.\n\n{}",
        join(&batch),
        join(schedule.micro_batch(0, 1)),
        values.block()
    )
}

fn join(samples: &[u32]) -> String {
    let samples: Vec<String> = samples.iter().map(u32::to_string).collect();
    samples.join(", ")
}

fn blocks(example: &Example) -> String {
    let blocks = example.blocks.iter().map(|(block, body)| {
        let leaves: Vec<[u8; 32]> = match &body.kind {
            BodyKind::Steps(_) => entries()
                .iter()
                .map(|entry| Tag::Entry.hash(&entry.to_bytes()))
                .collect(),
            _ => Vec::new(),
        };
        let mut values = Values::default();
        for (i, leaf) in leaves.iter().enumerate() {
            values.value(&format!("entry leaf {i}"), leaf);
        }
        let hash = block.header.hash();
        // As numbers are written, the most significant byte first.
        let shown: Vec<u8> = hash.0.iter().rev().copied().collect();
        values
            .value("root over entries", merkle::root(leaves).0)
            .value("body commitment", body.commitment().0)
            .value("coinbase id", block.coinbase.txid().0)
            .value("header", block.header.to_bytes())
            .value("block hash, as hashed", hash.0)
            .value("block hash, as shown", shown)
            .value("leaf over previous blocks", block_leaf(hash));
        format!("Block {}:\n\n{}", body.common.height, values.block())
    });
    blocks.collect::<Vec<_>>().join("\n")
}
