//! Mutants that no test can kill, with the reason.

use crate::record::Mutant;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::path::Path;

/// A group of mutants. What is absent is not compared.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    file: String,
    function: String,
    operator: Option<String>,
    original: Option<String>,
    mutated: Option<String>,
    /// Why a test sees no difference.
    #[serde(rename = "reason")]
    _reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    mutants: Vec<Explanation>,
}

/// Reads explained.toml.
pub fn read(path: &Path) -> Result<Vec<Explanation>> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
    Ok(file.mutants)
}

impl Explanation {
    /// Whether it is about this mutant.
    pub fn is_of(&self, mutant: &Mutant) -> bool {
        let same = |expected: &Option<String>, found: &str| {
            expected.as_ref().is_none_or(|expected| expected == found)
        };
        self.file == mutant.file
            && self.function == mutant.function
            && same(&self.operator, &mutant.operator)
            && same(&self.original, &mutant.original)
            && same(&self.mutated, &mutant.mutated)
    }
}

impl std::fmt::Display for Explanation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let operator = self.operator.as_deref().unwrap_or("any operator");
        write!(f, "{}: {}: {operator}", self.file, self.function)
    }
}
