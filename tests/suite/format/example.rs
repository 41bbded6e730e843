//! A tiny complete run: two weights, one step, three blocks. Every byte is
//! written here field by field and then compared with what the crates write.

use super::bytes::Fields;
use super::fields::{block_fields, body_fields};
use pow_core::block::{Block, Template};
use pow_core::body::{
    Body, BodyKind, CodeDigests, Common, Ending, Entry, Environment, Final, Genesis, OrderRule,
    StepNumber, UnixMillis,
};
use pow_core::chain::block_leaf;
use pow_core::coinbase::Height;
use pow_core::difficulty::Difficulty;
use pow_core::hash::{BlockHash, DatasetRoot, FileDigest, ParameterRoot};
use pow_core::header::HeaderTime;
use pow_core::merkle::Frontier;
use pow_core::order::{DatasetHasher, EpochSchedule};
use pow_core::state::{RestOfState, state_root};
use pow_core::tensor::{DType, TensorInfo, TensorSet};
use pow_tests::chain_file::record_header;
use pow_tests::fixture::{bare_genesis, bits, mine};
use std::num::NonZeroU32;

pub const SEED: u64 = 7;
pub const ITEMS: [&str; 4] = ["a", "b", "c", "d"];
pub const CONFIG: &[u8] = b"{}";
pub const WEIGHTS: TensorInfo<'_> = TensorInfo {
    path: "w",
    dtype: DType::F32,
    dims: &[2],
};

/// The weights after step 0 and step 1.
pub fn weights(step: usize) -> Vec<u8> {
    let weights = [[1.0f32, -0.5], [0.75, -0.25]][step];
    weights.iter().flat_map(|w| w.to_le_bytes()).collect()
}

pub fn parameters(step: usize) -> ParameterRoot {
    let mut set = TensorSet::new();
    set.insert(&WEIGHTS, &weights(step)).unwrap();
    set.root()
}

/// The rest of the initial state: an optimizer that holds nothing yet.
pub fn rest() -> RestOfState {
    RestOfState {
        optimizer: TensorSet::new().root(),
        scheduler_steps: 0,
        seed_position: 0,
        cursor: 0,
    }
}

pub fn dataset() -> DatasetRoot {
    let mut hasher = DatasetHasher::default();
    for item in ITEMS {
        hasher.item(item.as_bytes());
    }
    hasher.finish()
}

pub fn schedule() -> EpochSchedule {
    genesis().seeded_schedule().unwrap()
}

/// The run's blocks and bodies.
pub struct Example {
    pub blocks: Vec<(Block, Body)>,
}

impl Example {
    pub fn new() -> Self {
        let mut blocks: Vec<(Block, Body)> = Vec::new();
        let mut previous = Frontier::new();
        let kinds = [
            BodyKind::Genesis(Box::new(genesis())),
            BodyKind::Steps(entries()),
            BodyKind::Final(end()),
        ];
        for (height, kind) in (0..).zip(kinds) {
            // A block every two seconds, found after 1.5 seconds.
            let start = UnixMillis(1_700_000_000_000 + 2000 * u64::from(height));
            let parent_found = if height == 0 { start.0 } else { start.0 - 500 };
            let body = Body {
                common: Common {
                    height: Height::new(height).unwrap(),
                    start,
                    parent_found: UnixMillis(parent_found),
                    previous_blocks: previous.root(),
                },
                kind,
            };
            let block = mine(&Template {
                height: body.common.height,
                prev: blocks
                    .last()
                    .map_or(BlockHash::ZERO, |last| last.0.header.hash()),
                time: HeaderTime((start.0 / 1000) as u32),
                bits: difficulty().of_genesis(),
                commitment: body.commitment(),
            });
            previous.push(block_leaf(block.header.hash()));
            blocks.push((block, body));
        }
        Example { blocks }
    }

    /// The whole chain file.
    pub fn file(&self) -> Fields {
        let mut out = Fields::new();
        out.field("file header", "")
            .field("magic \"POWCHAIN\"", "POWCHAIN")
            .field("format 1", [1, 0, 0, 0])
            .field("zero", [0; 4]);
        for (height, (block, body)) in self.blocks.iter().enumerate() {
            let (block_fields, body_fields) = (block_fields(block), body_fields(body));
            assert_eq!(block_fields.bytes(), block.to_bytes());
            assert_eq!(body_fields.bytes(), body.to_bytes());
            let name = body.kind.name();
            let (block, body) = (block_fields.bytes(), body_fields.bytes());
            let header = record_header([block.len() as u32, body.len() as u32]);
            out.field(&format!("record of block {height}"), "")
                .field("magic \"PREC\"", &header[..4])
                .field(&format!("block length {}", block.len()), &header[4..8])
                .field(&format!("body length {}", body.len()), &header[8..12])
                .field("crc32c of the 12 bytes above", &header[12..])
                .field(&format!("block {height}"), "")
                .append(block_fields)
                .field(&format!("body {height}: {name}"), "")
                .append(body_fields)
                .field("crc32c of block and body", crc32c(&[block, body].concat()));
        }
        out
    }
}

fn crc32c(bytes: &[u8]) -> [u8; 4] {
    // A record of these bytes ends with their checksum.
    let record = pow_tests::chain_file::Record {
        block: bytes.to_vec(),
        body: Vec::new(),
    };
    *record.to_bytes().last_chunk().unwrap()
}

fn difficulty() -> Difficulty {
    Difficulty::fixed(bits(8))
}

fn genesis() -> Genesis {
    let root = state_root(parameters(0), rest().root());
    Genesis {
        seed: SEED,
        order: OrderRule::Seeded {
            items: NonZeroU32::new(ITEMS.len() as u32).unwrap(),
            batch: NonZeroU32::new(2).unwrap(),
            accumulation: NonZeroU32::MIN,
        },
        dataset: Some(dataset()),
        config: FileDigest::of(CONFIG),
        code: CodeDigests {
            executable: None,
            lockfile: None,
            revision: Some("unknown".into()),
        },
        environment: Environment {
            burn: "0.22.1".into(),
            backend: "Flex".into(),
            device: "Flex".into(),
            cpu: "x86_64".into(),
            threads: 1,
        },
        ..bare_genesis("example", root, difficulty())
    }
}

pub fn entries() -> Vec<Entry> {
    let initial = Entry {
        step: StepNumber(0),
        parameters: parameters(0),
        batch: None,
        loss: None,
        learning_rate: None,
        rest: Some(rest().root()),
    };
    let first = Entry {
        step: StepNumber(1),
        parameters: parameters(1),
        batch: schedule().digest(0..1),
        loss: None,
        learning_rate: Some(0.5f64.to_bits()),
        rest: None,
    };
    vec![initial, first]
}

fn end() -> Final {
    Final {
        steps: StepNumber(1),
        ending: Ending::Completed,
        state: None,
        artifact: parameters(1),
    }
}
