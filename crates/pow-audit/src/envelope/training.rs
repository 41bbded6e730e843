//! The statement about a training run: what its chain commits to, and its model's digests.

use super::digest::Hashed;
use super::payload::{Digests, Payload, PayloadError, Subject};
use crate::RunHasher;
use crate::display::utc;
use crate::hex::to_hex;
use crate::source::RunSource;
use crate::walk::{WalkProgress, walk_with};
use pow_core::body::{CodeDigests, Environment, Final, Genesis, OrderRule};
use pow_core::chain::VerifiedChain;
use pow_core::extension::{Known, ReadExtension};
use pow_core::hash::ParameterRoot;
use pow_ledger::{LedgerError, RunFile, TensorReader};
use serde::Serialize;
use serde_json::Value;

/// The type of the predicate.
pub const TRAINING: &str = "https://burn-pow/training/v1";

/// The name of our digests in a set. Others do not know them, and look at `sha256`.
const PARAMETER_ROOT: &str = "burnPowParameterRoot";
const STATE_ROOT: &str = "burnPowStateRoot";
const DATASET_ROOT: &str = "burnPowDatasetRoot";
const GENESIS: &str = "burnPowGenesis";

/// Why there is no statement about a run, or why a statement is not about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The chain cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The model cannot be read.
    #[error(transparent)]
    Model(LedgerError),
    /// The chain does not hold.
    #[error("the chain does not hold: {0}")]
    Chain(String),
    /// The run has no final block.
    #[error("the run is not finished, so its chain commits to no model yet")]
    Unfinished,
    /// The model is another one.
    #[error("model.safetensors has root {found}, but the final block says {expected}")]
    Artifact {
        /// Its root.
        found: ParameterRoot,
        /// That of the final block.
        expected: ParameterRoot,
    },
    /// It is a statement of another kind, or malformed.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The statement says something else than the run.
    #[error("DIFFERENT: the statement says {field} {found}, and the run {expected}")]
    Different {
        /// What is different, as a path in the statement.
        field: String,
        /// What the statement says, in JSON.
        found: String,
        /// What the run says, in JSON.
        expected: String,
    },
}

impl TrainingError {
    /// Whether it speaks against the run or the statement.
    pub fn is_verdict(&self) -> bool {
        match self {
            TrainingError::Model(error) => !error.could_not_read(),
            TrainingError::Ledger(_) | TrainingError::Unfinished => false,
            _ => true,
        }
    }
}

