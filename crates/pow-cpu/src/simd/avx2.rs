//! Eight nonces, or messages, at a time with AVX2.

mod messages;

use crate::job::Prepared;
use crate::message::Form;
use pow_kernels::HOISTED;
use std::arch::x86_64::*;

/// Nonces, or messages, that are hashed at the same time.
const LANES: u32 = 8;

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Avx2(()))
    }

    /// As [`crate::portable::search`].
    pub fn search(self, job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found the feature.
        unsafe { search(job, start, count, candidates) }
    }

    /// Writes each message's hash to the place of the same index.
    pub fn hash<const LEN: usize>(
        self,
        form: &Form,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found the feature.
        unsafe { messages::hash(form, messages, digests) }
    }
}

#[target_feature(enable = "avx2")]
fn search(job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let top = constant(job.top);
    for offset in (0..count).step_by(LANES as usize) {
        let nonces = add(constant(start.wrapping_add(offset)), lanes);
        let hash = swap_bytes(last_word(&job.hoisted, swap_bytes(nonces)));
        // There is no unsigned comparison: the smaller one is the hash.
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
    include!("traced.rs")
}

#[inline]
#[target_feature(enable = "avx2")]
fn hoisted(values: &[u32; HOISTED], slot: usize) -> __m256i {
    constant(values[slot])
}

#[inline]
#[target_feature(enable = "avx2")]
fn constant(value: u32) -> __m256i {
    _mm256_set1_epi32(value.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
fn add(x: __m256i, y: __m256i) -> __m256i {
    _mm256_add_epi32(x, y)
}

#[inline]
#[target_feature(enable = "avx2")]
fn big_sigma_0(x: __m256i) -> __m256i {
    xor(rotate::<2, 30>(x), rotate::<13, 19>(x), rotate::<22, 10>(x))
}

#[inline]
#[target_feature(enable = "avx2")]
fn big_sigma_1(x: __m256i) -> __m256i {
    xor(rotate::<6, 26>(x), rotate::<11, 21>(x), rotate::<25, 7>(x))
}

#[inline]
#[target_feature(enable = "avx2")]
fn small_sigma_0(x: __m256i) -> __m256i {
    xor(
        rotate::<7, 25>(x),
        rotate::<18, 14>(x),
        _mm256_srli_epi32::<3>(x),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn small_sigma_1(x: __m256i) -> __m256i {
    xor(
        rotate::<17, 15>(x),
        rotate::<19, 13>(x),
        _mm256_srli_epi32::<10>(x),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn choice(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(z, _mm256_and_si256(x, _mm256_xor_si256(y, z)))
}

/// Written so that the next round's `y ^ z` is this one's `x ^ y`.
#[inline]
#[target_feature(enable = "avx2")]
fn majority(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    let both = _mm256_and_si256(_mm256_xor_si256(x, y), _mm256_xor_si256(y, z));
    _mm256_xor_si256(y, both)
}

#[inline]
#[target_feature(enable = "avx2")]
fn xor(x: __m256i, y: __m256i, z: __m256i) -> __m256i {
    _mm256_xor_si256(_mm256_xor_si256(x, y), z)
}

/// Rotates words to the right by `RIGHT`; `LEFT` is 32 less that.
#[inline]
#[target_feature(enable = "avx2")]
fn rotate<const RIGHT: i32, const LEFT: i32>(x: __m256i) -> __m256i {
    const { assert!(RIGHT + LEFT == 32) };
    _mm256_or_si256(_mm256_srli_epi32::<RIGHT>(x), _mm256_slli_epi32::<LEFT>(x))
}

/// Reverses the bytes of each word.
#[inline]
#[target_feature(enable = "avx2")]
fn swap_bytes(words: __m256i) -> __m256i {
    let order = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    _mm256_shuffle_epi8(words, _mm256_broadcastsi128_si256(order))
}
