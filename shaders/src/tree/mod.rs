//! Kernels that compute the root over a tensor's chunks from bytes in the device's
//! memory.
//!
//! A chunk has [`CHUNK_LEN`] bytes, and its digest is SHA-256 of a tag of one block
//! and the chunk. The node above two digests is SHA-256 of another tag of one block
//! and both. A last node without a sibling goes up as it is. The host gives the
//! states after the tags.
//!
//! | kernel | entry | what it does |
//! |---|---|---|
//! | [`chunks_wgsl`] | [`CHUNKS_ENTRY`] | hashes whole chunks where they lie |
//! | [`GATHER_WGSL`] | [`GATHER_ENTRY`] | copies elements that lie apart |
//! | [`MESSAGES_WGSL`] | [`MESSAGES_ENTRY`] | hashes chunks of any length that were copied |
//! | [`JOIN_WGSL`] | [`JOIN_ENTRY`] | joins digests to the nodes above them |
//!
//! All bindings are in group 0: at 0 the parameters, a uniform buffer; at 1 what the
//! kernel writes, a storage buffer of digests ([`DIGEST_LEN`] bytes each), or of the
//! words that [`GATHER_WGSL`] copies. The others are storage buffers that it reads:
//!
//! | kernel | 2 | 3 |
//! |---|---|---|
//! | chunks | [`ChunksJob`]s | the first source, and then the others |
//! | messages | [`Message`]s | chunks, every [`CHUNK_LEN`] bytes |
//! | join | [`JoinJob`]s | |
//! | gather | the source | |
//!
//! A dispatch has a workgroup of [`LANES`] invocations for each job, or an invocation
//! for each message or word. Workgroups may be arranged in two dimensions. They may be
//! more than needed.

mod params;

pub use params::{ChunksJob, GatherDim, GatherParams, JoinJob, JoinParams, Message, TreeParams};

use crate::trace::Compression;
use std::fmt::Write;

/// Bytes in a whole chunk.
pub const CHUNK_LEN: u32 = 4096;

/// Bytes in a digest. In memory it is eight words, as SHA-256 computes them.
pub const DIGEST_LEN: u32 = 32;

/// Invocations in a workgroup of every kernel.
pub const LANES: u32 = 64;

/// The most inputs of a [`JoinJob`].
pub const JOIN_INPUTS: u32 = 2 * LANES;

/// The most levels that a dispatch joins: those above [`JOIN_INPUTS`] digests.
pub const JOIN_LEVELS: u32 = JOIN_INPUTS.ilog2();

/// The most dimensions of [`GatherParams`].
pub const GATHER_DIMS: usize = 8;

/// Entry point of [`chunks_wgsl`].
pub const CHUNKS_ENTRY: &str = "hash_chunks";

/// Entry point of [`MESSAGES_WGSL`].
pub const MESSAGES_ENTRY: &str = "hash_messages";

/// Entry point of [`JOIN_WGSL`].
pub const JOIN_ENTRY: &str = "join";

/// Entry point of [`GATHER_WGSL`].
pub const GATHER_ENTRY: &str = "gather";

/// The binding of a kernel's parameters.
pub const TREE_PARAMS_BINDING: u32 = 0;

/// The binding of what a kernel writes.
pub const WRITTEN_BINDING: u32 = 1;

/// The first binding of what a kernel reads.
pub const READ_BINDING: u32 = 2;

/// Bits of a whole chunk after its tag.
pub(crate) const CHUNK_BITS: u32 = (64 + CHUNK_LEN) * 8;

/// Bits of two digests after their tag.
pub(crate) const NODE_BITS: u32 = (64 + 2 * DIGEST_LEN) * 8;

/// How many instructions a byte of a large tensor takes, counted as
/// [`OperationCounts::instructions`](crate::trace::OperationCounts::instructions) counts
/// them. To swap the bytes of a word is one more.
///
/// ```
/// let instructions = pow_kernels::tree::instructions_per_byte();
/// assert!((22.0..23.0).contains(&instructions));
/// ```
pub fn instructions_per_byte() -> f64 {
    let count = |compression: Compression| compression.counts().instructions();
    let block = count(Compression::of_block());
    let chunk = CHUNK_LEN as usize / 64 * (block + 16) + count(Compression::of_padding(CHUNK_BITS));
    // There is about one node for each chunk.
    let node = block + count(Compression::of_padding(NODE_BITS));
    (chunk + node) as f64 / f64::from(CHUNK_LEN)
}

macro_rules! kernel {
    ($file:literal) => {
        concat!(
            include_str!("../functions.wgsl"),
            include_str!("state.wgsl"),
            include_str!("compressions.wgsl"),
            include_str!($file)
        )
    };
}

/// Hashes chunks of any length that were copied together.
pub const MESSAGES_WGSL: &str = kernel!("messages.wgsl");

/// Joins digests to the nodes above them.
pub const JOIN_WGSL: &str = kernel!("join.wgsl");

/// Copies elements that lie apart to where they follow each other.
pub const GATHER_WGSL: &str = include_str!("gather.wgsl");

/// Hashes whole chunks where they lie, in this many sources at once. Each source
/// takes a storage buffer, beside two others.
///
/// ```
/// use pow_kernels::tree::{CHUNKS_ENTRY, chunks_wgsl};
/// let wgsl = chunks_wgsl(2);
/// assert!(wgsl.contains(&format!("fn {CHUNKS_ENTRY}(")));
/// assert!(wgsl.contains("source1") && !wgsl.contains("source2:"));
/// ```
pub fn chunks_wgsl(sources: u32) -> String {
    let mut wgsl = String::from(kernel!("chunks.wgsl"));
    let mut cases = String::new();
    // Writing to a string cannot fail.
    for source in 0..sources {
        let binding = READ_BINDING + 1 + source;
        let _ = writeln!(
            wgsl,
            "@group(0) @binding({binding}) var<storage, read> source{source}: array<vec4<u32>>;"
        );
        let units: Vec<String> = (0..4)
            .map(|unit| format!("source{source}[at + {unit}u]"))
            .collect();
        let case = if source + 1 < sources {
            format!("case {source}u")
        } else {
            String::from("default")
        };
        let _ = writeln!(
            cases,
            "        {case} {{ return swapped({}); }}",
            units.join(", ")
        );
    }
    let _ = writeln!(
        wgsl,
        "
// The block that begins `at` units of 16 bytes into a source.
fn load(source: u32, at: u32) -> Words {{
    switch source {{
{cases}    }}
}}"
    );
    wgsl
}
