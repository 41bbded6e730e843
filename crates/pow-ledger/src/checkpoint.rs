//! Checkpoints: the whole training state at a step, in a directory named by
//! its state root.

use crate::LedgerError;
use crate::run_dir::{open_regular, sync_dir, write_atomically};
use crate::tensors::{Tensor, TensorFile, write_tensors};
use pow_core::body::StepNumber;
use pow_core::hash::{ParameterRoot, StateRoot};
use pow_core::state::{RestOfState, state_root};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A checkpoint to be written.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint<'a> {
    /// Step it was taken after.
    pub step: StepNumber,
    /// Root of `model`.
    pub parameters: ParameterRoot,
    /// Everything but the parameters; its optimizer root is that of
    /// `optimizer`.
    pub rest: RestOfState,
    /// The parameters.
    pub model: &'a [Tensor<'a>],
    /// The optimizer's tensors.
    pub optimizer: &'a [Tensor<'a>],
}

/// What state.json says, beside the two tensor files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    /// Always `burn-pow/state/v0`.
    pub schema: String,
    /// Step the checkpoint was taken after.
    pub step: u64,
    /// Steps of the learning-rate scheduler.
    pub scheduler_steps: u64,
    /// Position of the random generator: what the next device seed derives from.
    pub seed_position: u64,
    /// Micro-batches handed out.
    pub cursor: u64,
}

/// The longest state.json that is read, in bytes: many times what is written.
const MAX_STATE_LEN: u64 = 65_536;

const SCHEMA: &str = "burn-pow/state/v0";

/// The files of one checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointFiles {
    dir: PathBuf,
}

impl CheckpointFiles {
    /// Where the checkpoint of `root` lies under a run's `checkpoints/`.
    pub(crate) fn new(checkpoints: &Path, root: StateRoot) -> Self {
        CheckpointFiles {
            dir: checkpoints.join(root.to_string()),
        }
    }

    /// The checkpoint's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The parameters' file.
    pub fn model(&self) -> PathBuf {
        self.dir.join("model.safetensors")
    }

    /// The optimizer's file.
    pub fn optimizer(&self) -> PathBuf {
        self.dir.join("optimizer.safetensors")
    }

    /// The other numbers' file.
    pub fn state(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    /// The state root and step that the files themselves give.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if a file is missing or malformed.
    pub fn recompute(&self) -> Result<(StateRoot, StepNumber), LedgerError> {
        let parameters = TensorFile::read(&self.model())?.root()?;
        let optimizer = TensorFile::read(&self.optimizer())?.root()?;
        let state = self.state_file()?;
        let rest = RestOfState {
            optimizer,
            scheduler_steps: state.scheduler_steps,
            seed_position: state.seed_position,
            cursor: state.cursor,
        };
        Ok((state_root(parameters, rest.root()), StepNumber(state.step)))
    }

    /// What state.json says.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if it is missing or malformed.
    pub fn state_file(&self) -> Result<StateFile, LedgerError> {
        let path = self.state();
        let mut bytes = Vec::new();
        open_regular(&path)?
            .take(MAX_STATE_LEN + 1)
            .read_to_end(&mut bytes)
            .map_err(LedgerError::io(&path))?;
        let fail = |reason: String| LedgerError::State {
            path: path.clone(),
            reason,
        };
        if bytes.len() as u64 > MAX_STATE_LEN {
            return Err(fail(format!("longer than {MAX_STATE_LEN} bytes")));
        }
        // serde would read an array of the five values as well.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(fail("it is not a JSON object".into()));
        }
        let state: StateFile =
            serde_json::from_slice(&bytes).map_err(|error| fail(error.to_string()))?;
        if state.schema != SCHEMA {
            return Err(fail(format!(
                "schema is {:?}, expected {SCHEMA:?}",
                state.schema
            )));
        }
        Ok(state)
    }

    /// Writes the checkpoint into a directory beside its place and renames it.
    pub(crate) fn write(&self, checkpoint: &Checkpoint<'_>) -> Result<(), LedgerError> {
        if self.dir.exists() {
            // Content-addressed: what is there is the same.
            return Ok(());
        }
        let mut name = self.dir.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let staging = CheckpointFiles {
            dir: self.dir.with_file_name(name),
        };
        std::fs::create_dir_all(&staging.dir).map_err(LedgerError::io(&staging.dir))?;
        write_tensors(&staging.model(), checkpoint.model)?;
        write_tensors(&staging.optimizer(), checkpoint.optimizer)?;
        let state = StateFile {
            schema: SCHEMA.into(),
            step: checkpoint.step.0,
            scheduler_steps: checkpoint.rest.scheduler_steps,
            seed_position: checkpoint.rest.seed_position,
            cursor: checkpoint.rest.cursor,
        };
        let path = staging.state();
        let json = serde_json::to_vec_pretty(&state).map_err(|error| LedgerError::State {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write_atomically(&path, &json)?;
        std::fs::rename(&staging.dir, &self.dir).map_err(LedgerError::io(&self.dir))?;
        if let Some(parent) = self.dir.parent() {
            sync_dir(parent)?;
        }
        Ok(())
    }
}
