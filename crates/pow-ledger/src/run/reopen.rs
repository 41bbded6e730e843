//! Continuing a run whose writer was stopped or killed.

use crate::chain::reader::TornTail;
use crate::chain::record::Record;
use crate::chain::writer::{ChainWriter, Durability};
use crate::error::LedgerError;
use crate::files::{staging_path, sync_parent, write_new};
use crate::open::{kind_at, open_to_write};
use crate::run::checkpoint::remove_unfinished;
use crate::run::owner::claim::{Rival, claim, remove_unplaced, take_lock};
use crate::run::owner::ownership::Ownership;
use crate::run::run_dir::RunDir;
use crate::run::run_writer::RunWriter;
use crate::run::surroundings::Surroundings;
use crate::weakness::Weakness;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An incomplete record that was moved out of a chain file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Where it started, and how many bytes it had.
    pub torn: TornTail,
    /// The file that these bytes were moved to.
    pub kept: PathBuf,
}

/// A run that can be written to again.
#[derive(Debug)]
pub struct Reopened {
    /// Writes the files beside the chain and holds the lock.
    pub files: RunWriter,
    /// Appends after the last whole record.
    pub chain: ChainWriter,
    /// The incomplete record that was at the end of the file.
    pub recovered: Option<Recovered>,
}

/// A run that was read and is locked, but is not yet open for writing.
#[derive(Debug)]
pub struct SavedRun {
    dir: RunDir,
    owner: Ownership,
    end: u64,
    torn: Option<TornTail>,
}

impl RunDir {
    /// Takes the lock of an existing run, becomes its owner, and calls `visit` with every
    /// record of its chain file. What is in the run is not changed.
    ///
    /// If the run's last writer was killed on another machine, or the file system has no
    /// locks, this waits up to half a minute to see whether that writer still lives.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Locked`] or [`LedgerError::Owned`] if somebody else writes to the run,
    /// [`LedgerError::Chain`] if the file is damaged, [`LedgerError::Io`] if it cannot
    /// be read, and whatever `visit` returns.
    pub fn read_saved<E: From<LedgerError>>(
        &self,
        visit: impl FnMut(&Record) -> Result<(), E>,
    ) -> Result<SavedRun, E> {
        self.read_saved_in(&Surroundings::real(), visit)
    }

    /// The same as [`read_saved`](Self::read_saved), in surroundings that a test chooses.
    ///
    /// # Errors
    ///
    /// As [`read_saved`](Self::read_saved).
    #[doc(hidden)]
    pub fn read_saved_in<E: From<LedgerError>>(
        &self,
        around: &Surroundings,
        mut visit: impl FnMut(&Record) -> Result<(), E>,
    ) -> Result<SavedRun, E> {
        let path = self.chain();
        // First, so that no lock file is made in a directory that is not a run.
        drop(self.open_chain()?);
        let lock = take_lock(&self.lock(), around)?;
        let claimed = claim(self.path(), lock, Rival::Watch, around)?;
        let owner = claimed.with_chain_of_its_own(&path)?;
        // Now nobody else writes to it.
        let mut reader = self.open_chain()?;
        for record in reader.by_ref() {
            let record = record.map_err(|source| LedgerError::Chain {
                path: path.clone(),
                source,
            })?;
            visit(&record)?;
        }
        Ok(SavedRun {
            dir: self.clone(),
            owner,
            end: reader.offset(),
            torn: reader.torn(),
        })
    }
}

impl SavedRun {
    /// Opens the run for writing.
    ///
    /// If the chain file ends inside a record, the bytes of that record are moved to
    /// `chain.pow.torn`. If that exists, they are moved to `chain.pow.torn.1`, and so
    /// on. Nothing else is ever cut off. Unfinished checkpoints are removed.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Io`] if a file cannot be read, written or removed.
    pub fn reopen(self, durability: Durability) -> Result<Reopened, LedgerError> {
        let path = self.dir.chain();
        let recovered = match self.torn {
            Some(torn) => Some(cut_off(&path, torn)?),
            None => None,
        };
        for (path, why) in remove_unfinished(&self.dir.checkpoints())? {
            self.owner
                .note_weakness(Weakness::CheckpointStays { path, why });
        }
        remove_unplaced(self.dir.path(), &staging_path(&path));
        let owner = Arc::new(self.owner);
        let chain = ChainWriter::at_end(&path, durability, self.end)?.of_run(owner.clone())?;
        let files = RunWriter::new(self.dir, owner);
        Ok(Reopened {
            files,
            chain,
            recovered,
        })
    }
}

/// Copies the torn bytes to another file, then cuts them off.
fn cut_off(path: &Path, torn: TornTail) -> Result<Recovered, LedgerError> {
    let mut file = open_to_write(path, false)?;
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(torn.offset))
        .and_then(|_| file.read_to_end(&mut bytes))
        .map_err(LedgerError::io(path))?;
    let kept = unused_name(path)?;
    write_new(&kept, &bytes)?;
    file.set_len(torn.offset)
        .and_then(|()| file.sync_all())
        .map_err(LedgerError::io(path))?;
    sync_parent(path)?;
    Ok(Recovered { torn, kept })
}

