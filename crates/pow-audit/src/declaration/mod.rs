//! Declarations: what somebody says, before a run, that they will do.
//!
//! A declaration is a short text. Its digest goes into genesis, so the text was there before
//! the run's first block. Its author signs it, with the tools that [`signature`](crate::signature)
//! names. Whoever checks the run compares what was done with what was declared.
//! `docs/format.md` has every byte.
//!
//! A declaration shows that a plan was there first. It does not show that it is the only one.

mod text;

pub use text::{DeclaredText, DeclaredTextError, MAX_DECLARED_TEXT};

use crate::signature::{Signature, SignerKey};
use pow_core::hash::{DatasetRoot, FileDigest};
use std::fmt::{self, Write};
use std::num::NonZeroU32;

/// The longest declaration, in bytes.
pub const MAX_DECLARATION: usize = 4096;
/// The most seeds that a declaration names.
pub const MAX_SEEDS: usize = 64;
/// The first line of a declaration, and the namespace of a signature over it.
pub(crate) const NAMESPACE: &str = "burn-pow/declaration/v1";

/// What is declared. What is absent is not declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Root over the training set.
    pub data: Option<DatasetRoot>,
    /// Digest of the run's `config.json`.
    pub config: Option<FileDigest>,
    /// Digest of the program that trains.
    pub executable: Option<FileDigest>,
    /// Digest of the lock file.
    pub lockfile: Option<FileDigest>,
    /// The source revision.
    pub revision: Option<DeclaredText>,
    /// The seeds of all planned runs, strictly ascending. Empty if they are not declared.
    /// Else there are as many as `runs`.
    pub seeds: Vec<u64>,
    /// The number of optimizer steps after which each run ends.
    pub steps: Option<u64>,
    /// How many runs are planned.
    pub runs: NonZeroU32,
    /// By what the result is judged.
    pub metric: DeclaredText,
    /// When a run ends, in words.
    pub stopping: DeclaredText,
}

/// A declaration in its one form.
///
/// ```
/// use pow_audit::declaration::{Declaration, Declared};
///
/// let declared = Declared {
///     data: None,
///     config: None,
///     executable: None,
///     lockfile: None,
///     revision: None,
///     seeds: vec![7, 8],
///     steps: Some(1000),
///     runs: 2.try_into()?,
///     metric: "accuracy on the test set after the last step".parse()?,
///     stopping: "after 1000 steps".parse()?,
/// };
/// let declaration = Declaration::new(declared)?;
/// assert!(declaration.text().starts_with("burn-pow/declaration/v1\nseeds 7 8\nsteps 1000\nruns 2\n"));
/// assert_eq!(Declaration::parse(declaration.text().as_bytes())?, declaration);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    declared: Declared,
    text: String,
}

/// Why there is no such declaration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclarationError {
    /// Longer than [`MAX_DECLARATION`].
    #[error("longer than {MAX_DECLARATION} bytes, the longest declaration allowed")]
    TooLong,
    /// It does not begin as one.
    #[error("not a declaration: its first line is not {NAMESPACE}")]
    Kind,
    /// It is not in the one form.
    #[error("line {line}: {why}")]
    Form {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        why: &'static str,
    },
    /// Too many seeds.
    #[error("{0} seeds, at most {MAX_SEEDS} can be declared")]
    TooManySeeds(usize),
    /// The seeds are not those of the planned runs.
    #[error("{seeds} seeds for {runs} runs: declare one for each run, or none")]
    Seeds {
        /// How many seeds there are.
        seeds: usize,
        /// How many runs are planned.
        runs: u32,
    },
    /// A seed stands twice, or behind a greater one.
    #[error("the seeds do not ascend: {1} stands behind {0}")]
    SeedOrder(u64, u64),
}

