//! Several nonces, or messages, interleaved on the SHA extensions (SHA-NI).
//!
//! One nonce's rounds wait for one another, so the unit would idle most of the
//! time; two or three independent nonces fill it.

#[macro_use]
mod rounds;

mod messages;
mod nonces;

use crate::job::PreparedJob;
use crate::message::MessageShape;

/// Proof that the CPU has the SHA extensions and SSE4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShaNi(());

impl ShaNi {
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1");
        there.then_some(ShaNi(()))
    }

    /// As [`crate::portable::search`].
    pub fn search(self, job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { nonces::search_two(job, start, count, candidates) }
    }

    /// Writes each message's hash to the place of the same index.
    pub fn hash<const LEN: usize>(
        self,
        shape: &MessageShape,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { messages::hash_two(shape, messages, digests) }
    }
}

/// Proof that the CPU has AVX-512 VL besides: twice the registers, so that a
/// third nonce fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShaNiWide(());

impl ShaNiWide {
    pub fn detect() -> Option<Self> {
        let there = ShaNi::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl");
        there.then_some(ShaNiWide(()))
    }

    /// As [`crate::portable::search`].
    pub fn search(self, job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found all four features.
        unsafe { nonces::search_three(job, start, count, candidates) }
    }

    /// As [`ShaNi::hash`].
    pub fn hash<const LEN: usize>(
        self,
        shape: &MessageShape,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found all four features.
        unsafe { messages::hash_three(shape, messages, digests) }
    }
}