/// A name beside the chain file at which nothing is, not even a link to nothing.
fn unused_name(path: &Path) -> Result<PathBuf, LedgerError> {
    let named = |suffix: String| {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(suffix);
        path.with_file_name(name)
    };
    let mut name = named(".torn".into());
    let mut number = 0u64;
    while kind_at(&name)?.is_some() {
        number += 1;
        name = named(format!(".torn.{number}"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{read, write};

    const BLOCK: [u8; 80] = [1; 80];
    const BODY: [u8; 100] = [2; 100];

    fn started() -> (tempfile::TempDir, RunDir) {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path().join("run"));
        let (_files, mut chain) = run.create(b"{}", Durability::EveryBlock).unwrap();
        chain.append(&BLOCK, &BODY).unwrap();
        chain.append(&BLOCK, &BODY).unwrap();
        (place, run)
    }

    fn reopen(run: &RunDir) -> Result<(usize, Reopened), LedgerError> {
        let mut seen = 0;
        let saved = run.read_saved(|record| {
            assert_eq!(
                (&record.block[..], &record.body[..]),
                (&BLOCK[..], &BODY[..])
            );
            seen += 1;
            Ok::<(), LedgerError>(())
        })?;
        Ok((seen, saved.reopen(Durability::Grouped)?))
    }

    #[test]
    fn records_are_appended_after_those_that_are_there() {
        let (_place, run) = started();
        let (seen, mut reopened) = reopen(&run).unwrap();
        assert_eq!((seen, &reopened.recovered), (2, &None));
        reopened.chain.append(&BLOCK, &BODY).unwrap();
        drop(reopened);
        assert_eq!(reopen(&run).unwrap().0, 3);
    }

    #[test]
    fn a_torn_record_is_moved_wherever_it_is_torn() {
        let (_place, run) = started();
        let whole = read(run.chain()).unwrap();
        let second = 16 + (whole.len() - 16) / 2;
        for cut in second + 1..whole.len() {
            write(run.chain(), &whole[..cut]).unwrap();
            let (seen, mut reopened) = reopen(&run).unwrap();
            assert_eq!(seen, 1, "cut at {cut}");
            let recovered = reopened.recovered.take().unwrap();
            assert_eq!(recovered.torn.offset, second as u64);
            assert_eq!(read(recovered.kept).unwrap(), whole[second..cut]);
            assert_eq!(read(run.chain()).unwrap(), whole[..second]);
            reopened.chain.append(&BLOCK, &BODY).unwrap();
            drop(reopened);
            assert_eq!(read(run.chain()).unwrap(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn unfinished_checkpoints_are_removed_and_nothing_else() {
        let (_place, run) = started();
        for name in ["whole", "half.tmp"] {
            let dir = run.checkpoints().join(name);
            std::fs::create_dir(&dir).unwrap();
            write(dir.join("state.json"), "{}").unwrap();
        }
        reopen(&run).unwrap();
        assert!(run.checkpoints().join("whole/state.json").exists());
        assert_eq!(std::fs::read_dir(run.checkpoints()).unwrap().count(), 1);
    }

    #[test]
    fn damage_is_not_a_torn_record_and_stays() {
        let (_place, run) = started();
        let mut bytes = read(run.chain()).unwrap();
        let last = bytes.len() - 1;
        for at in [16, 40, 250, last] {
            bytes[at] ^= 1;
            write(run.chain(), &bytes).unwrap();
            let error = reopen(&run).unwrap_err();
            assert!(matches!(error, LedgerError::Chain { .. }), "{error}");
            assert_eq!(read(run.chain()).unwrap(), bytes);
            bytes[at] ^= 1;
        }
        assert!(!run.path().join("chain.pow.torn").exists());
    }

    #[test]
    fn a_run_that_visit_refuses_is_not_changed() {
        let (_place, run) = started();
        let whole = read(run.chain()).unwrap();
        let torn = &whole[..whole.len() - 1];
        write(run.chain(), torn).unwrap();
        let refused = run.read_saved(|_| Err(LedgerError::Poisoned("refused".into())));
        assert!(matches!(refused, Err(LedgerError::Poisoned(_))));
        assert_eq!(read(run.chain()).unwrap(), torn);
        // Nothing is changed before `reopen` either.
        drop(run.read_saved(|_| Ok::<(), LedgerError>(())).unwrap());
        assert_eq!(read(run.chain()).unwrap(), torn);
    }

    #[test]
    fn a_run_has_one_writer() {
        let (_place, run) = started();
        let held = reopen(&run).unwrap();
        assert!(matches!(reopen(&run), Err(LedgerError::Locked(_))));
        drop(held);
        reopen(&run).unwrap();
    }

    #[test]
    fn a_directory_that_is_not_a_run_gets_no_lock_file() {
        let place = tempfile::tempdir().unwrap();
        let run = RunDir::new(place.path());
        assert!(matches!(reopen(&run), Err(LedgerError::Io { .. })));
        assert!(!run.lock().exists());
    }
}
