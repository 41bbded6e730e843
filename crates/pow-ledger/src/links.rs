//! Tests: whatever a stranger put into a run, nothing outside it is written or removed.

use crate::{Checkpoint, Durability, LedgerError, RunDir, RunWriter};
use pow_core::body::StepNumber;
use pow_core::hash::StateRoot;
use pow_core::state::{RestOfState, state_root};
use pow_core::tensor::TensorSet;
use std::fs::{read, write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use tempfile::TempDir;

/// A run with one block, and a file and a directory outside it that must stay as they are.
struct Bench {
    _place: TempDir,
    run: RunDir,
    file: PathBuf,
    dir: PathBuf,
}

const PRECIOUS: &[u8] = b"precious";

impl Bench {
    fn new() -> Self {
        let place = TempDir::new().unwrap();
        let run = RunDir::new(place.path().join("run"));
        let (_files, mut chain) = run.create(b"{}", Durability::EveryBlock).unwrap();
        chain.append(&[1; 80], &[2; 100]).unwrap();
        let (file, dir) = (place.path().join("file"), place.path().join("dir"));
        write(&file, PRECIOUS).unwrap();
        std::fs::create_dir(&dir).unwrap();
        for name in ["state.json", "state.json.tmp", "model.safetensors", "x.tmp"] {
            write(dir.join(name), PRECIOUS).unwrap();
        }
        Bench {
            _place: place,
            run,
            file,
            dir,
        }
    }

    /// Puts a link in the place of the directory of checkpoints; returns what its error says.
    fn link_checkpoints(&self) -> String {
        let path = self.run.checkpoints();
        std::fs::remove_dir(&path).unwrap();
        symlink(&self.dir, &path).unwrap();
        format!("{}: not a directory: it is a symbolic link", path.display())
    }

    /// Reopens the run, writes a checkpoint and an artifact, and removes the checkpoint.
    fn use_it(&self) -> Result<(), LedgerError> {
        let saved = self.run.read_saved(|_| Ok::<(), LedgerError>(()))?;
        let mut reopened = saved.reopen(Durability::EveryBlock)?;
        reopened.chain.append(&[1; 80], &[2; 100])?;
        let root = checkpoint(&reopened.files)?;
        reopened.files.artifact(&[])?;
        reopened.files.remove_checkpoint(root)
    }

    /// Nothing outside the run has changed.
    #[track_caller]
    fn is_untouched(&self, case: &str) {
        assert_eq!(read(&self.file).unwrap(), PRECIOUS, "{case}");
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(read(entry.path()).unwrap(), PRECIOUS, "{case}");
            names.push(entry.file_name().into_string().unwrap());
        }
        names.sort();
        let expected = ["model.safetensors", "state.json", "state.json.tmp", "x.tmp"];
        assert_eq!(names, expected, "{case}");
    }
}

fn checkpoint(files: &RunWriter) -> Result<StateRoot, LedgerError> {
    let empty = TensorSet::new().root();
    files.checkpoint(&Checkpoint {
        step: StepNumber(1),
        parameters: empty,
        rest: rest(),
        model: &[],
        optimizer: &[],
    })
}

fn rest() -> RestOfState {
    RestOfState {
        optimizer: TensorSet::new().root(),
        scheduler_steps: 1,
        seed_position: 1,
        cursor: 1,
    }
}

/// Links in the places of files that are written, and what then happens.
#[test]
fn links_in_the_places_of_files() {
    let root = state_root(TensorSet::new().root(), rest().root());
    // A refusal, or the link itself is replaced.
    for case in ["lock", "chain.pow", "owner"] {
        let bench = Bench::new();
        let path = bench.run.path().join(case);
        let _ = std::fs::remove_file(&path);
        symlink(&bench.file, &path).unwrap();
        let error = bench.use_it().unwrap_err().to_string();
        let words = format!(
            "{}: not a regular file: it is a symbolic link",
            path.display()
        );
        assert_eq!(error, words);
        bench.is_untouched(case);
    }
    for name in ["model.safetensors", "model.safetensors.tmp"] {
        let bench = Bench::new();
        symlink(&bench.file, bench.run.path().join(name)).unwrap();
        bench.use_it().unwrap();
        bench.is_untouched(name);
        assert!(bench.run.artifact().symlink_metadata().unwrap().is_file());
    }
    for name in ["leftover.tmp".to_owned(), format!("{root}.tmp")] {
        let bench = Bench::new();
        symlink(&bench.dir, bench.run.checkpoints().join(&name)).unwrap();
        bench.use_it().unwrap();
        bench.is_untouched(&name);
    }
}

