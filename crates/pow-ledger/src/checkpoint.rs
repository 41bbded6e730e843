//! Checkpoints: the whole training state at a step, in a directory that is named by
//! its state root.

use crate::error::LedgerError;
use crate::files::{open_regular, sync_parent, write_atomically};
use crate::tensors::{Tensor, TensorFile, write_tensors};
use pow_core::body::StepNumber;
use pow_core::hash::{ParameterRoot, PlainSha2, StateRoot};
use pow_core::state::{RestOfState, state_root};
use pow_core::tensor::TensorHasher;
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A checkpoint to write.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint<'a> {
    /// The step after which it was taken.
    pub step: StepNumber,
    /// Root of `model`.
    pub parameters: ParameterRoot,
    /// Everything but the parameters. Its optimizer root is the root of `optimizer`.
    pub rest: RestOfState,
    /// The parameters.
    pub model: &'a [Tensor<'a>],
    /// The optimizer's tensors.
    pub optimizer: &'a [Tensor<'a>],
}

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

/// The longest state.json that is read, in bytes. It is many times longer than those
/// that are written.
const MAX_STATE_LEN: u64 = 65_536;

/// The end of the name of a directory that is not a whole checkpoint.
const STAGING: &str = ".tmp";

const SCHEMA: &str = "burn-pow/state/v1";

/// The files of one checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointFiles {
    dir: PathBuf,
}

impl CheckpointFiles {
    /// The checkpoint of `root` in a run's directory `checkpoints/`.
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

    /// The file of the other numbers.
    pub fn state(&self) -> PathBuf {
        self.dir.join("state.json")
    }

    /// Computes the state root from the files and reads the step.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if a file is missing or malformed.
    pub fn recompute(&self) -> Result<(StateRoot, StepNumber), LedgerError> {
        self.recompute_with(&PlainSha2)
    }

    /// Like [`recompute`](Self::recompute), but `hasher` hashes the chunks of the
    /// tensors.
    ///
    /// # Errors
    ///
    /// As [`recompute`](Self::recompute).
    pub fn recompute_with(
        &self,
        hasher: &dyn TensorHasher,
    ) -> Result<(StateRoot, StepNumber), LedgerError> {
        let parameters = TensorFile::open(&self.model())?.root_with(hasher)?;
        let optimizer = TensorFile::open(&self.optimizer())?.root_with(hasher)?;
        let state = self.state_file()?;
        let root = state_root(parameters, state.rest(optimizer).root());
        Ok((root, StepNumber(state.step)))
    }

