//! STATE and ARTIFACT: whether the files beside the chain are those it commits to.

use crate::display::counted;
use crate::report::verdict::Verdict;
use crate::report::{Level, LevelReport};
use crate::source::RunSource;
use crate::tensors::{checkpoint_state, tensor_root};
use crate::walk::{WalkEnd, WalkedBlock};
use pow_core::body::{BodyKind, StepNumber};
use pow_core::hash::{FileDigest, StateRoot};
use pow_core::tensor::TensorHasher;
use pow_ledger::{LedgerError, RunFile, file_digest};
use std::collections::{BTreeMap, BTreeSet};

/// Collects the checkpoints that the chain commits to.
#[derive(Debug, Default)]
pub(crate) struct FileCheck {
    checkpoints: Vec<(StepNumber, StateRoot)>,
}

impl FileCheck {
    pub(crate) fn block(&mut self, walked: &WalkedBlock<'_>) {
        if let BodyKind::Steps(entries) = &walked.block.body().kind {
            let committed = entries
                .iter()
                .filter_map(|entry| Some((entry.step, entry.state_root()?)));
            self.checkpoints.extend(committed);
        }
    }

    /// STATE and ARTIFACT. `hasher` hashes the chunks of tensors.
    pub(crate) fn levels(
        &self,
        run: &dyn RunSource,
        hasher: &dyn TensorHasher,
        end: &WalkEnd,
    ) -> (LevelReport, LevelReport) {
        let there = match run.checkpoints() {
            Ok(None) => {
                return (
                    without_directory(Level::State),
                    without_directory(Level::Artifact),
                );
            }
            Ok(Some(there)) => Ok(there),
            Err(error) => Err(error),
        };
        (
            self.state_level(run, there, hasher, end),
            artifact_level(run, hasher, end),
        )
    }

    fn state_level(
        &self,
        run: &dyn RunSource,
        there: Result<BTreeSet<StateRoot>, LedgerError>,
        hasher: &dyn TensorHasher,
        end: &WalkEnd,
    ) -> LevelReport {
        let Some(chain) = &end.chain else {
            return LevelReport::new(Level::State, Verdict::NotChecked, "no genesis block");
        };
        let mut problems = Problems::default();
        problems.check_config(run, chain.genesis().config);
        let present = match there {
            Ok(there) => {
                let keep = chain.genesis().schedule.keep_checkpoints;
                self.check_present(run, &there, keep, hasher, &mut problems)
            }
            Err(error) => {
                problems.error("", &error);
                0
            }
        };
        let committed = counted(self.checkpoints.len() as u64, "checkpoint", "checkpoints");
        problems.level(match self.checkpoints.len() {
            0 => (
                Verdict::NotChecked,
                "config.json matches its digest, and the chain commits to no checkpoint".into(),
            ),
            _ => (
                Verdict::Holds,
                format!(
                    "config.json and {present} of {committed} present; all match their digests"
                ),
            ),
        })
    }

    /// Compares the checkpoints that are there with the chain. Returns how many are.
    fn check_present(
        &self,
        run: &dyn RunSource,
        there: &BTreeSet<StateRoot>,
        keep: Option<u32>,
        hasher: &dyn TensorHasher,
        problems: &mut Problems,
    ) -> u64 {
        let mut present = 0;
        // A chain can commit to one state a million times. It is read once.
        let mut read = BTreeMap::new();
        for (index, (step, root)) in self.checkpoints.iter().enumerate() {
            if !there.contains(root) {
                if self.must_keep(index, keep) {
                    problems.wrong(format!("checkpoint of step {step} ({root}) is missing"));
                }
                continue;
            }
            present += 1;
            let found = read
                .entry(*root)
                .or_insert_with(|| checkpoint_state(run, *root, hasher));
            match found {
                Ok(found) if *found == (*root, *step) => {}
                Ok((found_root, found_step)) => problems.wrong(format!(
                    "checkpoint of step {step} ({root}) holds step {found_step} with state root {found_root}"
                )),
                Err(error) => problems.error(&format!("checkpoint of step {step}: "), error),
            }
        }
        present
    }

