//! The directory of one run: its paths, and how its files are opened.

use crate::chain::reader::ChainReader;
use crate::digest::file_digest;
use crate::error::LedgerError;
use crate::open::open_inside;
use crate::run::beside::named_in;
use crate::run::checkpoint::CheckpointFiles;
use crate::run::owner::note::OWNER;
use crate::run::run_file::{CHECKPOINTS, RunFile};
use pow_core::hash::{FileDigest, StateRoot};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// The paths of a run's files. They stay the same if the process changes its working
/// directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir(PathBuf);

impl RunDir {
    /// The run at `path`. A relative path is taken from the working directory of this
    /// moment. Links in it are not resolved, and nothing is read or written.
    ///
    /// ```
    /// use pow_ledger::RunDir;
    ///
    /// let run = RunDir::new("runs/digits");
    /// assert_eq!(run.path(), std::env::current_dir()?.join("runs").join("digits"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // An empty path, or a working directory that is gone: opening a file says it.
        RunDir(std::path::absolute(&path).unwrap_or(path))
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The chain file.
    pub fn chain(&self) -> PathBuf {
        self.0.join(RunFile::Chain.path())
    }

    /// The configuration of the program that trained. Its bytes never change.
    pub fn config(&self) -> PathBuf {
        self.0.join(RunFile::Config.path())
    }

    /// A number for each sample, from which the order of samples follows. Runs whose order
    /// needs no table have no such file.
    pub fn order_table(&self) -> PathBuf {
        self.0.join(RunFile::OrderTable.path())
    }

    /// The final artifact: the trained model.
    pub fn artifact(&self) -> PathBuf {
        self.0.join(RunFile::Artifact.path())
    }

    /// The writer's lock file.
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// The file that names the process that writes to the run. If there is none, nobody
    /// does.
    pub fn owner(&self) -> PathBuf {
        self.0.join(OWNER)
    }

    /// The checkpoints' directory.
    pub fn checkpoints(&self) -> PathBuf {
        self.0.join(CHECKPOINTS)
    }

    /// The files of the checkpoint with this state root.
    pub fn checkpoint(&self, root: StateRoot) -> CheckpointFiles {
        CheckpointFiles::new(&self.0, root)
    }

    /// Opens one of its files for reading. It never waits, and follows no link inside the
    /// run. The run's own path may be a link.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if it is not a regular file or is reached through a link,
    /// [`LedgerError::Io`] if it is missing or the system refuses.
    pub fn open(&self, file: RunFile) -> Result<File, LedgerError> {
        open_inside(&self.0, &file.path())
    }

    /// Opens the chain file and checks its header.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`LedgerError::Chain`] if the file header is missing or
    /// wrong.
    pub fn open_chain(&self) -> Result<ChainReader<BufReader<File>>, LedgerError> {
        ChainReader::of_file(self.open(RunFile::Chain)?, &self.chain())
    }

    /// The state roots that name something in the directory of checkpoints. Other names
    /// there have no meaning. If the directory is missing, there are none.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Kind`] if it is a link or no directory, [`LedgerError::Io`] if it
    /// cannot be read.
    pub fn checkpoint_roots(&self) -> Result<BTreeSet<StateRoot>, LedgerError> {
        named_in(&self.checkpoints(), |name| {
            let root: StateRoot = name.parse().ok()?;
            // A root can be written in several ways, and only one is the name.
            (name == root.to_string()).then_some(root)
        })
    }

    /// Digest of config.json. It is read piece by piece.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn config_digest(&self) -> Result<FileDigest, LedgerError> {
        let file = self.open(RunFile::Config)?;
        file_digest(file).map_err(LedgerError::io(&self.config()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChainWriter, Checkpoint, Durability, RunWriter};
    use pow_core::body::StepNumber;
    use pow_core::state::RestOfState;
    use pow_core::tensor::TensorSet;

    type Writers = (RunWriter, ChainWriter);

    /// Whether the directory is still there after a use of the run.
    fn stays(used: impl FnOnce(&mut Writers)) -> bool {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path().join("runs/run"));
        let mut writers = run.create(b"{}", Durability::Grouped).unwrap();
        used(&mut writers);
        drop(writers);
        run.remove_unused().unwrap();
        assert!(place.path().join("runs").exists());
        run.path().exists()
    }

    #[test]
    fn only_a_run_that_nobody_used_is_removed() {
        assert!(!stays(|_| {}));
        assert!(stays(|(_, chain)| {
            chain.append(&[1; 80], &[2; 100]).unwrap();
        }));
        assert!(stays(|(files, _)| {
            std::fs::write(files.dir().path().join("notes.txt"), "").unwrap();
        }));
        assert!(stays(|(files, _)| {
            let empty = TensorSet::new().root();
            let rest = RestOfState {
                optimizer: empty,
                scheduler_steps: 0,
                seed_position: 0,
                cursor: 0,
            };
            let checkpoint = Checkpoint {
                step: StepNumber(0),
                parameters: empty,
                rest,
                model: &[],
                optimizer: &[],
            };
            // What is there already is written again.
            let root = files.checkpoint(&checkpoint).unwrap();
            assert_eq!(files.checkpoint(&checkpoint).unwrap(), root);
        }));
    }

    #[test]
    fn a_run_is_never_created_over_something() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("mine"), "").unwrap();
        let run = RunDir::new(place.path());
        let error = run.create(b"{}", Durability::Grouped).unwrap_err();
        assert!(matches!(error, LedgerError::Exists(path) if path == place.path()));
    }

    #[test]
    fn a_run_without_the_directory_of_checkpoints_has_none() {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path().join("run"));
        assert_eq!(run.checkpoint_roots().unwrap(), BTreeSet::new());
        // Here the system cannot say whether there is one.
        std::fs::write(run.path(), "").unwrap();
        assert!(run.checkpoint_roots().is_err());
    }

    /// The longest path is that of config.json while it is written.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_run_that_cannot_be_filled_leaves_nothing() {
        let place = tempfile::tempdir().unwrap();
        let mut parent = place.path().to_owned();
        while parent.as_os_str().len() < 3850 {
            parent.push("x".repeat(100));
        }
        // Linux opens paths of up to 4095 bytes.
        let name = "x".repeat(4095 - "/checkpoints".len() - 1 - parent.as_os_str().len());
        let run = RunDir::new(parent.join(name));
        let error = run.create(b"{}", Durability::Grouped).unwrap_err();
        assert!(matches!(&error, LedgerError::Io { path, .. } if *path == run.config()));
        assert!(!run.path().exists());
        assert!(parent.exists());
    }

    #[test]
    fn a_run_whose_parent_cannot_be_made_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        let run = RunDir::new(file.join("run"));
        let error = run.create(b"{}", Durability::Grouped).unwrap_err();
        assert!(matches!(error, LedgerError::Io { .. }), "{error}");
    }
}