/// What the statement says of the run. `docs/formats.md` says what each field is worth.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Training {
    chain: Chain,
    training: Course,
    inputs: Vec<Subject>,
    recorder: Recorder,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chain {
    genesis: String,
    head: String,
    blocks: u64,
    /// A number of up to 256 bits, hence a text.
    work: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Course {
    name: String,
    steps: u64,
    ending: &'static str,
    initial_state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    final_state: Option<String>,
    /// A number of 64 bits, hence a text.
    seed: String,
    order: &'static str,
    mode: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recorder {
    started: String,
    last_block_started: String,
    config: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    executable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lockfile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    burn: String,
    backend: String,
    device: String,
    cpu: String,
    threads: u32,
}

/// The statement about a finished run. The whole chain is verified, and its model's root.
///
/// # Errors
///
/// [`TrainingError`] if the chain or the model cannot be read or does not hold, or if the run
/// is not finished.
pub fn training_payload(
    run: &dyn RunSource,
    hasher: &dyn RunHasher,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<Payload, TrainingError> {
    let end = walk_with(run, None, hasher, &mut |_, at| progress(at))?;
    let (Some(chain), None) = (&end.chain, end.failure()) else {
        return Err(TrainingError::Chain(end.failure().unwrap_or_default()));
    };
    let last = chain.end().ok_or(TrainingError::Unfinished)?;
    let digest = artifact_digest(run, hasher, last.artifact)?;
    let subject = Subject {
        name: Some(RunFile::Artifact.path().display().to_string()),
        digest: Digests::from([
            ("sha256".into(), to_hex(&digest)),
            (PARAMETER_ROOT.into(), last.artifact.to_string()),
        ]),
    };
    let training = Training {
        chain: Chain {
            genesis: chain.genesis_hash().to_string(),
            head: chain.head_hash().to_string(),
            blocks: end.blocks,
            work: chain.work().to_string(),
        },
        training: course(chain.genesis(), last),
        inputs: inputs(chain.genesis()),
        recorder: recorder(chain),
    };
    Ok(Payload::of(vec![subject], TRAINING, &training)?)
}

/// Checks that everything in a statement is what this run says. The whole chain is verified,
/// and its model's root.
///
/// # Errors
///
/// [`TrainingError`] if not, or as [`training_payload`].
pub fn check_training(
    run: &dyn RunSource,
    statement: &Payload,
    hasher: &dyn RunHasher,
    progress: &mut dyn FnMut(WalkProgress),
) -> Result<(), TrainingError> {
    let found = whole(statement)?;
    let expected = whole(&training_payload(run, hasher, progress)?)?;
    match difference("", &found, &expected) {
        None => Ok(()),
        Some((field, found, expected)) => Err(TrainingError::Different {
            field,
            found,
            expected,
        }),
    }
}

/// A statement about a training, as JSON.
fn whole(statement: &Payload) -> Result<Value, PayloadError> {
    let predicate: serde_json::Map<String, Value> = statement.predicate(TRAINING)?;
    Ok(serde_json::json!({
        "subject": serde_json::to_value(statement.subjects())?,
        "predicate": predicate,
    }))
}

/// The first place at which two JSON values differ, and what each has there.
fn difference(at: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    let child = |key: &str, a: Option<&Value>, b: Option<&Value>| {
        let null = &Value::Null;
        let at = if at.is_empty() {
            key.into()
        } else {
            format!("{at}.{key}")
        };
        difference(&at, a.unwrap_or(null), b.unwrap_or(null))
    };
    match (a, b) {
        (a, b) if a == b => None,
        (Value::Object(a), Value::Object(b)) => {
            let keys = b.keys().chain(a.keys().filter(|key| !b.contains_key(*key)));
            let mut keys = keys.map(|key| child(key, a.get(key), b.get(key)));
            keys.find_map(|found| found)
        }
        (Value::Array(a), Value::Array(b)) => {
            let mut places = 0..a.len().max(b.len());
            places.find_map(|n| child(&n.to_string(), a.get(n), b.get(n)))
        }
        _ => {
            let at = if at.is_empty() { "something" } else { at };
            Some((at.into(), a.to_string(), b.to_string()))
        }
    }
}

/// The SHA-256 of the model's file, whose tensors must have this root. The file is read once.
fn artifact_digest(
    run: &dyn RunSource,
    hasher: &dyn RunHasher,
    expected: ParameterRoot,
) -> Result<[u8; 32], TrainingError> {
    let (found, digest) = hashed_artifact(run, hasher).map_err(TrainingError::Model)?;
    match found == expected {
        true => Ok(digest),
        false => Err(TrainingError::Artifact { found, expected }),
    }
}

/// The root of the model's tensors, and the SHA-256 of its file.
fn hashed_artifact(
    run: &dyn RunSource,
    hasher: &dyn RunHasher,
) -> Result<(ParameterRoot, [u8; 32]), LedgerError> {
    let file = RunFile::Artifact;
    let (opened, path) = (run.open(file)?, run.path(file));
    let len = opened.len.ok_or_else(|| LedgerError::Tensors {
        path: path.clone(),
        reason: "its length is not known".into(),
    })?;
    let mut bytes = Hashed::new(opened.bytes);
    let root = TensorReader::new(&mut bytes, len, &path)?.root_with(hasher)?;
    let digest = bytes.finish();
    Ok((
        root,
        digest.map_err(|source| LedgerError::Io { path, source })?,
    ))
}

fn course(genesis: &Genesis, last: &Final) -> Course {
    Course {
        name: genesis.name.clone(),
        steps: last.steps.0,
        ending: last.ending.name(),
        initial_state: genesis.initial.root.to_string(),
        final_state: last.state.map(|root| root.to_string()),
        seed: genesis.seed.to_string(),
        order: match genesis.order {
            OrderRule::Seeded { .. } => "seeded",
            OrderRule::Bound { .. } => "bound",
            _ => "foreign",
        },
        mode: genesis.mode.name(),
    }
}

/// What went into the training, as far as genesis names it.
fn inputs(genesis: &Genesis) -> Vec<Subject> {
    let input = |name: &str, digests: &[(&str, String)]| Subject {
        name: Some(name.into()),
        digest: digests
            .iter()
            .map(|(name, digest)| ((*name).into(), digest.clone()))
            .collect(),
    };
    let dataset = genesis.dataset.as_ref();
    let dataset = dataset.map(|root| input("dataset", &[(DATASET_ROOT, root.to_string())]));
    let read = genesis.read_extensions();
    let others = read.iter().filter_map(|extension| match extension {
        ReadExtension::Known(Known::Parent(parent)) => Some(input(
            "parent run",
            &[
                (GENESIS, parent.genesis.to_string()),
                (STATE_ROOT, parent.state.to_string()),
            ],
        )),
        ReadExtension::Known(Known::BaseModel(root)) => {
            Some(input("base model", &[(PARAMETER_ROOT, root.to_string())]))
        }
        _ => None,
    });
    dataset.into_iter().chain(others).collect()
}

/// What only the recorder says.
fn recorder(chain: &VerifiedChain) -> Recorder {
    let genesis = chain.genesis();
    let CodeDigests {
        executable,
        lockfile,
        revision,
    } = &genesis.code;
    let Environment {
        burn,
        backend,
        device,
        cpu,
        threads,
    } = &genesis.environment;
    Recorder {
        started: utc(chain.started()),
        last_block_started: utc(chain.last_start()),
        config: genesis.config.to_string(),
        executable: executable.map(|digest| digest.to_string()),
        lockfile: lockfile.map(|digest| digest.to_string()),
        revision: revision.clone(),
        burn: burn.clone(),
        backend: backend.clone(),
        device: device.clone(),
        cpu: cpu.clone(),
        threads: *threads,
    }
}