    /// Whether the run must still have this checkpoint. The first and the last one are
    /// always kept, and as many of the newest as genesis declares.
    fn must_keep(&self, index: usize, keep: Option<u32>) -> bool {
        let newer = self.checkpoints.len() - 1 - index;
        index == 0 || newer == 0 || keep.is_none_or(|keep| newer <= keep as usize)
    }
}

/// What is wrong with the files, and which of them could not be read.
#[derive(Debug, Default)]
struct Problems {
    wrong: Vec<String>,
    unread: Vec<String>,
}

impl Problems {
    fn wrong(&mut self, line: String) {
        self.wrong.push(line);
    }

    fn error(&mut self, place: &str, error: &LedgerError) {
        let line = format!("{place}{error}");
        match error.could_not_read() {
            true => self.unread.push(line),
            false => self.wrong.push(line),
        }
    }

    fn check_config(&mut self, run: &dyn RunSource, expected: FileDigest) {
        let file = RunFile::Config;
        let found = run.open(file).and_then(|opened| {
            file_digest(opened.bytes).map_err(|source| LedgerError::Io {
                path: run.path(file),
                source,
            })
        });
        match found {
            Ok(found) if found == expected => {}
            Ok(found) => self.wrong(format!(
                "config.json has digest {found}, but genesis says {expected}"
            )),
            Err(error) => self.error("", &error),
        }
    }

    /// STATE, with this verdict and line if there is no problem.
    fn level(self, good: (Verdict, String)) -> LevelReport {
        let unread = self.unread.into_iter().map(|line| could_not(&line));
        let could_not_check = self.wrong.is_empty() && unread.len() > 0;
        let mut lines = self.wrong.into_iter().chain(unread);
        let (verdict, first) = match (lines.next(), could_not_check) {
            (None, _) => good,
            (Some(line), true) => (Verdict::NotChecked, line),
            (Some(line), false) => (Verdict::Fails, line),
        };
        let mut level = lines.fold(
            LevelReport::new(Level::State, verdict, first),
            LevelReport::line,
        );
        level.could_not_check = could_not_check;
        level
    }
}

fn could_not(error: &str) -> String {
    format!("could not check: {error}")
}

/// The verdict on a level about files beside the chain, if only the chain was given.
fn without_directory(level: Level) -> LevelReport {
    LevelReport::new(
        level,
        Verdict::NotChecked,
        "only the chain file was given, not the run directory around it",
    )
}

/// Whether model.safetensors is the model that the final block commits to.
fn artifact_level(run: &dyn RunSource, hasher: &dyn TensorHasher, end: &WalkEnd) -> LevelReport {
    let level = |verdict, line: String| LevelReport::new(Level::Artifact, verdict, line);
    let Some(last) = end.chain.as_ref().and_then(|chain| chain.end()) else {
        return level(Verdict::NotChecked, "there is no final block".into());
    };
    match tensor_root(run, RunFile::Artifact, hasher) {
        Ok(root) if root == last.artifact => level(
            Verdict::Holds,
            format!(
                "model.safetensors is the model of step {} ({root})",
                last.steps
            ),
        ),
        Ok(root) => level(
            Verdict::Fails,
            format!(
                "model.safetensors has root {root}, but the final block says {}",
                last.artifact
            ),
        ),
        Err(error) if error.could_not_read() => LevelReport {
            could_not_check: true,
            ..level(Verdict::NotChecked, could_not(&error.to_string()))
        },
        Err(error) => level(Verdict::Fails, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_the_last_and_the_newest_checkpoints_must_be_there() {
        let checkpoints = (0..6u8).map(|n| (StepNumber(n.into()), StateRoot([n; 32])));
        let check = FileCheck {
            checkpoints: checkpoints.collect(),
        };
        let kept = |keep: Option<u32>| -> Vec<usize> {
            let all = 0..check.checkpoints.len();
            all.filter(|index| check.must_keep(*index, keep)).collect()
        };
        assert_eq!(kept(None), [0, 1, 2, 3, 4, 5]);
        assert_eq!(kept(Some(0)), [0, 5]);
        assert_eq!(kept(Some(2)), [0, 3, 4, 5]);
        assert_eq!(kept(Some(4)), [0, 1, 2, 3, 4, 5]);
        assert_eq!(kept(Some(9)), [0, 1, 2, 3, 4, 5]);
    }
}
