//! What is known of a mutant, and the file that holds it.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A change of the source.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mutant {
    /// Number within one build. The first is 1.
    pub id: u32,
    /// Path from the root of the repository.
    pub file: String,
    /// First line of `original`.
    pub line: usize,
    /// Name of the function, after that of its type.
    pub function: String,
    /// Name of the kind of change.
    pub operator: String,
    /// The code that is changed, on one line.
    pub original: String,
    /// What stands there instead.
    pub mutated: String,
}

/// What the tests say about a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// A test fails.
    Killed,
    /// A test does not end.
    Timeout,
    /// All tests pass that reach it.
    Survived,
}

/// A mutant and its outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The mutant.
    #[serde(flatten)]
    pub mutant: Mutant,
    /// How many tests reach it.
    pub reached: usize,
    /// What they say.
    pub outcome: Outcome,
    /// The test that fails or does not end.
    pub killed_by: Option<String>,
}

/// The results of a run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Results {
    /// The revision, or `working tree`.
    pub revision: String,
    /// Mutants that cannot be switched while a program runs, for each crate: they are in code that
    /// the compiler evaluates.
    pub skipped: std::collections::BTreeMap<String, usize>,
    /// Mutants that do not compile.
    pub unbuildable: Vec<Mutant>,
    /// All others that were asked for.
    pub mutants: Vec<Record>,
}

impl Mutant {
    /// What stays the same when the code moves to another file.
    pub fn key(&self) -> (&str, &str, &str, &str) {
        (
            &self.function,
            &self.operator,
            &self.original,
            &self.mutated,
        )
    }

    /// The name of its crate.
    pub fn krate(&self) -> &str {
        self.file.split('/').nth(1).unwrap_or_default()
    }
}

impl std::fmt::Display for Mutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Mutant {
            file,
            line,
            function,
            operator,
            original,
            mutated,
            ..
        } = self;
        write!(
            f,
            "{file}:{line}: {function}: {operator}: {original} => {mutated}"
        )
    }
}

impl Results {
    /// Reads a file.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }

    /// Writes a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let beside = path.with_extension("new");
        std::fs::write(&beside, serde_json::to_string_pretty(self)?)
            .and_then(|()| std::fs::rename(&beside, path))
            .with_context(|| path.display().to_string())
    }
}

/// Pairs every item with how many items before it have the same key.
///
/// Two equal expressions of one function have the same key. They are told apart by their order.
pub fn numbered<'a, T, K: Clone + Ord>(
    items: impl IntoIterator<Item = &'a T>,
    key: impl Fn(&'a T) -> K,
) -> Vec<((K, usize), &'a T)> {
    let mut seen = std::collections::BTreeMap::<K, usize>::new();
    let number = |item| {
        let key = key(item);
        let count = seen.entry(key.clone()).or_default();
        *count += 1;
        ((key, *count), item)
    };
    items.into_iter().map(number).collect()
}
