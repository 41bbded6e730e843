//! The run that is attacked, and what an attack makes of it.

use super::seal::{Link, links, seal};
use pow_core::body::{BodyKind, Entry, Final, Genesis};
use pow_tests::attack_file::Attack;
use pow_tests::chain_file::ChainFile;
use pow_tests::fixture::{Plan, Recorder};
use pow_tests::model::SMALL;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// A run of four steps: a block for genesis, one each for the steps 0, 1 to 2,
/// 3 and 4, and the final one; with checkpoints of the steps 0, 2 and 4.
pub struct Honest {
    /// All files but the chain file.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The chain file.
    pub chain: ChainFile,
    /// Hash of the genesis block.
    pub genesis: String,
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
        let mut files = BTreeMap::new();
        collect(&path, &path, &mut files);
        files.remove("chain.pow");
        files.remove("lock");
        assert_eq!(chain.records.len(), BLOCKS);
        // Sealing the same again gives the same bytes.
        assert_eq!(seal(&links(&chain)), chain);
        Honest {
            files,
            chain,
            genesis: recorder.genesis_hash().to_string(),
        }
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

    /// An attack that leaves the run as it is, up to now.
    pub fn attack(&self, name: &'static str, attack: &str, why: &str) -> Case {
        let mut files = self.files.clone();
        files.insert("chain.pow".into(), self.chain.to_bytes());
        Case {
            name,
            attack: Attack {
                attack: attack.into(),
                why: why.into(),
                headline: "CONSISTENT, UNANCHORED".into(),
                files,
                ..Attack::default()
            },
            honest: self.genesis.clone(),
        }
    }

    /// The chain with its records changed, and their checksums made to fit,
    /// but nothing mined.
    pub fn unmined(&self, edit: impl FnOnce(&mut ChainFile)) -> Vec<u8> {
        let mut chain = self.chain.clone();
        edit(&mut chain);
        chain.to_bytes()
    }

    /// The chain with blocks changed, and everything from there on mined anew.
    pub fn mined(&self, edit: impl FnOnce(&mut Vec<Link>)) -> ChainFile {
        let mut links = links(&self.chain);
        edit(&mut links);
        seal(&links)
    }
}

/// An attack in the making.
pub struct Case {
    pub name: &'static str,
    pub attack: Attack,
    honest: String,
}

impl Case {
    /// Puts a file in the place of another one.
    pub fn file(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.attack.files.insert(path.into(), bytes.into());
        self
    }

    /// Removes a file, or all of a directory.
    pub fn without(mut self, path: &str) -> Self {
        let before = self.attack.files.len();
        self.attack.files.retain(|file, _| !file.starts_with(path));
        assert!(self.attack.files.len() < before, "there is no {path}");
        self
    }

    /// The other chain file.
    pub fn chain(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.file("chain.pow", bytes)
    }

    /// The other chain.
    pub fn blocks(self, chain: &ChainFile) -> Self {
        self.chain(chain.to_bytes())
    }

    /// The verifier insists on the honest run's genesis.
    pub fn pinned(mut self) -> Self {
        self.attack.pin = Some(self.honest.clone());
        self.attack.headline = "CONSISTENT WITH THE PINNED GENESIS, UNANCHORED IN TIME".into();
        self
    }

    /// The block breaks a rule, and the report says so in these words.
    pub fn breaks(mut self, block: u32, rule: u8, words: &str) -> Self {
        self.attack.breaks = Some((block, rule));
        self.fails("chain", &format!("block {block}: {words}"))
    }

    /// A level fails, and the report says so in these words.
    pub fn fails(mut self, level: &str, words: &str) -> Self {
        if self.attack.fails.is_empty() {
            self.attack.headline = format!("DOES NOT HOLD ({level})");
        }
        self.attack.fails.push(level.into());
        self.says(words)
    }

    /// The report contains these words.
    pub fn says(mut self, words: &str) -> Self {
        self.attack.says.push(words.into());
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

fn collect(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
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