    /// Reads state.json.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if it is missing or malformed.
    pub fn state_file(&self) -> Result<StateFile, LedgerError> {
        let path = self.state();
        let mut bytes = Vec::new();
        open_regular(&path)
            .and_then(|file| file.take(MAX_STATE_LEN + 1).read_to_end(&mut bytes))
            .map_err(LedgerError::io(&path))?;
        let fail = |reason: String| LedgerError::State {
            path: path.clone(),
            reason,
        };
        if bytes.len() as u64 > MAX_STATE_LEN {
            return Err(fail(format!("longer than {MAX_STATE_LEN} bytes")));
        }
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

    /// Writes the checkpoint into a staging directory and renames that.
    pub(crate) fn write(&self, checkpoint: &Checkpoint<'_>) -> Result<(), LedgerError> {
        if self.dir.exists() {
            // The name is the hash of the content, so this is the same checkpoint. But its
            // writer may have been killed between renaming and syncing.
            return sync_parent(&self.dir);
        }
        let staging = self.staging();
        // Without the directories above it: a run directory that was removed must not come back
        // without its chain.
        match std::fs::create_dir(&staging.dir) {
            Err(source) if source.kind() != ErrorKind::AlreadyExists => {
                let path = staging.dir;
                return Err(LedgerError::Io { path, source });
            }
            _ => {}
        }
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
        // Writing the last file has synced the staging directory with all its names.
        std::fs::rename(&staging.dir, &self.dir).map_err(LedgerError::io(&self.dir))?;
        sync_parent(&self.dir)
    }

    /// Renames the checkpoint and then removes it. If its files were removed one by one
    /// in place, a reader could take it for a damaged checkpoint.
    pub(crate) fn remove(&self) -> Result<(), LedgerError> {
        let doomed = self.staging().dir;
        remove_all(&doomed)?;
        match std::fs::rename(&self.dir, &doomed) {
            Err(source) if source.kind() == ErrorKind::NotFound => return Ok(()),
            renamed => renamed.map_err(LedgerError::io(&self.dir))?,
        }
        sync_parent(&self.dir)?;
        remove_all(&doomed)
    }

    /// The directory of the checkpoint before it is whole, and while it is removed.
    fn staging(&self) -> Self {
        let mut name = self.dir.file_name().unwrap_or_default().to_owned();
        name.push(STAGING);
        CheckpointFiles {
            dir: self.dir.with_file_name(name),
        }
    }
}

/// Removes the checkpoints that a killed writer had not finished writing or removing.
pub(crate) fn remove_unfinished(checkpoints: &Path) -> Result<(), LedgerError> {
    let entries = std::fs::read_dir(checkpoints).map_err(LedgerError::io(checkpoints))?;
    for entry in entries {
        let entry = entry.map_err(LedgerError::io(checkpoints))?;
        if entry.file_name().to_string_lossy().ends_with(STAGING) {
            remove_all(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a directory with everything in it. A missing directory is not an error.
fn remove_all(dir: &Path) -> Result<(), LedgerError> {
    match std::fs::remove_dir_all(dir) {
        Err(source) if source.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(LedgerError::io(dir)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Durability, RunDir, RunWriter};

    fn started() -> (tempfile::TempDir, RunWriter) {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path().join("run"));
        let (files, _chain) = run.create(b"{}", Durability::Grouped).unwrap();
        (place, files)
    }

    fn write(files: &RunWriter, step: u64) -> Result<StateRoot, LedgerError> {
        let empty = pow_core::tensor::TensorSet::new().root();
        files.checkpoint(&Checkpoint {
            step: StepNumber(step),
            parameters: empty,
            rest: RestOfState {
                optimizer: empty,
                scheduler_steps: step,
                seed_position: step,
                cursor: step,
            },
            model: &[],
            optimizer: &[],
        })
    }

    fn names(files: &RunWriter) -> Vec<String> {
        let entries = std::fs::read_dir(files.dir().checkpoints()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_checkpoint_is_removed_after_an_earlier_removal_was_interrupted() {
        let (_place, files) = started();
        let (kept, gone) = (write(&files, 1).unwrap(), write(&files, 2).unwrap());
        let doomed = files.dir().checkpoint(gone).staging();
        std::fs::create_dir(&doomed.dir).unwrap();
        std::fs::write(doomed.state(), "half").unwrap();
        files.remove_checkpoint(gone).unwrap();
        assert_eq!(names(&files), [kept.to_string()]);
        // It may already be gone.
        files.remove_checkpoint(gone).unwrap();
        assert_eq!(names(&files), [kept.to_string()]);
    }

    #[test]
    fn a_checkpoint_is_written_after_an_earlier_writer_was_killed() {
        let (_place, files) = started();
        let root = write(&files, 1).unwrap();
        let checkpoint = files.dir().checkpoint(root);
        std::fs::rename(checkpoint.dir(), checkpoint.staging().dir).unwrap();
        std::fs::write(checkpoint.staging().model(), "half").unwrap();
        assert_eq!(write(&files, 1).unwrap(), root);
        let (found, step) = checkpoint.recompute().unwrap();
        assert_eq!((found, step.0), (root, 1));
        assert_eq!(names(&files), [root.to_string()]);
    }

    #[test]
    fn a_run_directory_that_was_removed_does_not_come_back() {
        let (_place, files) = started();
        std::fs::remove_dir_all(files.dir().path()).unwrap();
        let error = write(&files, 1).unwrap_err();
        let LedgerError::Io { path, source } = error else {
            panic!("{error}");
        };
        assert_eq!(source.kind(), ErrorKind::NotFound);
        assert!(path.starts_with(files.dir().checkpoints()));
        assert!(!files.dir().path().exists());
    }
    #[test]
    fn what_is_not_a_directory_is_neither_written_to_nor_removed() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("checkpoints");
        std::fs::write(&file, "").unwrap();
        let checkpoint = CheckpointFiles::new(&file, StateRoot([7; 32]));
        assert!(checkpoint.remove().is_err());
        assert!(remove_all(&checkpoint.dir).is_err());

        // The first thing that fails is named.
        let (_place, files) = started();
        std::fs::remove_dir_all(files.dir().checkpoints()).unwrap();
        let LedgerError::Io { path, .. } = write(&files, 1).unwrap_err() else {
            panic!("another error");
        };
        assert_eq!(path.parent(), Some(&*files.dir().checkpoints()));
    }
}
