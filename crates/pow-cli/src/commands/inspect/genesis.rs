//! The fields that genesis declares. Text and JSON are made from one list.

use pow_audit::display::{counted, printable};
use pow_audit::hex::to_hex;
use pow_core::body::{
    CodeDigests, Environment, Extension, Genesis, InitialState, OrderRule, Schedule,
};
use pow_core::difficulty::{Difficulty, Policy};
use pow_core::extension::{Known, ReadExtension};
use pow_core::order::{SampledRule, Sampler};
use serde_json::{Value, json};

/// Every field with its name in JSON. An absent value is null. Each struct is
/// destructured in full, so that a new field cannot be forgotten.
pub fn fields(genesis: &Genesis) -> Vec<(&'static str, Value)> {
    let Genesis {
        name,
        seed,
        initial: InitialState { root, regenerable },
        schedule,
        mode,
        order,
        dataset,
        config,
        code,
        environment,
        difficulty,
        extensions,
    } = genesis;
    let mut all = vec![
        ("name", json!(name)),
        ("seed", json!(seed)),
        ("initial_state", text(Some(root))),
        ("regenerable", json!(regenerable)),
    ];
    all.extend(schedule_fields(schedule));
    all.push(("mode", json!(mode.name())));
    all.extend(order_fields(order));
    all.push(("dataset", text(dataset.as_ref())));
    all.push(("config", text(Some(config))));
    all.extend(program_fields(code, environment));
    all.extend(difficulty_fields(difficulty));
    all.push((
        "extensions",
        extensions
            .iter()
            .zip(genesis.read_extensions())
            .map(|(extension, read)| extension_json(extension, &read))
            .collect(),
    ));
    all
}

/// The same fields as lines of text. Extensions are printed without their bytes.
pub fn lines(genesis: &Genesis) -> Vec<String> {
    let mut lines: Vec<String> = fields(genesis)
        .into_iter()
        .filter(|(_, value)| !value.is_array())
        .map(|(name, value)| {
            let value = match value {
                Value::Null => "absent".into(),
                Value::String(text) => printable(&text),
                other => other.to_string(),
            };
            format!("{:<17} {value}", name.replace('_', " "))
        })
        .collect();
    let read = genesis.read_extensions();
    let extensions = genesis.extensions.iter().zip(&read);
    lines.extend(extensions.map(|(extension, read)| {
        let (kind, len) = (extension.kind, extension.data.len());
        format!(
            "{:<17} type {kind}, {}, {}",
            "extension",
            counted(len as u64, "byte", "bytes"),
            printable(&shown(read))
        )
    }));
    lines
}

/// What an extension says, in a line.
fn shown(extension: &ReadExtension<'_>) -> String {
    match extension {
        ReadExtension::Known(known) => format!("{}{}", known.kind().name(), details(known)),
        ReadExtension::Unusable(kind, why) => format!("{}, unusable: {why}", kind.name()),
        _ => "unknown to this program".into(),
    }
}

fn details(known: &Known) -> String {
    match known {
        Known::Probe(probe) => {
            let operations = probe.operations().len() as u64;
            format!(": {}", counted(operations, "operation", "operations"))
        }
        Known::BitcoinBlock(block) => {
            let hash = block.header.hash();
            format!(": {hash}, said to be at height {}", block.height)
        }
        Known::DrandRound(round) => {
            format!(": round {} of chain {}", round.round, to_hex(&round.chain))
        }
        Known::Parent(parent) => format!(
            ": step {} of {}, state root {}",
            parent.step, parent.genesis, parent.state
        ),
        Known::BaseModel(root) => format!(": parameter root {root}"),
        Known::Declaration(digest) => format!(": {digest}"),
        Known::BurnFeatures(names) => format!(": {}", printable(&names.join(", "))),
        Known::SampledOrder(rule) => format!(": {}", sampled(rule)),
        _ => String::new(),
    }
}

