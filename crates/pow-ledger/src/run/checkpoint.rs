//! Checkpoints: the whole training state at a step, in a directory that is named by
//! its state root.

use crate::error::LedgerError;
use crate::file_kind::FileKind;
use crate::files::{sync_parent, write_atomically};
use crate::open::{kind_at, open_inside, require_directory};
use crate::refusal::patiently;
use crate::run::run_file::{CHECKPOINTS, CheckpointPart, RunFile};
use crate::run::state_file::StateFile;
use crate::tensors::tensor_file::TensorFile;
use crate::tensors::write::{Tensor, write_tensors};
use pow_core::body::StepNumber;
use pow_core::hash::{ParameterRoot, PlainSha2, StateRoot};
use pow_core::state::{RestOfState, state_root};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Error, ErrorKind};
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

/// The end of the name of a directory that is not a whole checkpoint.
const STAGING: &str = ".tmp";

/// The files of one checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointFiles {
    run: PathBuf,
    root: StateRoot,
    dir: PathBuf,
}

impl CheckpointFiles {
    /// The checkpoint of `root` in a run's directory.
    pub(crate) fn new(run: &Path, root: StateRoot) -> Self {
        CheckpointFiles {
            run: run.to_owned(),
            root,
            dir: run.join(CHECKPOINTS).join(root.to_string()),
        }
    }

    /// The state root that names it.
    pub fn root(&self) -> StateRoot {
        self.root
    }

    /// The checkpoint's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The parameters' file.
    pub fn model(&self) -> PathBuf {
        self.dir.join(CheckpointPart::Model.name())
    }

    /// The optimizer's file.
    pub fn optimizer(&self) -> PathBuf {
        self.dir.join(CheckpointPart::Optimizer.name())
    }

    /// The file of the other numbers.
    pub fn state(&self) -> PathBuf {
        self.dir.join(CheckpointPart::State.name())
    }

    /// Opens the parameters' file or the optimizer's.
    ///
    /// # Errors
    ///
    /// As [`open_inside`] and [`TensorFile::open`].
    pub fn open_tensors(&self, part: CheckpointPart) -> Result<TensorFile, LedgerError> {
        TensorFile::of_file(self.open(part)?, &self.dir.join(part.name()))
    }

    /// Computes the state root from the files and reads the step.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] if a file is missing or malformed.
    pub fn recompute(&self) -> Result<(StateRoot, StepNumber), LedgerError> {
        let root = |part| self.open_tensors(part)?.root_with(&PlainSha2);
        let parameters = root(CheckpointPart::Model)?;
        let optimizer = root(CheckpointPart::Optimizer)?;
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
        StateFile::read(self.open(CheckpointPart::State)?, &self.state())
    }

    fn open(&self, part: CheckpointPart) -> Result<File, LedgerError> {
        open_inside(&self.run, &RunFile::Checkpoint(self.root, part).path())
    }

    /// Writes the checkpoint into a staging directory and renames that.
    pub(crate) fn write(&self, checkpoint: &Checkpoint<'_>) -> Result<(), LedgerError> {
        require_directory(&self.run.join(CHECKPOINTS))?;
        match kind_at(&self.dir)? {
            None => {}
            // The name is the hash of the content, so this is the same checkpoint. But its
            // writer may have been killed between renaming and syncing.
            Some(FileKind::Directory) => return sync_parent(&self.dir),
            Some(found) => {
                return Err(LedgerError::Kind {
                    path: self.dir.clone(),
                    expected: FileKind::Directory,
                    found,
                });
            }
        }
        let staging = self.staging();
        // What a killed writer left there, or a link that would lead elsewhere.
        remove_all(&staging)?;
        // Without the directories above it: a run directory that was removed must not come back
        // without its chain.
        std::fs::create_dir(&staging).map_err(LedgerError::io(&staging))?;
        let path = |part: CheckpointPart| staging.join(part.name());
        write_tensors(&path(CheckpointPart::Model), checkpoint.model)?;
        write_tensors(&path(CheckpointPart::Optimizer), checkpoint.optimizer)?;
        let state = StateFile::of(checkpoint.step, &checkpoint.rest);
        let path = path(CheckpointPart::State);
        let json = serde_json::to_vec_pretty(&state).map_err(|error| LedgerError::State {
            path: path.clone(),
            reason: error.to_string(),
        })?;
        write_atomically(&path, &json)?;
        // Writing the last file has synced the staging directory with all its names.
        rename(&staging, &self.dir).map_err(LedgerError::io(&self.dir))?;
        sync_parent(&self.dir)
    }

    /// Renames the checkpoint and then removes it. If its files were removed one by one
    /// in place, a reader could take it for a damaged checkpoint. A checkpoint that
    /// somebody made read-only stays whole.
    pub(crate) fn remove(&self) -> Result<(), LedgerError> {
        require_directory(&self.run.join(CHECKPOINTS))?;
        let is_read_only = |meta: std::fs::Metadata| meta.is_dir() && meta.permissions().readonly();
        if std::fs::symlink_metadata(&self.dir).is_ok_and(is_read_only) {
            let reason = "it is read-only";
            let error = Error::new(ErrorKind::PermissionDenied, reason);
            return Err(LedgerError::io(&self.dir)(error));
        }
        let doomed = self.staging();
        remove_all(&doomed)?;
        match rename(&self.dir, &doomed) {
            Err(source) if source.kind() == ErrorKind::NotFound => return Ok(()),
            renamed => renamed.map_err(LedgerError::io(&self.dir))?,
        }
        sync_parent(&self.dir)?;
        remove_all(&doomed)
    }

