//! The report on a proof file: what it shows, and what it does not show.

use super::facts::{BlockFacts, EntryFacts, TensorFacts};
use super::json::proof_from_json;
use super::value::{ValueProblem, check_value};
use crate::display::printable;
use crate::source::OpenFile;
use pow_core::hash::BlockHash;
use pow_core::proof::{Proof, Proved, ProvedEntry};
use serde::Serialize;
use std::fmt;

/// What the verifier knows about the proof.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOptions<'a> {
    /// The hash that the head must have.
    pub head: Option<BlockHash>,
    /// The hash of the block that the head must extend.
    pub older: Option<BlockHash>,
    /// The bytes that the tensor or chunk must have.
    pub value: Option<&'a [u8]>,
}

/// The verdict on a proof file.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    schema: &'static str,
    headline: String,
    holds: bool,
    failure: Option<String>,
    head: Option<BlockFacts>,
    block: Option<BlockFacts>,
    extends: bool,
    entry: Option<EntryFacts>,
    tensor: Option<TensorFacts>,
    value_checked: bool,
    not_shown: Vec<String>,
}

/// Checks a proof file's bytes.
pub fn check_proof(bytes: &[u8], options: &CheckOptions<'_>) -> CheckReport {
    let value = options.value.map(|value| OpenFile {
        bytes: Box::new(value),
        len: Some(value.len() as u64),
    });
    match check(bytes, options, value) {
        Ok(report) => report,
        // A slice can be read.
        Err(error) => CheckReport::failed(format!("value: {error}")),
    }
}

/// Like [`check_proof`], but the value comes as a stream: `options.value` is not used. It
/// takes constant memory, and is read no further than one byte beyond the length that the
/// proof names.
///
/// # Errors
///
/// Those of reading the value.
pub fn check_proof_of(
    bytes: &[u8],
    options: &CheckOptions<'_>,
    value: OpenFile<'_>,
) -> std::io::Result<CheckReport> {
    check(bytes, options, Some(value))
}

const SCHEMA: &str = "burn-pow/check-proof/v0";

fn check(
    bytes: &[u8],
    options: &CheckOptions<'_>,
    value: Option<OpenFile<'_>>,
) -> std::io::Result<CheckReport> {
    let value_is_given = value.is_some();
    let proved = proof_from_json(bytes)
        .map_err(|error| error.to_string())
        .and_then(|proof| verify(&proof, options).map_err(|error| error.to_string()));
    let proved = match proved {
        Ok(proved) => proved,
        Err(failure) => return Ok(CheckReport::failed(failure)),
    };
    match value.map_or(Ok(()), |value| check_value(&proved, value)) {
        Ok(()) => Ok(CheckReport::of(&proved, options, value_is_given)),
        Err(ValueProblem::Other(failure)) => Ok(CheckReport::failed(failure)),
        Err(ValueProblem::Io(error)) => Err(error),
    }
}

fn verify(
    proof: &Proof,
    options: &CheckOptions<'_>,
) -> Result<Proved, pow_core::proof::ProofError> {
    let unanchored = match options.older {
        Some(older) => proof.verify_extension(older)?,
        None => proof.verify_unanchored()?,
    };
    match options.head {
        Some(head) => proof.verify(head),
        // The report says so: UNANCHORED.
        None => Ok(unanchored.get().clone()),
    }
}

impl CheckReport {
    /// Whether the proof holds, with everything that was pinned.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// The verdict in a few words.
    pub fn headline(&self) -> &str {
        &self.headline
    }

    fn failed(failure: String) -> Self {
        CheckReport {
            schema: SCHEMA,
            headline: "DOES NOT HOLD".into(),
            holds: false,
            failure: Some(failure),
            head: None,
            block: None,
            extends: false,
            entry: None,
            tensor: None,
            value_checked: false,
            not_shown: vec!["anything: a proof that does not hold shows nothing".into()],
        }
    }

    fn of(proved: &Proved, options: &CheckOptions<'_>, value_checked: bool) -> Self {
        let headline = match (options.head, options.older) {
            (Some(_), None) => "SHOWN UNDER THE PINNED HEAD",
            (Some(_), Some(_)) => "SHOWN FROM THE PINNED BLOCK TO THE PINNED HEAD",
            (None, Some(_)) => "SHOWN FROM THE PINNED BLOCK, HEAD UNANCHORED",
            (None, None) => "SHOWN, UNANCHORED",
        };
        let tensor = proved.entry().and_then(ProvedEntry::tensor);
        CheckReport {
            schema: SCHEMA,
            headline: headline.into(),
            holds: true,
            failure: None,
            head: Some(BlockFacts::of(proved.head())),
            block: proved.block().map(BlockFacts::of),
            extends: proved.extended().is_some(),
            entry: proved.entry().map(EntryFacts::of),
            tensor: tensor.map(TensorFacts::of),
            value_checked,
            not_shown: not_shown(proved, options, value_checked),
        }
    }
}

fn not_shown(proved: &Proved, options: &CheckOptions<'_>, value_checked: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if options.head.is_none() {
        lines.push(format!(
            "that {} is the head of a chain that others know: pin it with --head",
            proved.head().hash()
        ));
    }
    lines.push(
        "that the head's chain holds every rule, or that its blocks exist: pow verify reads them"
            .into(),
    );
    if let Some(tensor) = proved.entry().and_then(ProvedEntry::tensor) {
        if !value_checked {
            lines.push("which bytes the tensor or chunk has: compare them with --value".into());
        }
        if tensor.chunk().is_some() {
            lines.push("the other chunks of the tensor".into());
        }
        lines.push("that no other tensor of the step has the same path".into());
    }
    lines.push("that a training produced these values, when it did, or who owns them".into());
    lines
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Some(failure) => writeln!(f, "{}: {}", self.headline, printable(failure))?,
            None => writeln!(f, "{}", self.headline)?,
        }
        if let Some(head) = &self.head {
            writeln!(f, "  head     {head}")?;
        }
        if let Some(block) = &self.block {
            writeln!(f, "  block    {block}")?;
            if self.extends {
                writeln!(
                    f,
                    "           the head extends it: the blocks before it are the same"
                )?;
            } else {
                writeln!(
                    f,
                    "           it is block {} of the head's chain",
                    block.height
                )?;
            }
        }
        if let Some(entry) = &self.entry {
            writeln!(
                f,
                "  entry    step {}, parameters {}",
                entry.step, entry.parameters
            )?;
            if let Some(state) = &entry.state {
                writeln!(f, "           with a checkpoint, state {state}")?;
            }
        }
        if let Some(tensor) = &self.tensor {
            write!(f, "{tensor}")?;
        }
        if self.value_checked {
            writeln!(f, "  value    the bytes given are those proved")?;
        }
        writeln!(f, "NOT SHOWN")?;
        for line in &self.not_shown {
            writeln!(f, "  - {line}")?;
        }
        Ok(())
    }
}
