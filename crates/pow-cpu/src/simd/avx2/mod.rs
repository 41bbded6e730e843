//! Eight nonces, or messages, at a time with AVX2.

mod messages;
mod vector;

use crate::job::PreparedJob;
use crate::message::{BLOCK, MessageShape};
use pow_kernels::HOISTED;
use std::arch::x86_64::*;
use vector::*;

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }

    /// Like [`crate::portable::search`].
    pub fn search(self, job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found the feature.
        unsafe { search(job, start, count, candidates) }
    }

    /// Like [`crate::portable::hash`].
    pub fn hash<const LEN: usize>(
        self,
        shape: &MessageShape,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found the feature.
        unsafe { messages::hash(shape, messages, digests) }
    }

    /// Like [`crate::portable::hash_twice`].
    pub fn hash_twice(self, messages: &[[u8; 2 * BLOCK]], digests: &mut [[u8; 32]]) {
        // SAFETY: `self` exists, so `detect` found the feature.
        unsafe { messages::hash_twice(messages, digests) }
    }
}

#[target_feature(enable = "avx2")]
fn search(job: &PreparedJob, start: u32, count: u32, candidates: &mut Vec<u32>) {
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let top = constant(job.top);
    for offset in (0..count).step_by(LANES) {
        let nonces = add(constant(start.wrapping_add(offset)), lanes);
        let hash = swap_bytes(last_word(&job.hoisted, swap_bytes(nonces)));
        // There is no unsigned comparison. So compare the hash with the smaller
        // of both.
        let at_most = _mm256_cmpeq_epi32(_mm256_min_epu32(hash, top), hash);
        let mut mask = _mm256_movemask_ps(_mm256_castsi256_ps(at_most)).cast_unsigned();
        while mask != 0 {
            let lane = offset + mask.trailing_zeros();
            if lane < count {
                candidates.push(lane);
            }
            mask &= mask - 1;
        }
    }
}

#[target_feature(enable = "avx2")]
#[expect(clippy::let_and_return, reason = "generated code")]
fn last_word(values: &[u32; HOISTED], word: __m256i) -> __m256i {
    include!("../traced.rs")
}

#[inline]
#[target_feature(enable = "avx2")]
fn hoisted(values: &[u32; HOISTED], slot: usize) -> __m256i {
    constant(values[slot])
}
