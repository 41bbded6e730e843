//! Compares a value with the tensor or chunk that a proof is about.

use crate::source::OpenFile;
use pow_core::hash::PlainSha2;
use pow_core::proof::{Proved, ProvedEntry, ValueError};
use pow_core::tensor::{CHUNK_BATCH, CHUNK_LEN, DataHasher};
use std::io::{Error, Read};

/// Why a value was not found to be that of the proof.
#[derive(Debug)]
pub(super) enum ValueProblem {
    /// It is not.
    Other(String),
    /// It could not be read.
    Io(Error),
}

impl From<Error> for ValueProblem {
    fn from(error: Error) -> Self {
        ValueProblem::Io(error)
    }
}

impl From<ValueError> for ValueProblem {
    fn from(error: ValueError) -> Self {
        ValueProblem::Other(format!("value: {error}"))
    }
}

/// Checks that the value is the tensor or chunk of the proof. It is read piece by piece,
/// and no further than one byte beyond the length that the proof names.
pub(super) fn check_value(proved: &Proved, value: OpenFile<'_>) -> Result<(), ValueProblem> {
    let Some(tensor) = proved.entry().and_then(ProvedEntry::tensor) else {
        let reason = "value: the proof is not about a tensor";
        return Err(ValueProblem::Other(reason.into()));
    };
    let expected = match tensor.chunk() {
        Some(chunk) => chunk.byte_len(),
        None => tensor.byte_len(),
    };
    if let Some(found) = value.len.filter(|found| *found != expected) {
        return Err(ValueError::Length { found, expected }.into());
    }
    let mut bytes = value.bytes.take(expected.saturating_add(1));
    if let Some(chunk) = tensor.chunk() {
        let mut all = Vec::new();
        bytes.read_to_end(&mut all)?;
        not_longer(all.len() as u64, expected)?;
        return Ok(chunk.check_value(&all)?);
    }
    let mut data = DataHasher::new(&PlainSha2);
    let (mut piece, mut found) = (Vec::new(), 0);
    loop {
        piece.clear();
        let len = (&mut bytes)
            .take((CHUNK_BATCH * CHUNK_LEN) as u64)
            .read_to_end(&mut piece)?;
        if len == 0 {
            break;
        }
        found += len as u64;
        data.update(&piece);
    }
    not_longer(found, expected)?;
    if found != expected {
        return Err(ValueError::Length { found, expected }.into());
    }
    match data.finish() == tensor.data() {
        true => Ok(()),
        false => Err(ValueError::Bytes.into()),
    }
}

/// The rest of a longer value is not read, so its length is not known.
fn not_longer(found: u64, expected: u64) -> Result<(), ValueProblem> {
    match found > expected {
        true => Err(ValueProblem::Other(format!(
            "value: the value has more bytes than the {expected} of the proof"
        ))),
        false => Ok(()),
    }
}