#[test]
fn a_link_in_the_place_of_a_checkpoint_is_refused() {
    let root = state_root(TensorSet::new().root(), rest().root());
    let bench = Bench::new();
    let dir = bench.run.checkpoint(root).dir().to_owned();
    symlink(&bench.dir, &dir).unwrap();
    let error = bench.use_it().unwrap_err().to_string();
    let words = format!("{}: not a directory: it is a symbolic link", dir.display());
    assert_eq!(error, words);
    bench.is_untouched("a checkpoint");
}

#[test]
fn a_link_in_the_place_of_all_checkpoints_is_refused() {
    let bench = Bench::new();
    let words = bench.link_checkpoints();
    assert_eq!(bench.use_it().unwrap_err().to_string(), words);
    bench.is_untouched("checkpoints");
    // Nor is such a run removed.
    bench.run.remove_unused().unwrap();
    bench.is_untouched("checkpoints");
    assert!(bench.run.chain().exists());

    // The link may come while the run is written.
    let bench = Bench::new();
    let saved = bench.run.read_saved(|_| Ok::<(), LedgerError>(())).unwrap();
    let files = saved.reopen(Durability::EveryBlock).unwrap().files;
    let words = bench.link_checkpoints();
    let root = state_root(TensorSet::new().root(), rest().root());
    for refused in [checkpoint(&files).map(drop), files.remove_checkpoint(root)] {
        assert_eq!(refused.unwrap_err().to_string(), words);
    }
    bench.is_untouched("checkpoints");
}

#[test]
fn a_run_with_a_link_to_checkpoints_is_never_unused() {
    let place = TempDir::new().unwrap();
    let run = RunDir::new(place.path().join("run"));
    drop(run.create(b"{}", Durability::Grouped).unwrap());
    std::fs::rename(run.checkpoints(), place.path().join("moved")).unwrap();
    symlink(place.path().join("moved"), run.checkpoints()).unwrap();
    run.remove_unused().unwrap();
    assert!(run.chain().exists());
}

#[test]
fn torn_bytes_are_not_moved_over_a_link() {
    let bench = Bench::new();
    let whole = read(bench.run.chain()).unwrap();
    write(bench.run.chain(), &whole[..whole.len() - 1]).unwrap();
    // One to a file, one to nothing.
    let torn = |suffix: &str| bench.run.path().join(format!("chain.pow.torn{suffix}"));
    symlink(&bench.file, torn("")).unwrap();
    symlink("nothing", torn(".1")).unwrap();
    symlink(&bench.file, torn(".2.tmp")).unwrap();
    bench.use_it().unwrap();
    bench.is_untouched("chain.pow.torn");
    assert_eq!(read(torn(".2")).unwrap(), whole[16..whole.len() - 1]);
    assert!(torn(".1").is_symlink());
}

/// The lock of a run is also its owner's file: another writer may keep a note in it.
#[test]
fn a_lock_is_never_cut_off() {
    let bench = Bench::new();
    write(bench.run.lock(), PRECIOUS).unwrap();
    bench.use_it().unwrap();
    assert_eq!(read(bench.run.lock()).unwrap(), PRECIOUS);
    let held = bench.run.read_saved(|_| Ok::<(), LedgerError>(())).unwrap();
    let refused = bench.use_it().unwrap_err();
    assert!(matches!(refused, LedgerError::Locked(_)), "{refused}");
    assert_eq!(read(bench.run.lock()).unwrap(), PRECIOUS);
    drop(held);
}
