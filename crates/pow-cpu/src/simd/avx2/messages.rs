//! Eight messages of one length at a time.

use super::vector::*;
use crate::message::{BLOCK, MessageShape};
use crate::portable;
use crate::simd::wide::CONSTANTS;
use pow_kernels::sha256::INITIAL;
use std::arch::x86_64::*;

define_hash!(__m256i, "avx2");

/// The words of one block of each message. The first vector has the first word
/// of each.
#[inline]
#[target_feature(enable = "avx2")]
fn load<const LEN: usize>(messages: &[&[u8; LEN]; LANES], block: usize) -> [__m256i; 16] {
    let mut words = [constant(0); 16];
    let (halves, _) = words.as_chunks_mut::<LANES>();
    for (half, words) in halves.iter_mut().enumerate() {
        let mut rows = [constant(0); LANES];
        for (row, message) in rows.iter_mut().zip(messages) {
            let half: &[u8; BLOCK / 2] = &message.as_chunks().0[2 * block + half];
            // SAFETY: half a block is as long as the vector, whose load needs
            // no alignment.
            *row = swap_bytes(unsafe { _mm256_loadu_si256(half.as_ptr().cast()) });
        }
        *words = transpose(rows);
    }
    words
}

/// The words of a vector.
#[inline]
#[target_feature(enable = "avx2")]
fn store(words: __m256i) -> [u32; LANES] {
    let mut out = [0; LANES];
    // SAFETY: the array is as long as the vector, whose store needs no
    // alignment.
    unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), words) };
    out
}

#[inline]
#[target_feature(enable = "avx2")]
fn transpose(rows: [__m256i; 8]) -> [__m256i; 8] {
    let mut out = rows;
    // First transpose groups of four rows within each half of the vectors.
    for rows in out.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = *rows;
        let (ab01, ab23) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (cd01, cd23) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        *rows = [
            _mm256_unpacklo_epi64(ab01, cd01),
            _mm256_unpackhi_epi64(ab01, cd01),
            _mm256_unpacklo_epi64(ab23, cd23),
            _mm256_unpackhi_epi64(ab23, cd23),
        ];
    }
    // Then exchange the halves.
    for i in 0..4 {
        let [a, b] = [out[i], out[4 + i]];
        out[i] = _mm256_permute2x128_si256::<0x20>(a, b);
        out[4 + i] = _mm256_permute2x128_si256::<0x31>(a, b);
    }
    out
}
