//! Several nonces, or messages, interleaved, with the SHA extensions (SHA-NI).
//!
//! Each round of a nonce waits for the round before it, so with one nonce the
//! unit would be idle most of the time. Two or three independent nonces keep it
//! busy.
//!
//! The SHA instructions have the old encoding of SSE only. If an instruction of
//! AVX has written the upper half of a vector, an Intel Xeon takes about 200
//! cycles for each step from one encoding to the other. So these kernels clean
//! the upper halves (`vzeroupper`) before the rounds, and a test reads their
//! machine code.

#[macro_use]
mod rounds;

pub mod messages;
pub mod nonces;

use crate::job::PreparedJob;
use crate::message::{BLOCK, MessageShape};

/// Proof that the CPU has the SHA extensions and SSE4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShaNi(());

impl ShaNi {
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1");
        there.then_some(ShaNi(()))
    }

    /// Like [`crate::portable::search`].
    pub fn search(self, job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { nonces::search_two(job, start, count, candidates) }
    }

    /// Like [`crate::portable::hash`].
    pub fn hash<const LEN: usize>(
        self,
        shape: &MessageShape,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { messages::hash_two(shape, messages, digests) }
    }

    /// Like [`crate::portable::hash_twice`].
    pub fn hash_twice(self, messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { messages::hash_two_twice(messages, digests) }
    }
}

/// Proof that the CPU also has AVX-512 VL. It doubles the number of registers,
/// so there is room for a third nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShaNiWide(());

impl ShaNiWide {
    pub fn detect() -> Option<Self> {
        let there = ShaNi::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl");
        there.then_some(ShaNiWide(()))
    }

    /// Like [`crate::portable::search`].
    pub fn search(self, job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found all four features.
        unsafe { nonces::search_three(job, start, count, candidates) }
    }

    /// Like [`crate::portable::hash`].
    pub fn hash<const LEN: usize>(
        self,
        shape: &MessageShape,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found all four features.
        unsafe { messages::hash_three(shape, messages, digests) }
    }

    /// Like [`crate::portable::hash_twice`].
    pub fn hash_twice(self, messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
        // SAFETY: `self` exists, so `detect` found all four features.
        unsafe { messages::hash_three_twice(messages, digests) }
    }
}