impl Declaration {
    /// The declaration that says this.
    ///
    /// # Errors
    ///
    /// [`DeclarationError`] if the seeds do not ascend, or are not as many as the runs.
    pub fn new(declared: Declared) -> Result<Self, DeclarationError> {
        let (seeds, runs) = (declared.seeds.len(), declared.runs.get());
        if seeds > MAX_SEEDS {
            return Err(DeclarationError::TooManySeeds(seeds));
        }
        if let Some(pair) = declared.seeds.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(DeclarationError::SeedOrder(pair[0], pair[1]));
        }
        if seeds > 0 && seeds as u64 != u64::from(runs) {
            return Err(DeclarationError::Seeds { seeds, runs });
        }
        let text = declared.to_string();
        match text.len() > MAX_DECLARATION {
            true => Err(DeclarationError::TooLong),
            false => Ok(Declaration { declared, text }),
        }
    }

    /// Reads a declaration. It has one form only: reading and writing gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`DeclarationError`] if it is anything else.
    pub fn parse(bytes: &[u8]) -> Result<Self, DeclarationError> {
        if bytes.len() > MAX_DECLARATION {
            return Err(DeclarationError::TooLong);
        }
        let text = str::from_utf8(bytes).map_err(|_| DeclarationError::Kind)?;
        let mut lines = Lines {
            rest: text,
            line: 1,
        };
        if lines.take(NAMESPACE) != Some("") {
            return Err(DeclarationError::Kind);
        }
        let hash = "expected 64 lower-case hex digits";
        let words =
            "expected 1 to 512 bytes of text without control characters, and no space at its ends";
        let declared = Declared {
            data: lines.optional("data ", hash)?,
            config: lines.optional("config ", hash)?,
            executable: lines.optional("executable ", hash)?,
            lockfile: lines.optional("lockfile ", hash)?,
            revision: lines.optional("revision ", words)?,
            seeds: lines.seeds()?,
            steps: lines.optional("steps ", "expected a number of steps")?,
            runs: lines.required("runs ", "expected `runs` and their number, at least 1")?,
            metric: lines.required("metric ", "expected `metric` and 1 to 512 bytes of text")?,
            stopping: lines.required(
                "stopping ",
                "expected `stopping` and 1 to 512 bytes of text",
            )?,
        };
        let declaration = Declaration::new(declared)?;
        // Numbers and digests have several spellings, and only one is written.
        let same = declaration.text.lines().zip(text.lines());
        let equal = same.take_while(|(a, b)| a == b).count();
        match declaration.text == text {
            true => Ok(declaration),
            false => Err(DeclarationError::Form {
                line: equal + 1,
                why: "not as `pow declare` writes it",
            }),
        }
    }

    /// What is declared.
    pub fn declared(&self) -> &Declared {
        &self.declared
    }

    /// Its bytes, which are signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The digest that genesis has.
    pub fn digest(&self) -> FileDigest {
        FileDigest::of(self.text.as_bytes())
    }
}

impl fmt::Display for Declared {
    /// The text of the declaration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{NAMESPACE}")?;
        line(f, "data", self.data.as_ref())?;
        line(f, "config", self.config.as_ref())?;
        line(f, "executable", self.executable.as_ref())?;
        line(f, "lockfile", self.lockfile.as_ref())?;
        line(f, "revision", self.revision.as_ref())?;
        let seeds = self.seeds.iter().fold(String::new(), |mut all, seed| {
            // Writing to a text cannot fail.
            let _ = write!(all, " {seed}");
            all
        });
        if !seeds.is_empty() {
            writeln!(f, "seeds{seeds}")?;
        }
        line(f, "steps", self.steps.as_ref())?;
        line(f, "runs", Some(&self.runs))?;
        line(f, "metric", Some(&self.metric))?;
        line(f, "stopping", Some(&self.stopping))
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| writeln!(f, "{name} {value}"))
}

/// Takes a text apart, line by line.
struct Lines<'a> {
    rest: &'a str,
    /// The next line, counted from 1.
    line: usize,
}

impl<'a> Lines<'a> {
    /// What follows `name` in the next line, if it begins so.
    fn take(&mut self, name: &str) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        let value = line.strip_prefix(name)?;
        self.rest = rest;
        self.line += 1;
        Some(value)
    }

    fn optional<T: std::str::FromStr>(
        &mut self,
        name: &str,
        why: &'static str,
    ) -> Result<Option<T>, DeclarationError> {
        let line = self.line;
        let value = self.take(name).map(str::parse);
        value
            .transpose()
            .map_err(|_| DeclarationError::Form { line, why })
    }

    fn required<T: std::str::FromStr>(
        &mut self,
        name: &str,
        why: &'static str,
    ) -> Result<T, DeclarationError> {
        let line = self.line;
        let value = self.optional(name, why)?;
        value.ok_or(DeclarationError::Form { line, why })
    }

    fn seeds(&mut self) -> Result<Vec<u64>, DeclarationError> {
        let (line, why) = (self.line, "expected seeds with one space between them");
        let Some(values) = self.take("seeds ") else {
            return Ok(Vec::new());
        };
        let seeds: Result<_, _> = values.split(' ').map(str::parse).collect();
        seeds.map_err(|_| DeclarationError::Form { line, why })
    }
}

/// A declaration as the verifier has it, and who must have signed it.
#[derive(Clone, Debug)]
pub struct GivenDeclaration {
    /// The declaration.
    pub declaration: Declaration,
    /// The signatures over it that were given.
    pub signatures: Vec<Signature>,
    /// The keys that must have signed it.
    pub declared_by: Vec<SignerKey>,
}

#[cfg(test)]
mod tests;
