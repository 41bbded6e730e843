//! The run that is attacked, and what an attack makes of it.

use pow_core::body::{BodyKind, Entry, Final, Genesis};
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{Plan, Recorder};
use pow_tests::model::SMALL;
use pow_tests::seal::{Link, links, seal};
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// The files of a run by their paths within it.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A run of four steps: a block for genesis, one each for the steps 0, 1 to 2,
/// 3 and 4, and the final one. It has checkpoints of the steps 0, 2 and 4.
pub struct Honest {
    /// All files but the chain file.
    pub files: Files,
    pub chain: ChainFile,
}

/// How many blocks it has.
pub const BLOCKS: usize = 6;

/// What is recorded.
pub fn plan() -> Plan {
    Plan {
        name: "honest".into(),
        planned: Some(4),
        checkpoint_every: 2,
        shapes: SMALL,
        ..Plan::default()
    }
}

impl Honest {
    /// Records a run after this plan, with genesis changed by `edit`.
    pub fn record(plan: &Plan, edit: impl FnOnce(&mut Genesis)) -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("run");
        let mut recorder = Recorder::begin_with(&path, plan, edit);
        for steps in [&[0][..], &[1, 2], &[3], &[4]] {
            recorder.steps(steps);
        }
        recorder.finish();
        let chain = ChainFile::read(&recorder.run().chain());
        let mut files = Files::new();
        collect(&path, &path, &mut files);
        files.retain(|file, _| !["chain.pow", "lock", "owner"].contains(&file.as_str()));
        assert_eq!(chain.records.len(), BLOCKS);
        // Sealing the same again gives the same bytes.
        assert_eq!(seal(&links(&chain)), chain);
        Honest { files, chain }
    }

    /// The path of a step's checkpoint within the run.
    pub fn checkpoint(&self, step: u64) -> String {
        let root = links(&self.chain)
            .iter_mut()
            .find_map(|link| match link.kind() {
                BodyKind::Steps(entries) => {
                    let entry = entries.iter().find(|entry| entry.step.0 == step);
                    entry.and_then(Entry::state_root)
                }
                _ => None,
            });
        format!("checkpoints/{}", root.unwrap())
    }

    /// The run as it is.
    pub fn unchanged(&self, name: &'static str) -> Attacked {
        self.with_chain(name, self.chain.to_bytes())
    }

    /// The run with another chain file.
    pub fn with_chain(&self, name: &'static str, bytes: impl Into<Vec<u8>>) -> Attacked {
        let files = self.files.clone();
        Attacked { name, files }.file("chain.pow", bytes)
    }

    /// The run with its records changed and their checksums made to fit. Nothing
    /// is mined again.
    pub fn edited(&self, name: &'static str, edit: impl FnOnce(&mut ChainFile)) -> Attacked {
        let mut chain = self.chain.clone();
        edit(&mut chain);
        self.with_chain(name, chain.to_bytes())
    }

    /// The run with blocks changed, and everything from there on mined again.
    pub fn mined(&self, name: &'static str, edit: impl FnOnce(&mut Vec<Link>)) -> Attacked {
        self.with_chain(name, self.sealed(edit).to_bytes())
    }

    /// The chain of [`mined`](Self::mined).
    pub fn sealed(&self, edit: impl FnOnce(&mut Vec<Link>)) -> ChainFile {
        let mut links = links(&self.chain);
        edit(&mut links);
        seal(&links)
    }
}

/// The files that an attack leaves, and its name in the corpus.
pub struct Attacked {
    pub name: &'static str,
    pub files: Files,
}

impl Attacked {
    /// Adds or replaces a file.
    pub fn file(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), bytes.into());
        self
    }

    /// Removes a file, or all of a directory.
    pub fn without(mut self, path: &str) -> Self {
        let before = self.files.len();
        self.files.retain(|file, _| !file.starts_with(path));
        assert!(self.files.len() < before, "there is no {path}");
        self
    }
}

/// The entries of a steps block.
pub fn entries(link: &mut Link) -> &mut Vec<Entry> {
    match link.kind() {
        BodyKind::Steps(entries) => entries,
        _ => panic!("not a steps block"),
    }
}

/// What a final block says.
pub fn end(link: &mut Link) -> &mut Final {
    match link.kind() {
        BodyKind::Final(end) => end,
        _ => panic!("not a final block"),
    }
}

/// What genesis says.
pub fn genesis(link: &mut Link) -> &mut Genesis {
    match link.kind() {
        BodyKind::Genesis(genesis) => genesis,
        _ => panic!("not a genesis block"),
    }
}

fn collect(root: &Path, dir: &Path, files: &mut Files) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let names = path.strip_prefix(root).unwrap().iter();
            let names: Vec<_> = names.map(|name| name.to_str().unwrap()).collect();
            files.insert(names.join("/"), std::fs::read(&path).unwrap());
        }
    }
}