    /// Renames a damaged checkpoint to a name that is free.
    pub(crate) fn set_aside(&self) -> Result<PathBuf, LedgerError> {
        require_directory(&self.run.join(CHECKPOINTS))?;
        let mut number = 1_u32;
        let aside = loop {
            let name = format!("{}.damaged{number}", self.root);
            let path = self.dir.with_file_name(name);
            if kind_at(&path)?.is_none() {
                break path;
            }
            number = number.saturating_add(1);
        };
        rename(&self.dir, &aside).map_err(LedgerError::io(&self.dir))?;
        sync_parent(&self.dir)?;
        Ok(aside)
    }

    /// The directory of the checkpoint before it is whole, and while it is removed.
    fn staging(&self) -> PathBuf {
        self.dir.with_file_name(format!("{}{STAGING}", self.root))
    }
}

fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    patiently(|| std::fs::rename(from, to))
}

/// Removes the checkpoints that a killed writer had not finished writing or removing. If
/// the directory is a link, nothing is removed, and that is an error. Returns what the system
/// does not remove, and why: it has no meaning, and does no harm.
pub(crate) fn remove_unfinished(checkpoints: &Path) -> Result<Vec<(PathBuf, String)>, LedgerError> {
    require_directory(checkpoints)?;
    let mut stay = Vec::new();
    let entries = std::fs::read_dir(checkpoints).map_err(LedgerError::io(checkpoints))?;
    for entry in entries {
        let entry = entry.map_err(LedgerError::io(checkpoints))?;
        if is_unfinished(&entry.file_name()) {
            match remove_all(&entry.path()) {
                Err(LedgerError::Io { path, source }) => stay.push((path, source.to_string())),
                removed => removed?,
            }
        }
    }
    Ok(stay)
}

/// Whether a checkpoint with this name was not finished.
pub(crate) fn is_unfinished(name: &OsStr) -> bool {
    name.to_string_lossy().ends_with(STAGING)
}

/// Removes a directory with everything in it, or whatever else is there. A link is
/// removed itself, and nothing that it points to. A missing path is not an error.
pub(crate) fn remove_all(path: &Path) -> Result<(), LedgerError> {
    let removed = match kind_at(path)? {
        None => return Ok(()),
        Some(FileKind::Directory) => patiently(|| std::fs::remove_dir_all(path)),
        Some(_) => patiently(|| std::fs::remove_file(path)),
    };
    removed.map_err(LedgerError::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::names;
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

    #[test]
    fn a_checkpoint_is_removed_after_an_earlier_removal_was_interrupted() {
        let (_place, files) = started();
        let (kept, gone) = (write(&files, 1).unwrap(), write(&files, 2).unwrap());
        let doomed = files.dir().checkpoint(gone).staging();
        std::fs::create_dir(&doomed).unwrap();
        std::fs::write(doomed.join("state.json"), "half").unwrap();
        files.remove_checkpoint(gone).unwrap();
        assert_eq!(names(&files.dir().checkpoints()), [kept.to_string()]);
        // It may already be gone.
        files.remove_checkpoint(gone).unwrap();
        assert_eq!(names(&files.dir().checkpoints()), [kept.to_string()]);
    }

    #[test]
    fn a_checkpoint_is_written_after_an_earlier_writer_was_killed() {
        let (_place, files) = started();
        let root = write(&files, 1).unwrap();
        let checkpoint = files.dir().checkpoint(root);
        std::fs::rename(checkpoint.dir(), checkpoint.staging()).unwrap();
        std::fs::write(checkpoint.staging().join("model.safetensors"), "half").unwrap();
        assert_eq!(write(&files, 1).unwrap(), root);
        let (found, step) = checkpoint.recompute().unwrap();
        assert_eq!((found, step.0), (root, 1));
        assert_eq!(names(&files.dir().checkpoints()), [root.to_string()]);
    }

    #[test]
    fn a_damaged_checkpoint_is_set_aside_and_written_again() {
        let (_place, files) = started();
        let root = write(&files, 1).unwrap();
        let checkpoint = files.dir().checkpoint(root);
        for damage in ["first", "second"] {
            std::fs::write(checkpoint.model(), damage).unwrap();
            let aside = files.set_aside_checkpoint(root).unwrap();
            assert_eq!(
                std::fs::read(aside.join("model.safetensors")).unwrap(),
                damage.as_bytes()
            );
            assert_eq!(write(&files, 1).unwrap(), root);
            assert_eq!(checkpoint.recompute().unwrap().0, root);
        }
        assert_eq!(files.dir().checkpoint_roots().unwrap(), [root].into());
        assert_eq!(names(&files.dir().checkpoints()).len(), 3);
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
    }
}
