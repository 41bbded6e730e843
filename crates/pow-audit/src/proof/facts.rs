//! What a proof shows, as the report on it lists it.

use crate::display::printable;
use pow_core::proof::{ProvedBlock, ProvedEntry, ProvedTensor};
use serde::Serialize;
use std::fmt;

/// Facts about a block.
#[derive(Clone, Debug, Serialize)]
pub(super) struct BlockFacts {
    /// Hash, in the usual order of its digits.
    hash: String,
    /// Height.
    pub(super) height: u32,
    /// Kind of its body.
    kind: &'static str,
    /// Target, in compact form.
    bits: String,
    /// Expected number of hashes for that target.
    work: String,
}

/// Facts about an entry. Roots are hex digits.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EntryFacts {
    /// Step.
    pub(super) step: u64,
    /// Its place in the body.
    index: u64,
    /// Parameter root.
    pub(super) parameters: String,
    /// State root. Absent if the entry has no checkpoint.
    pub(super) state: Option<String>,
}

/// Facts about a tensor or a chunk of it. Roots are hex digits.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TensorFacts {
    /// Path.
    path: String,
    /// Element type.
    dtype: &'static str,
    /// Dimensions.
    dims: Vec<u64>,
    /// Length in bytes.
    bytes: u64,
    /// Data root.
    data: String,
    /// The chunk that is proved. Absent if the whole tensor is.
    chunk: Option<u64>,
    /// Offset of the chunk in the tensor and its length, in bytes.
    chunk_range: Option<[u64; 2]>,
}

impl BlockFacts {
    pub(super) fn of(block: &ProvedBlock) -> Self {
        BlockFacts {
            hash: block.hash().to_string(),
            height: block.height().get(),
            kind: block.fixed().kind().name(),
            bits: block.header().bits.to_string(),
            work: block.work().to_string(),
        }
    }
}

impl EntryFacts {
    pub(super) fn of(proved: &ProvedEntry) -> Self {
        let entry = proved.entry();
        EntryFacts {
            step: entry.step.0,
            index: proved.index().0,
            parameters: entry.parameters.to_string(),
            state: entry.state_root().map(|root| root.to_string()),
        }
    }
}

impl TensorFacts {
    pub(super) fn of(tensor: &ProvedTensor) -> Self {
        let chunk = tensor.chunk();
        TensorFacts {
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

impl fmt::Display for BlockFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}, block {}), bits {}, {} hashes expected",
            self.hash, self.kind, self.height, self.bits, self.work
        )
    }
}

impl fmt::Display for TensorFacts {
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