fn sampled(rule: &SampledRule) -> String {
    let SampledRule {
        items,
        batch,
        accumulation,
        sampler,
    } = rule;
    let choice = match sampler {
        Sampler::Uniform { draws } => format!("{draws} drawn alike for an epoch"),
        Sampler::Weighted { draws, table } => {
            format!("{draws} drawn for an epoch by the weights {table}")
        }
        Sampler::Bucketed { window, table } => {
            format!("sorted within {window} micro-batches by the lengths {table}")
        }
        _ => "chosen in a way that this program does not know".into(),
    };
    format!("{items} samples, {choice}; micro-batches of {batch}, {accumulation} in a step")
}

fn schedule_fields(schedule: &Schedule) -> [(&'static str, Value); 4] {
    let Schedule {
        planned,
        commit_every,
        checkpoint_every,
        keep_checkpoints,
    } = schedule;
    [
        ("planned_steps", json!(planned)),
        ("commit_every", json!(commit_every)),
        ("checkpoint_every", json!(checkpoint_every)),
        ("keep_checkpoints", json!(keep_checkpoints)),
    ]
}

fn order_fields(order: &OrderRule) -> [(&'static str, Value); 5] {
    let lag = match order {
        OrderRule::Bound { lag, .. } => json!(lag),
        _ => Value::Null,
    };
    let (rule, numbers) = match order {
        OrderRule::Bound {
            items,
            batch,
            accumulation,
            ..
        } => ("bound", [items, batch, accumulation].map(|n| json!(n))),
        OrderRule::Seeded {
            items,
            batch,
            accumulation,
        } => ("seeded", [items, batch, accumulation].map(|n| json!(n))),
        OrderRule::Foreign => ("foreign", [const { Value::Null }; 3]),
        _ => ("unknown", [const { Value::Null }; 3]),
    };
    let [items, batch, accumulation] = numbers;
    [
        ("order", json!(rule)),
        ("items", items),
        ("batch_size", batch),
        ("accumulation", accumulation),
        ("lag", lag),
    ]
}

fn program_fields(code: &CodeDigests, environment: &Environment) -> [(&'static str, Value); 8] {
    let CodeDigests {
        executable,
        lockfile,
        revision,
    } = code;
    let Environment {
        burn,
        backend,
        device,
        cpu,
        threads,
    } = environment;
    [
        ("executable", text(executable.as_ref())),
        ("lockfile", text(lockfile.as_ref())),
        ("revision", json!(revision)),
        ("burn", json!(burn)),
        ("backend", json!(backend)),
        ("device", json!(device)),
        ("cpu", json!(cpu)),
        ("threads", json!(threads)),
    ]
}

fn difficulty_fields(difficulty: &Difficulty) -> Vec<(&'static str, Value)> {
    let Difficulty {
        policy,
        floor,
        final_bits,
    } = difficulty;
    let (name, reference, times) = match policy {
        Policy::Fixed(bits) => ("fixed", Some(bits), None),
        Policy::Asert(asert) => (
            "asert",
            Some(&asert.reference),
            Some((asert.spacing.0, asert.half_life.0)),
        ),
        _ => ("unknown", None, None),
    };
    vec![
        ("difficulty", json!(name)),
        ("reference_bits", text(reference)),
        ("spacing_ms", json!(times.map(|times| times.0))),
        ("half_life_ms", json!(times.map(|times| times.1))),
        ("floor_bits", text(Some(floor))),
        ("final_bits", text(Some(final_bits))),
    ]
}

/// `name` is null for an unknown type, and `problem` unless it is unusable.
fn extension_json(extension: &Extension, read: &ReadExtension<'_>) -> Value {
    let (name, problem) = match read {
        ReadExtension::Known(known) => (Some(known.kind().name()), None),
        ReadExtension::Unusable(kind, why) => (Some(kind.name()), Some(why.to_string())),
        _ => (None, None),
    };
    json!({
        "type": extension.kind,
        "name": name,
        "problem": problem,
        "data": to_hex(&extension.data),
    })
}

/// A hash, root or target as people write it.
fn text(value: Option<&impl ToString>) -> Value {
    json!(value.map(ToString::to_string))
}
