//! What a proof file shows, and what it does not.

use super::json::proof_from_json;
use crate::display::printable;
use pow_core::hash::BlockHash;
use pow_core::proof::{Proof, Proved, ProvedBlock, ProvedEntry, ProvedTensor};
use serde::Serialize;
use std::fmt;

/// What the verifier brings along.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOptions<'a> {
    /// Hash that the head must have.
    pub head: Option<BlockHash>,
    /// Hash that the block must have which the head is said to extend.
    pub older: Option<BlockHash>,
    /// Bytes that the tensor or chunk must have.
    pub value: Option<&'a [u8]>,
}

/// The verdict on a proof file.
#[derive(Clone, Debug, Serialize)]
pub struct CheckReport {
    schema: &'static str,
    headline: String,
    holds: bool,
    failure: Option<String>,
    head: Option<ShownBlock>,
    block: Option<ShownBlock>,
    extends: bool,
    entry: Option<ShownEntry>,
    tensor: Option<ShownTensor>,
    value_checked: bool,
    not_shown: Vec<String>,
}

/// A block in figures; its hash as people write it.
#[derive(Clone, Debug, Serialize)]
pub struct ShownBlock {
    /// Hash.
    pub hash: String,
    /// Height.
    pub height: u32,
    /// Kind of its body.
    pub kind: &'static str,
    /// Target, compact.
    pub bits: String,
    /// Hashes expected for that target.
    pub work: String,
}

/// An entry in figures; roots as hex.
#[derive(Clone, Debug, Serialize)]
pub struct ShownEntry {
    /// Step.
    pub step: u64,
    /// Its place in the body.
    pub index: u64,
    /// Parameter root.
    pub parameters: String,
    /// State root, where the entry has a checkpoint.
    pub state: Option<String>,
}

/// A tensor, or a chunk of it, in figures; roots as hex.
#[derive(Clone, Debug, Serialize)]
pub struct ShownTensor {
    /// Path.
    pub path: String,
    /// Element type.
    pub dtype: &'static str,
    /// Dimensions.
    pub dims: Vec<u64>,
    /// Length, bytes.
    pub bytes: u64,
    /// Data root.
    pub data: String,
    /// Which chunk is proved, if not the whole tensor.
    pub chunk: Option<u64>,
    /// Where in the tensor the chunk begins, and its length, in bytes.
    pub chunk_range: Option<[u64; 2]>,
}

/// Checks a proof file's bytes.
pub fn check_proof(bytes: &[u8], options: &CheckOptions<'_>) -> CheckReport {
    match check(bytes, options) {
        Ok(proved) => CheckReport::of(&proved, options),
        Err(failure) => CheckReport {
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
            not_shown: vec!["anything: a proof that fails anywhere shows nothing".into()],
        },
    }
}

const SCHEMA: &str = "burn-pow/check-proof/v0";

fn check(bytes: &[u8], options: &CheckOptions<'_>) -> Result<Proved, String> {
    let proof = proof_from_json(bytes).map_err(|error| error.to_string())?;
    let proved = verify(&proof, options).map_err(|error| error.to_string())?;
    if let Some(value) = options.value {
        let tensor = proved.entry().and_then(ProvedEntry::tensor);
        let checked = match tensor.map(|tensor| (tensor, tensor.chunk())) {
            Some((_, Some(chunk))) => chunk.check_value(value),
            Some((tensor, None)) => tensor.check_value(value),
            None => return Err("value: the proof is not about a tensor".into()),
        };
        checked.map_err(|error| format!("value: {error}"))?;
    }
    Ok(proved)
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
        // The report says that it is unanchored.
        None => Ok(unanchored.get().clone()),
    }
}

impl CheckReport {
    /// Whether everything that was asked for holds.
    pub fn holds(&self) -> bool {
        self.holds
    }

    /// The verdict in a few words.
    pub fn headline(&self) -> &str {
        &self.headline
    }

    fn of(proved: &Proved, options: &CheckOptions<'_>) -> Self {
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
            head: Some(ShownBlock::of(proved.head())),
            block: proved.block().map(ShownBlock::of),
            extends: proved.extended().is_some(),
            entry: proved.entry().map(ShownEntry::of),
            tensor: tensor.map(ShownTensor::of),
            value_checked: options.value.is_some(),
            not_shown: not_shown(proved, options),
        }
    }
}

fn not_shown(proved: &Proved, options: &CheckOptions<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if options.head.is_none() {
        lines.push(format!(
            "that {} is the head of any chain that others know: pin it with --head",
            proved.head().hash()
        ));
    }
    lines.push(
        "that the head's chain holds the rules, or that its blocks exist: pow verify reads them"
            .into(),
    );
    if let Some(tensor) = proved.entry().and_then(ProvedEntry::tensor) {
        if options.value.is_none() {
            lines.push("which bytes these are: compare them with --value".into());
        }
        if tensor.chunk().is_some() {
            lines.push("the other chunks of the tensor".into());
        }
        lines.push("that no other tensor of the step has the same path".into());
    }
    lines.push("that a training produced these values, when, or whose they are".into());
    lines
}

impl ShownBlock {
    fn of(block: &ProvedBlock) -> Self {
        ShownBlock {
            hash: block.hash().to_string(),
            height: block.height().get(),
            kind: block.fixed().kind().name(),
            bits: block.header().bits.to_string(),
            work: block.work().to_string(),
        }
    }
}

impl ShownEntry {
    fn of(proved: &ProvedEntry) -> Self {
        let entry = proved.entry();
        ShownEntry {
            step: entry.step.0,
            index: proved.index().0,
            parameters: entry.parameters.to_string(),
            state: entry.state_root().map(|root| root.to_string()),
        }
    }
}

impl ShownTensor {
    fn of(tensor: &ProvedTensor) -> Self {
        let chunk = tensor.chunk();
        ShownTensor {
            path: tensor.path().into(),
            dtype: tensor.dtype().name(),
            dims: tensor.dims().into(),
            bytes: tensor.byte_len(),
            data: tensor.data().to_string(),
            chunk: chunk.map(|chunk| chunk.index().0),
            chunk_range: chunk.map(|chunk| [chunk.offset(), chunk.byte_len()]),
        }
    }
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
                writeln!(f, "           the head extends it: same blocks before it")?;
            } else {
                writeln!(f, "           it is block {} before the head", block.height)?;
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

impl fmt::Display for ShownBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}, block {}), bits {}, {} hashes expected",
            self.hash, self.kind, self.height, self.bits, self.work
        )
    }
}

impl fmt::Display for ShownTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  tensor   {} {} {:?}, {} bytes, data root {}",
            printable(&self.path),
            self.dtype,
            self.dims,
            self.bytes,
            self.data
        )?;
        if let (Some(chunk), Some([offset, len])) = (self.chunk, self.chunk_range) {
            writeln!(f, "  chunk    {chunk}: {len} bytes from byte {offset} on")?;
        }
        Ok(())
    }
}
