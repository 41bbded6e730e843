//! Sixteen nonces, or messages, at a time with AVX-512.

mod messages;

use crate::job::Prepared;
use crate::message::Form;
use pow_kernels::HOISTED;
use std::arch::x86_64::*;

/// Nonces, or messages, that are hashed at the same time.
const LANES: u32 = 16;

/// Proof that the CPU has AVX-512 F and BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx512 {
    pub fn detect() -> Option<Self> {
        let there = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        there.then_some(Avx512(()))
    }

    /// As [`crate::portable::search`].
    pub fn search(self, job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { search(job, start, count, candidates) }
    }

    /// Writes each message's hash to the place of the same index.
    pub fn hash<const LEN: usize>(
        self,
        form: &Form,
        messages: &[[u8; LEN]],
        digests: &mut [[u8; 32]],
    ) {
        // SAFETY: `self` exists, so `detect` found both features.
        unsafe { messages::hash(form, messages, digests) }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn search(job: &Prepared, start: u32, count: u32, candidates: &mut Vec<u32>) {
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let top = constant(job.top);
    for offset in (0..count).step_by(LANES as usize) {
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
    include!("traced.rs")
}

#[inline]
#[target_feature(enable = "avx512f")]
fn hoisted(values: &[u32; HOISTED], slot: usize) -> __m512i {
    constant(values[slot])
}

#[inline]
#[target_feature(enable = "avx512f")]
fn constant(value: u32) -> __m512i {
    _mm512_set1_epi32(value.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(x: __m512i, y: __m512i) -> __m512i {
    _mm512_add_epi32(x, y)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn big_sigma_0(x: __m512i) -> __m512i {
    xor(
        _mm512_ror_epi32::<2>(x),
        _mm512_ror_epi32::<13>(x),
        _mm512_ror_epi32::<22>(x),
    )
}

#[inline]
#[target_feature(enable = "avx512f")]
fn big_sigma_1(x: __m512i) -> __m512i {
    xor(
        _mm512_ror_epi32::<6>(x),
        _mm512_ror_epi32::<11>(x),
        _mm512_ror_epi32::<25>(x),
    )
}

#[inline]
#[target_feature(enable = "avx512f")]
fn small_sigma_0(x: __m512i) -> __m512i {
    xor(
        _mm512_ror_epi32::<7>(x),
        _mm512_ror_epi32::<18>(x),
        _mm512_srli_epi32::<3>(x),
    )
}

#[inline]
#[target_feature(enable = "avx512f")]
fn small_sigma_1(x: __m512i) -> __m512i {
    xor(
        _mm512_ror_epi32::<17>(x),
        _mm512_ror_epi32::<19>(x),
        _mm512_srli_epi32::<10>(x),
    )
}

#[inline]
#[target_feature(enable = "avx512f")]
fn choice(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0xca>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn majority(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0xe8>(x, y, z)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor(x: __m512i, y: __m512i, z: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0x96>(x, y, z)
}

/// Reverses the bytes of each word.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn swap_bytes(words: __m512i) -> __m512i {
    let order = _mm_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
    _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(order))
}
