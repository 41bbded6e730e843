//! WGSL kernels for SHA-256d nonce search and for the roots of tensors ([`tree`]),
//! and everything that a host needs to run them.
//!
//! # The search kernel
//!
//! It has two forms that give the same results. [`LOOP_WGSL`] is short,
//! readable and quick to compile. [`TRACED_WGSL`] is faster; [`trace`]
//! generates it. The entry point [`SEARCH_ENTRY`] tries [`SearchParams::count`]
//! nonces. It lists the candidates: nonces whose header hash has most
//! significant 32 bits at or below [`SearchParams::target_top`]. If these bits
//! are equal, the host must compare the others.
//!
//! | binding (group 0) | kind | what |
//! |---|---|---|
//! | [`PARAMS_BINDING`] | uniform buffer | a [`SearchParams`] |
//! | [`RESULTS_BINDING`] | storage buffer, read-write | words: see below |
//!
//! The first word of the results is the number of candidates. The host must set
//! it to zero before a dispatch. The words after it are the candidates' nonces,
//! in no order. Candidates that do not fit are counted but not listed. So if
//! the count is above the number of words after it, the range must be searched
//! again, in parts.
//!
//! The pipeline constant [`WORKGROUP_SIZE_CONSTANT`] sets the number of
//! invocations in a workgroup. Workgroups may be arranged in two dimensions. x
//! · y workgroups try up to x · y · workgroup size ·
//! [`SearchParams::per_invocation`] nonces. This product must be below 2^32.

#[rustfmt::skip]
mod hoisted;
pub mod sha256;
pub mod trace;
pub mod tree;

pub use hoisted::{HOISTED, hoisted};

use bytemuck::{Pod, Zeroable};

/// The search kernel with loops, for any WebGPU implementation.
pub const LOOP_WGSL: &str = concat!(
    include_str!("search.wgsl"),
    include_str!("functions.wgsl"),
    include_str!("loop_form.wgsl")
);

/// The search kernel as straight-line code, for any WebGPU implementation.
pub const TRACED_WGSL: &str = concat!(
    include_str!("search.wgsl"),
    include_str!("functions.wgsl"),
    include_str!("traced.wgsl")
);

/// Entry point of the search kernel.
pub const SEARCH_ENTRY: &str = "search";

/// Name of the pipeline constant for the number of invocations in a workgroup.
/// The default is 64.
pub const WORKGROUP_SIZE_CONSTANT: &str = "workgroup_size";

/// The binding of the parameters, in group 0.
pub const PARAMS_BINDING: u32 = 0;

/// The binding of the results, in group 0.
pub const RESULTS_BINDING: u32 = 1;

/// Parameters of one dispatch, with the layout of the kernel's uniform buffer.
///
/// ```
/// use pow_kernels::SearchParams;
/// assert_eq!(size_of::<SearchParams>() % 16, 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct SearchParams {
    /// SHA-256 state after the header's first 64 bytes.
    pub midstate: [u32; 8],
    /// Header words 16 to 18 (bytes 64 to 75), each read as big-endian.
    pub tail: [u32; 3],
    /// The most significant 32 bits of the target.
    pub target_top: u32,
    /// First nonce.
    pub start: u32,
    /// The number of nonces, from `start` on. After `u32::MAX` comes zero.
    pub count: u32,
    /// The number of nonces that one invocation tries. At least 1.
    pub per_invocation: u32,
    /// Unused.
    pub padding: u32,
    /// [`sha256::ROUND_CONSTANTS`]. Drivers copy a kernel's constant arrays to
    /// slow memory if they are indexed. A uniform buffer is indexed fast.
    pub round_constants: [u32; 64],
    /// The [`hoisted`](fn@hoisted) values, and zeros after them.
    pub hoisted: [u32; 28],
}

impl SearchParams {
    /// Parameters of a search for hashes whose most significant 32 bits are at
    /// most `target_top`. The caller then sets the nonces.
    ///
    /// `midstate` is the SHA-256 state after the header's first 64 bytes.
    /// `tail` has the header's words 16 to 18 (bytes 64 to 75), read as
    /// big-endian.
    pub fn new(midstate: [u32; 8], tail: [u32; 3], target_top: u32) -> Self {
        let mut padded = [0; 28];
        padded[..HOISTED].copy_from_slice(&hoisted(&midstate, &tail));
        SearchParams {
            midstate,
            tail,
            target_top,
            start: 0,
            count: 0,
            per_invocation: 1,
            padding: 0,
            round_constants: sha256::ROUND_CONSTANTS,
            hoisted: padded,
        }
    }
}

/// The example of the README, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
