//! The example's blocks and bodies field by field, written from
//! `docs/format.md`.

use super::bytes::Fields;
use pow_core::block::Block;
use pow_core::body::{Body, BodyKind, Entry, Genesis};

pub fn block_fields(block: &Block) -> Fields {
    let header = &block.header;
    let mut out = Fields::new();
    out.field("version", header.version.0.to_le_bytes())
        .field("previous block's hash", header.prev.0)
        .field("transaction root", header.tx_root.0)
        .field("time", header.time.0.to_le_bytes())
        .field("target, compact", header.bits.0.to_le_bytes())
        .field("nonce", header.nonce.0.to_le_bytes())
        .field("one transaction", [1])
        .field("coinbase: version 1", [1, 0, 0, 0])
        .field("one input", [1])
        .field("no previous output", [0; 32])
        .field("  index", [0xff; 4])
        .field("script length 14", [14]);
    let height = block.coinbase.height.get() as u8;
    match height {
        0 => out.field("OP_0: height 0", [0]),
        _ => out.field(&format!("OP_{height}: height {height}"), [0x50 + height]),
    };
    out.field("push of 12 bytes", [12])
        .field("extranonce 1 and 2", block.coinbase.extranonce.0)
        .field("sequence", [0xff; 4])
        .field("one output", [1])
        .field("value 0", [0; 8])
        .field("script length 34", [0x22])
        .field("OP_RETURN, push of 32 bytes", [0x6a, 0x20])
        .field("body commitment", block.coinbase.commitment.0)
        .field("lock time", [0; 4]);
    out
}

pub fn body_fields(body: &Body) -> Fields {
    let kind = match body.kind {
        BodyKind::Genesis(_) => 0,
        BodyKind::Steps(_) => 1,
        BodyKind::Final(_) => 2,
    };
    let mut out = Fields::new();
    out.field("format version 1", [1, 0])
        .field(&format!("kind {kind}: {}", body.kind.name()), [kind])
        .field("height", body.common.height.get().to_le_bytes())
        .field("start, ms", body.common.start.0.to_le_bytes())
        .field("parent found, ms", body.common.parent_found.0.to_le_bytes())
        .field("root over previous blocks", body.common.previous_blocks.0);
    match &body.kind {
        BodyKind::Genesis(genesis) => out.append(genesis_fields(genesis)),
        BodyKind::Steps(entries) => {
            out.field("entry count", (entries.len() as u32).to_le_bytes());
            entries
                .iter()
                .fold(&mut out, |out, entry| out.append(entry_fields(entry)))
        }
        BodyKind::Final(end) => out
            .field("steps", end.steps.0.to_le_bytes())
            .field("ending 0: completed", [0])
            .field("state root: absent", [0])
            .field("artifact root", end.artifact.0)
            .field("entry count", [0; 4]),
    };
    out
}

fn genesis_fields(genesis: &Genesis) -> Fields {
    let (code, environment) = (&genesis.code, &genesis.environment);
    let bits = genesis.difficulty.final_bits.0.to_le_bytes();
    let mut out = Fields::new();
    out.text("name", &genesis.name)
        .field("seed", genesis.seed.to_le_bytes())
        .field("initial state root", genesis.initial.root.0)
        .field("regenerable: yes", [1])
        .field("planned steps: absent", [0])
        .field(
            "commit interval",
            genesis.schedule.commit_every.to_le_bytes(),
        )
        .field("checkpoint interval", [0; 8])
        .field("retention: absent", [0])
        .field("mode 0: pipelined", [0])
        .field("order 1: seeded", [1])
        .field("items", 4u32.to_le_bytes())
        .field("batch size", 2u32.to_le_bytes())
        .field("accumulation", 1u32.to_le_bytes())
        .field("dataset root: present", [1])
        .field("  root", genesis.dataset.unwrap().0)
        .field("digest of config.json", genesis.config.0)
        .field("executable: absent", [0])
        .field("lock file: absent", [0])
        .field("revision: present", [1])
        .text("revision", code.revision.as_deref().unwrap())
        .text("burn", &environment.burn)
        .text("backend", &environment.backend)
        .text("device", &environment.device)
        .text("cpu", &environment.cpu)
        .field("threads", environment.threads.to_le_bytes())
        .field("difficulty 0: fixed", [0])
        .field("target", bits)
        .field("floor", bits)
        .field("final target", bits)
        .field("extension count", [0; 4]);
    out
}

fn entry_fields(entry: &Entry) -> Fields {
    let mut out = Fields::new();
    let mut option = |label: &str, value: Option<Vec<u8>>| match value {
        Some(value) => {
            out.field(&format!("{label}: present"), [1])
                .field("  value", value);
        }
        None => {
            out.field(&format!("{label}: absent"), [0]);
        }
    };
    option("batch digest", entry.batch.map(|digest| digest.0.to_vec()));
    option("loss", entry.loss.map(|bits| bits.to_le_bytes().to_vec()));
    let rate = entry.learning_rate;
    option(
        "learning rate",
        rate.map(|bits| bits.to_le_bytes().to_vec()),
    );
    option("rest root", entry.rest.map(|root| root.0.to_vec()));
    let mut all = Fields::new();
    all.field(&format!("step {}", entry.step), entry.step.0.to_le_bytes())
        .field("parameter root", entry.parameters.0)
        .append(out);
    all
}
