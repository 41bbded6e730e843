//! Sixteen nonces, or messages, at a time with AVX-512.

mod messages;
mod vector;

use crate::job::PreparedJob;
use crate::message::{BLOCK, MessageShape};
use pow_kernels::HOISTED;
use std::arch::x86_64::*;
use vector::*;

/// Proof that the CPU has AVX-512 F and AVX-512 BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        there.then_some(Avx512(()))
    }

    /// Like [`crate::portable::search`].
    pub fn search(self, job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { search(job, start, count, candidates) }
    }

    /// Like [`crate::portable::hash`].
    pub fn hash<const LEN: usize>(
        self,
        shape: &MessageShape,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { messages::hash(shape, messages, digests) }
    }

    /// Like [`crate::portable::hash_twice`].
    pub fn hash_twice(self, messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { messages::hash_twice(messages, digests) }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn search(job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let top = constant(job.top);
    for offset in (0..count).step_by(LANES) {
        let nonces = add(constant(start.wrapping_add(offset)), lanes);
        let hash = last_word(&job.hoisted, swap_bytes(nonces));
        let mut mask = _mm512_cmple_epu32_mask(swap_bytes(hash), top);
        while mask != 0 {
            let lane = offset + mask.trailing_zeros();
            if lane < count {
                candidates.push(lane);
            }
            mask &= mask - 1;
        }
    }
}

#[target_feature(enable = "avx512f")]
#[expect(clippy::let_and_return, reason = "generated code")]
fn last_word(values: &[u32; HOISTED], word: __m512i) -> __m512i {
    include!("../traced.rs")
}

#[inline]
#[target_feature(enable = "avx512f")]
fn hoisted(values: &[u32; HOISTED], slot: usize) -> __m512i {
    constant(values[slot])
}
