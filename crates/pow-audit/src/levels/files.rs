//! STATE and ARTIFACT: whether the files beside the chain are those it commits to.

use crate::display::counted;
use crate::report::{Level, LevelReport, Verdict};
use crate::walk::{WalkEnd, WalkedBlock};
use pow_core::body::{BodyKind, StepNumber};
use pow_core::hash::{FileDigest, StateRoot};
use pow_core::tensor::TensorHasher;
use pow_ledger::{RunDir, TensorFile};
use std::collections::BTreeMap;

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

    pub(crate) fn state_level(
        &self,
        run: &RunDir,
        hasher: &dyn TensorHasher,
        end: &WalkEnd,
    ) -> LevelReport {
        let Some(chain) = &end.chain else {
            return LevelReport::new(Level::State, Verdict::NotChecked, "no genesis block");
        };
        let mut problems = Vec::new();
        problems.extend(config_problem(run, chain.genesis().config));
        let keep = chain.genesis().schedule.keep_checkpoints;
        let mut present = 0;
        // A chain can commit to one state a million times. It is read once.
        let mut read = BTreeMap::new();
        for (index, (step, root)) in self.checkpoints.iter().enumerate() {
            let files = run.checkpoint(*root);
            if !files.dir().exists() {
                if self.must_keep(index, keep) {
                    problems.push(format!("checkpoint of step {step} ({root}) is missing"));
                }
                continue;
            }
            present += 1;
            let found = read.entry(*root).or_insert_with(|| {
                let found = files.recompute_with(hasher);
                found.map_err(|error| error.to_string())
            });
            match found {
                Ok(found) if *found == (*root, *step) => {}
                Ok((found_root, found_step)) => problems.push(format!(
                    "checkpoint of step {step} ({root}) holds step {found_step} with state root {found_root}"
                )),
                Err(error) => problems.push(format!("checkpoint of step {step}: {error}")),
            }
        }
        match problems.split_first() {
            Some((first, rest)) => rest.iter().fold(
                LevelReport::new(Level::State, Verdict::Fails, first.clone()),
                |level, problem| level.line(problem.clone()),
            ),
            None => LevelReport::new(
                Level::State,
                Verdict::Holds,
                format!(
                    "config.json and {present} of {} present; all match their digests",
                    counted(self.checkpoints.len() as u64, "checkpoint", "checkpoints")
                ),
            ),
        }
    }

    /// Whether the run must still have this checkpoint. The first and the last one are
    /// always kept, and as many of the newest as genesis declares.
    fn must_keep(&self, index: usize, keep: Option<u32>) -> bool {
        let newer = self.checkpoints.len() - 1 - index;
        index == 0 || newer == 0 || keep.is_none_or(|keep| newer <= keep as usize)
    }
}

fn config_problem(run: &RunDir, expected: FileDigest) -> Option<String> {
    match run.config_digest() {
        Ok(found) if found == expected => None,
        Ok(found) => Some(format!(
            "config.json has digest {found}, but genesis says {expected}"
        )),
        Err(error) => Some(error.to_string()),
    }
}

/// The verdict on a level about files beside the chain, if only the chain was given.
pub(crate) fn without_directory(level: Level) -> LevelReport {
    LevelReport::new(
        level,
        Verdict::NotChecked,
        "only the chain file was given, not the run directory around it",
    )
}

/// Whether model.safetensors is the model that the final block commits to.
pub(crate) fn artifact_level(
    run: &RunDir,
    hasher: &dyn TensorHasher,
    end: &WalkEnd,
) -> LevelReport {
    let level = |verdict, line: String| LevelReport::new(Level::Artifact, verdict, line);
    let Some(last) = end.chain.as_ref().and_then(|chain| chain.end()) else {
        return level(Verdict::NotChecked, "there is no final block".into());
    };
    match TensorFile::open(&run.artifact()).and_then(|mut file| file.root_with(hasher)) {
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
        Err(error) => level(Verdict::Fails, error.to_string()),
    }
}
