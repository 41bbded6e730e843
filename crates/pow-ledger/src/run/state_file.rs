//! state.json, the file beside the two tensor files of a checkpoint.

use crate::error::LedgerError;
use crate::open::read_limited;
use pow_core::body::StepNumber;
use pow_core::hash::ParameterRoot;
use pow_core::state::RestOfState;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;

/// The longest state.json that is read, in bytes. It is many times longer than those
/// that are written.
const MAX_STATE_LEN: u64 = 65_536;

const SCHEMA: &str = "burn-pow/state/v1";

/// The content of state.json, the file beside the two tensor files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateFile {
    /// Always `burn-pow/state/v1`.
    pub schema: String,
    /// The step after which the checkpoint was taken.
    pub step: u64,
    /// Steps of the learning-rate scheduler.
    pub scheduler_steps: u64,
    /// Position of the random generator. The next device seed is derived from it.
    pub seed_position: u64,
    /// Number of micro-batches that the loader has given out.
    pub cursor: u64,
}

impl StateFile {
    /// Reads a state.json. `path` is its name in errors.
    ///
    /// # Errors
    ///
    /// [`LedgerError::State`] if it is longer than 65,536 bytes or malformed,
    /// [`LedgerError::Io`] if it cannot be read.
    pub fn read(file: impl Read, path: &Path) -> Result<Self, LedgerError> {
        let fail = |reason: String| LedgerError::State {
            path: path.to_owned(),
            reason,
        };
        let bytes = match read_limited(file, path, MAX_STATE_LEN) {
            Err(LedgerError::TooLong { limit, .. }) => {
                return Err(fail(format!("longer than {limit} bytes")));
            }
            read => read?,
        };
        // serde would also read an array of the five values.
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(fail("not a JSON object".into()));
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

    /// The file of a checkpoint of this step.
    pub(crate) fn of(step: StepNumber, rest: &RestOfState) -> Self {
        StateFile {
            schema: SCHEMA.into(),
            step: step.0,
            scheduler_steps: rest.scheduler_steps,
            seed_position: rest.seed_position,
            cursor: rest.cursor,
        }
    }

    /// The state without its parameters. `optimizer` is the root of the optimizer's
    /// tensors.
    pub fn rest(&self, optimizer: ParameterRoot) -> RestOfState {
        RestOfState {
            optimizer,
            scheduler_steps: self.scheduler_steps,
            seed_position: self.seed_position,
            cursor: self.cursor,
        }
    }
}
