//! WGSL kernels for SHA-256d nonce search, and what a host must know to run
//! them.
//!
//! # The search kernel
//!
//! [`SEARCH_WGSL`], entry point [`SEARCH_ENTRY`], tries
//! [`SearchParams::count`] nonces and lists those whose header hash has its
//! most significant 32 bits at or below [`SearchParams::target_top`]. The list
//! is one of candidates: where the top words are equal, the host must compare
//! the rest.
//!
//! | binding (group 0) | kind | what |
//! |---|---|---|
//! | [`PARAMS_BINDING`] | uniform buffer | a [`SearchParams`] |
//! | [`RESULTS_BINDING`] | storage buffer, read-write | words: see below |
//!
//! The first word of the results counts the candidates and must be zero before
//! a dispatch; the words after it are their nonces, in no order. Candidates
//! that do not fit are counted but not listed, so a count above the number of
//! words after it means that the range must be searched again in parts.
//!
//! The pipeline constant [`WORKGROUP_SIZE_CONSTANT`] sets the invocations per
//! workgroup. Workgroups may be laid out in two dimensions; x · y workgroups
//! try up to x · y · workgroup size · [`SearchParams::per_invocation`] nonces,
//! a product that must stay below 2^32.

use bytemuck::{Pod, Zeroable};

/// Source of the search kernel, for any WebGPU implementation.
pub const SEARCH_WGSL: &str = include_str!("search.wgsl");

/// Entry point of the search kernel.
pub const SEARCH_ENTRY: &str = "search";

/// Name of the pipeline constant that sets the invocations per workgroup; 64
/// where it is not given.
pub const WORKGROUP_SIZE_CONSTANT: &str = "workgroup_size";

/// Binding of the parameters in group 0.
pub const PARAMS_BINDING: u32 = 0;

/// Binding of the results in group 0.
pub const RESULTS_BINDING: u32 = 1;

/// SHA-256's initial state (FIPS 180-4, 5.3.3).
#[rustfmt::skip]
pub const SHA256_INITIAL: [u32; 8] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
];

/// SHA-256's round constants (FIPS 180-4, 4.2.2).
#[rustfmt::skip]
pub const SHA256_ROUND_CONSTANTS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// Parameters of one dispatch, laid out as the kernel's uniform buffer.
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
    /// How many nonces, from `start` on; past `u32::MAX` it goes on at zero.
    pub count: u32,
    /// Nonces that one invocation tries.
    pub per_invocation: u32,
    /// Unused.
    pub padding: u32,
    /// [`SHA256_ROUND_CONSTANTS`]. Drivers copy constant arrays of a kernel to
    /// slow memory before they index them; a uniform buffer is indexed fast.
    pub round_constants: [u32; 64],
}
