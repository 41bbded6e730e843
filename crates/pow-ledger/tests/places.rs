//! Where runs are: under relative paths and links, under names in any bytes, and with
//! checkpoints that are read-only.
#![allow(clippy::unwrap_used, reason = "also in functions that tests share")]

mod support;

use pow_core::hash::StateRoot;
use pow_ledger::{ChainWriter, Durability, LedgerError, Reopened, RunDir, RunWriter};
use support::empty_checkpoint;
use tempfile::TempDir;

fn checkpoint(files: &RunWriter, step: u64) -> StateRoot {
    files.checkpoint(&empty_checkpoint(step)).unwrap()
}

fn append(chain: &mut ChainWriter) {
    chain.append(&[1; 80], &[2; 100]).unwrap();
    chain.check_place().unwrap();
}

fn reopen(run: &RunDir) -> Reopened {
    let saved = run.read_saved(|_| Ok::<(), LedgerError>(())).unwrap();
    saved.reopen(Durability::EveryBlock).unwrap()
}

#[test]
fn a_moved_working_directory_does_not_matter() {
    let (from, to) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    std::env::set_current_dir(from.path()).unwrap();
    let run = RunDir::new("runs/relative");
    let (files, mut chain) = run.create(b"{}", Durability::EveryBlock).unwrap();
    append(&mut chain);
    std::env::set_current_dir(to.path()).unwrap();
    append(&mut chain);
    let root = checkpoint(&files, 1);
    files.remove_checkpoint(root).unwrap();
    files.artifact(&[]).unwrap();
    drop((chain, files));
    append(&mut reopen(&run).chain);
    assert_eq!(run.open_chain().unwrap().count(), 3);
    assert!(from.path().join("runs/relative/chain.pow").is_file());
    assert_eq!(std::fs::read_dir(to.path()).unwrap().count(), 0);
}

#[cfg(unix)]
mod unix {
    use super::*;
    use pow_ledger::Weakness;
    use std::ffi::OsStr;
    use std::fs::Permissions;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

    /// Does with a run what a training does; returns its records and checkpoints.
    fn train(run: &RunDir) -> (usize, usize) {
        let (files, mut chain) = run.create(b"{}", Durability::EveryBlock).unwrap();
        checkpoint(&files, 0);
        append(&mut chain);
        drop((chain, files));
        let mut reopened = reopen(run);
        let root = checkpoint(&reopened.files, 1);
        append(&mut reopened.chain);
        reopened.files.artifact(&[]).unwrap();
        assert_eq!(run.checkpoint(root).recompute().unwrap().0, root);
        let records = run.open_chain().unwrap().count();
        (records, run.checkpoint_roots().unwrap().len())
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_run_can_have_a_name_of_any_bytes() {
        let place = TempDir::new().unwrap();
        for name in [&b"run \xff\xfe"[..], b"\n\x1b[2J", b"-", b"\xed\xa0\x80"] {
            let run = RunDir::new(place.path().join(OsStr::from_bytes(name)));
            assert_eq!(train(&run), (2, 2));
        }
    }

    #[test]
    fn a_run_can_be_a_link_to_scratch() {
        let place = TempDir::new().unwrap();
        let scratch = place.path().join("scratch");
        std::fs::create_dir(&scratch).unwrap();
        let link = place.path().join("run");
        symlink("scratch", &link).unwrap();
        assert_eq!(train(&RunDir::new(link)), (2, 2));
        assert!(scratch.join("chain.pow").is_file());
    }

    #[test]
    fn a_read_only_checkpoint_is_read_and_stays_and_that_is_said_once() {
        let place = TempDir::new().unwrap();
        let run = RunDir::new(place.path().join("run"));
        let (files, mut chain) = run.create(b"{}", Durability::EveryBlock).unwrap();
        append(&mut chain);
        let (first, second) = (checkpoint(&files, 1), checkpoint(&files, 2));
        drop((chain, files));
        let dir = run.checkpoint(first).dir().to_owned();
        for file in std::fs::read_dir(&dir).unwrap() {
            set_mode(&file.unwrap().path(), 0o444);
        }
        set_mode(&dir, 0o555);

        let mut reopened = reopen(&run);
        assert_eq!(run.checkpoint(first).recompute().unwrap().0, first);
        // What is there is written again without a change.
        assert_eq!(checkpoint(&reopened.files, 1), first);
        let stays = Weakness::CheckpointStays {
            path: dir.clone(),
            why: "it is read-only".into(),
        };
        for root in [first, second, first] {
            reopened.files.remove_checkpoint(root).unwrap();
        }
        assert_eq!(reopened.files.take_weaknesses(), [stays]);
        assert_eq!(reopened.files.take_weaknesses(), []);
        append(&mut reopened.chain);
        assert_eq!(run.checkpoint_roots().unwrap(), [first].into());
        assert_eq!(run.checkpoint(first).recompute().unwrap().0, first);
        set_mode(&dir, 0o755);
    }

    #[test]
    fn files_that_are_read_only_are_no_obstacle() {
        let place = TempDir::new().unwrap();
        let run = RunDir::new(place.path().join("run"));
        let (files, _chain) = run.create(b"{}", Durability::EveryBlock).unwrap();
        let root = checkpoint(&files, 1);
        set_mode(&run.checkpoint(root).model(), 0o444);
        files.remove_checkpoint(root).unwrap();
        assert!(!run.checkpoint(root).dir().exists());
        assert_eq!(files.take_weaknesses(), []);
    }
}
