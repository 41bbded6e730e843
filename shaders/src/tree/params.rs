//! Parameters and jobs, with the layout of the kernels' buffers.

use super::GATHER_DIMS;
use bytemuck::{Pod, Zeroable};

/// Parameters of a dispatch that hashes chunks, whole ones or messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TreeParams {
    /// SHA-256's state after the tag of a chunk.
    pub midstate: [u32; 8],
    /// The index of this dispatch's first job or message.
    pub first_job: u32,
    /// How many there are.
    pub jobs: u32,
    /// Zeros.
    pub unused: [u32; 2],
}

/// Whole chunks that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct ChunksJob {
    /// The index of their source.
    pub source: u32,
    /// Where the first begins in its source, in units of 16 bytes.
    pub first: u32,
    /// How many there are, at most [`LANES`](super::LANES).
    pub count: u32,
    /// The index of the first digest. The others follow.
    pub out: u32,
}

/// A chunk among those that were copied together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Message {
    /// Its length in bytes, from 1 to [`CHUNK_LEN`](super::CHUNK_LEN).
    pub len: u32,
    /// The index of its digest.
    pub out: u32,
    /// Zeros.
    pub unused: [u32; 2],
}

/// Parameters of a dispatch that joins digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct JoinParams {
    /// SHA-256's state after the tag of a node.
    pub midstate: [u32; 8],
    /// The index of this dispatch's first job.
    pub first_job: u32,
    /// How many there are.
    pub jobs: u32,
    /// How many levels are joined, from 1 to [`JOIN_LEVELS`](super::JOIN_LEVELS).
    pub levels: u32,
    /// Two's logarithm of the distance between two inputs.
    pub shift: u32,
}

/// Digests that follow each other at one level of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct JoinJob {
    /// The index of the first.
    pub first: u32,
    /// How many there are, from 1 to [`JOIN_INPUTS`](super::JOIN_INPUTS).
    pub count: u32,
    /// The index of the first node above them. The distance between two nodes is
    /// that of two inputs, times two to the power of the levels.
    pub out: u32,
    /// Zero.
    pub unused: u32,
}

/// Parameters of a dispatch that copies elements that lie apart.
///
/// A *unit* is 1, 2 or 4 bytes. An element has one or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GatherParams {
    /// How many words are written.
    pub words: u32,
    /// The index of the first word.
    pub first_word: u32,
    /// How many units are copied. Words after them become zero.
    pub units: u32,
    /// Two's logarithm of a unit's bytes: 0, 1 or 2.
    pub unit: u32,
    /// The place of the tensor's first unit in the window, in units. Wraps around:
    /// it may lie before the window.
    pub base: u32,
    /// How many units the window has, at most 2^31.
    pub window: u32,
    /// 1 if the words have units of other windows already, else 0.
    pub keep: u32,
    /// How many dimensions there are.
    pub rank: u32,
    /// The dimensions, outermost first, and anything after them.
    pub dims: [GatherDim; GATHER_DIMS],
}

/// One dimension of [`GatherParams`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct GatherDim {
    /// The coordinate of the first unit.
    pub start: u32,
    /// The length, from 1 to 2^31 - 1.
    pub len: u32,
    /// The distance of neighbours, in units.
    pub stride: u32,
    /// Zero.
    pub unused: u32,
}
